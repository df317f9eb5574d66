"""Golden files: the public interface, and what ``check`` prints of the files in tests/golden/input.

``make golden`` writes them anew; look at the difference before you commit it.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import talonschema
from support.json_layout import lay_out
from support.public import interface
from talonschema import cli
from talonschema.output import FORMATS

FOLDER = Path(__file__).parents[1] / "golden"
INPUT = FOLDER / "input"
PUBLIC = FOLDER / "public.json"
SUFFIXES = {"sarif": "sarif", "json": "json", "gitlab": "json", "junit": "xml", "html": "html"}
"""Of the others it is txt."""

CASES: dict[str, tuple[str, ...]] = {
    "clean": ("clean.json",),
    "errors": ("wrong-types.json", "key-slips.json"),
    "related": ("related.json", "duplicate-keys.json"),
    "lines": ("history.ndjson",),
    "sequence": ("--sequence", "calls.json"),
    "yaml": ("closing.yaml",),
    "unreadable": ("not-json.json", "missing.json", "clean.json"),
    "parameter": ("--now", "soon", "clean.json"),
    "omitted": ("--max-findings", "2", "wrong-types.json", "key-slips.json"),
    "redacted": ("--redact", "related.json"),
    "odd": ("50% größe,a b.json",),
}
"""The arguments of each run."""


def golden_file(case: str, form: str) -> Path:
    """Return the file that has the output of a case in a form."""
    return FOLDER / form / f"{case}.{SUFFIXES.get(form, 'txt')}"


def output_of_check(*arguments: str) -> str:
    """Return what a check prints in the working directory, with no version that changes."""
    output = io.StringIO()
    # `print` and the like would write line ends as they are; a golden file keeps them, too.
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
        status = cli.main(("check", "--no-config", "--color", "never", *arguments))
    if status not in {0, 1, 3}:
        raise AssertionError(status)
    return drop_versions(output.getvalue())


def drop_versions(text: str) -> str:
    """Return the output of a check with no version that changes, and no styles nor script."""
    text = text.replace(f'ersion": "{talonschema.__version__}"', 'ersion": "0.0.0"')
    text = text.replace(f"<p>talonschema {talonschema.__version__}<", "<p>talonschema 0.0.0<")
    return re.sub(r"(?s)(<style>|<script>|'sha256-).*?(?=</style>|</script>|')", r"\1...", text)


@contextlib.contextmanager
def inputs() -> Iterator[Path]:
    """Go to a folder with the files, in which no repository and no settings are."""
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        shutil.copytree(INPUT, ".", dirs_exist_ok=True)
        yield Path(name)


def public_text() -> str:
    """Return the text of the golden file that has the public interface."""
    with inputs():
        return lay_out(interface())


def main() -> None:
    """Write the golden files."""
    PUBLIC.write_text(public_text(), "utf-8")
    with inputs():
        for form in FORMATS:
            shutil.rmtree(FOLDER / form, ignore_errors=True)
            (FOLDER / form).mkdir()
            for case, arguments in CASES.items():
                golden_file(case, form).write_bytes(
                    output_of_check("--format", form, *arguments).encode()
                )
    sys.stdout.write(
        f"{len(FORMATS) * len(CASES) + 1} files in {os.path.relpath(FOLDER)} written\n"
    )


if __name__ == "__main__":
    main()
