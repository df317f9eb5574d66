"""Fuzzing: inputs by coverage, for each target in turn, from the corpus beside this script.

``make fuzz SECONDS=60`` gives each target so many seconds. What breaks a promise is kept in
build/fuzz/findings, with the target in its name; mended, it becomes a file of the corpus.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
CASES: Final = ROOT / "tests" / "cases"
WORK: Final = ROOT / "build" / "fuzz"
FINDINGS: Final = WORK / "findings"

TARGETS: Final = ("check", "call", "positions", "yaml", "settings", "policy", "decision")
PACKAGES: Final = (
    *("findings", "reading", "model", "structure", "rules", "checking", "config", "files"),
    *("display", "gateway"),
)
"""Whose branches guide the search."""
_HEAD: Final = b"PUT /v2/customer_sessions/a\ncontent-type: application/json\n\n"
SPARSE: Final = 5
"""Of so many texts on file, one is an input to begin with: each takes some milliseconds."""
LONGEST: Final = 4096
"""Bytes of an input."""
TIMEOUT: Final = 10
"""Seconds until an input counts as a hang."""
MEMORY: Final = 1024
"""MiB until an input counts as a blow-up."""


def main() -> int:
    """Run each target in a process of its own; return how many broke a promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--target", choices=TARGETS, action="append")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("flags", nargs="*")
    chosen = parser.parse_args()
    targets = chosen.target or TARGETS
    if chosen.here:
        _fuzz(targets[0], chosen.flags)
    FINDINGS.mkdir(parents=True, exist_ok=True)
    broken = [target for target in targets if not _passes(target, chosen.seconds, chosen.flags)]
    if broken:
        print(f"see {FINDINGS.relative_to(ROOT)} for inputs of: {', '.join(broken)}")
    return len(broken)


def _passes(target: str, seconds: int, flags: list[str]) -> bool:
    print(f"== {target}", flush=True)
    found = WORK / "corpus" / target
    found.mkdir(parents=True, exist_ok=True)
    for index, text in enumerate(islice(_seeds(target), None, None, SPARSE)):
        (found / f"seed-{index}").write_bytes(text)
    words = WORK / "words.txt"
    words.write_text("".join(f'"{_escape(word)}"\n' for word in sorted(set(_words()))))
    command = [
        *(sys.executable, __file__, "--here", "--target", target, "--"),
        *(f"-max_total_time={seconds}", f"-max_len={LONGEST}", f"-timeout={TIMEOUT}"),
        *(f"-rss_limit_mb={MEMORY}", f"-artifact_prefix={FINDINGS / target}-", f"-dict={words}"),
        *("-print_final_stats=1", "-verbosity=1", *flags),
        *(str(found), str(HERE / "corpus" / target)),
    ]
    return subprocess.run(command, check=False).returncode == 0


def _seeds(target: str) -> Iterator[bytes]:
    """Yield the texts that tests have on file, as inputs of a target."""
    if target in ("settings", "policy"):
        yield from (path.read_bytes() for path in sorted((ROOT / "examples").rglob("*.toml")))
        yield from (path.read_bytes() for path in sorted((ROOT / "examples").rglob("*.json")))
        return
    before = {"call": bytes(3), "decision": _HEAD}.get(target, b"")
    for path in sorted(CASES.rglob("*.json")):
        for test in json.loads(path.read_text("utf-8"))["tests"]:
            if "bytes_hex" in test:
                yield before + bytes.fromhex(test["bytes_hex"])
            elif "text" in test:
                yield before + test["text"].encode()
            elif "data" in test:
                yield before + json.dumps(test["data"]).encode()


def _words() -> Iterator[str]:
    """Yield what payloads, policies and settings are made of."""
    for path in sorted((ROOT / "schemas").rglob("*.json")):
        yield from _texts(json.loads(path.read_text("utf-8")))
    yield from ("true", "false", "null", "NaN", "Infinity", "1e999", "\\ud83d", "\\ude00", "\ufeff")
    yield from ("---", "...", "!!str", "&a", "*a", "<<", "|", ">-", ".inf", "0x", "0o", "~", "? ")
    yield from ("[[files]]", "[gateway]", "[policy]", "[catalog]", "[severity]", "content-encoding")
    yield from ("PUT /v2/customer_sessions/a", "POST /v2/customer_sessions/a/returns", "?dry=true")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f'"{key}"' for key in value.get("properties", ()))
        yield from (f'"{each}"' for each in value.get("enum", ()))
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _escape(word: str) -> str:
    return "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\' else f"\\x{byte:02x}"
        for byte in word.encode()
    )


def _fuzz(target: str, flags: list[str]) -> None:
    """Feed a target until the time is over; does not return."""
    import atheris

    def change(data: bytes, longest: int, seed: int) -> bytes:
        changed = mutant(target, data, seed)
        if changed is None or len(changed) > longest:
            return bytes(atheris.Mutate(data, longest))
        return changed

    with atheris.instrument_imports(include=["talonschema"]):
        for package in PACKAGES:
            _import_all(f"talonschema.{package}")
        from fuzz.mutant import mutant
        from fuzz.targets import TARGETS as FUNCTIONS
    atheris.Setup([sys.argv[0], *flags], FUNCTIONS[target], custom_mutator=change)
    atheris.Fuzz()


def _import_all(name: str) -> None:
    module = importlib.import_module(name)
    for each in pkgutil.iter_modules(getattr(module, "__path__", ())):
        try:
            importlib.import_module(f"{name}.{each.name}")
        except ImportError:
            continue  # of an extra that no target needs


if __name__ == "__main__":
    sys.exit(main())
