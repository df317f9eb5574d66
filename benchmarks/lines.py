"""Question (e): how fast the command goes through files with one payload a line.

Measured: whole processes over the same file of payloads of 3 to 9 items (2 KB a line, one in a
hundred with an error): `talonschema check` in one process and with `--jobs 2`, and a loop of
`json.loads` and jsonschema, which only separates valid from invalid. The loop gets a
twentieth of the lines, since it is slow. All times are per line, in seconds of wall time, without
those of a run over a single line, which is start-up. The peak memory of the largest process is
noted for files of different lengths.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import harness
import payloads
import peers
from harness import Rounds

_PEER = """
import json, sys
from jsonschema import Draft202012Validator
with open(sys.argv[1], encoding="utf-8") as file:
    validator = Draft202012Validator(json.load(file))
with open(sys.argv[2], "rb") as file:
    print(sum(not validator.is_valid(json.loads(line)) for line in file))
"""


def write(path: Path, lines: int) -> None:
    """Write a file of so many lines."""
    choose = random.Random(3)
    pool = [
        payloads.text(payloads.request(choose.randint(3, 9)))
        if number % 100
        else payloads.text(payloads.faulty_request(choose.randint(3, 9), 1))
        for number in range(500)
    ]
    with path.open("wb") as file:
        for number in range(lines):
            file.write(pool[number % len(pool)] + b"\n")


def spawn(line: list[str]) -> tuple[float, int]:
    """Run a command without output; return wall seconds and the peak memory in KiB."""
    nowhere = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    start = perf_counter()
    process = os.posix_spawn(line[0], line, os.environ, file_actions=nowhere)
    usage = os.wait4(process, 0)[2]
    return perf_counter() - start, usage.ru_maxrss


def main() -> None:
    """Run the question."""
    chosen = harness.options(__doc__, rounds=5, quick_rounds=3)
    count = 50_000 if chosen.quick else 200_000
    command = [str(Path(sys.executable).parent / "talonschema"), "check"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        long, short, one = (folder / f"{each}.ndjson" for each in ("long", "short", "one"))
        schema = folder / "schema.json"
        write(long, count)
        write(short, count // 20)
        write(one, 1)
        schema.write_text(json.dumps(peers.bundle(peers.MODEL, peers.DRAFT_2020_12)), "utf-8")
        lines = {
            "json.loads + jsonschema": ([sys.executable, "-c", _PEER, str(schema)], short),
            "talonschema check": (command, long),
            "talonschema check --jobs 2": ([*command, "--jobs", "2"], long),
        }
        times: Rounds = {each: [] for each in lines}
        for _ in range(chosen.rounds):
            for each, (line, file) in lines.items():
                start_up = spawn([*line, str(one)])[0]
                whole = spawn([*line, str(file)])[0]
                judged = count if file is long else count // 20
                times[each].append((whole - start_up) / judged)
        memory = {}
        for many in (10_000, 100_000 if chosen.quick else 1_000_000):
            write(long, many)
            memory[f"{many} lines"] = spawn([*command, str(long)])[1]
    harness.save("lines", chosen, {"per line": times}, peak_memory_kib=memory)


if __name__ == "__main__":
    main()
