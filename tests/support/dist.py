"""Distributions: built from a commit, the same byte by byte each time, and tried where they go.

``make dist`` writes the source archive and the wheel of the last commit into dist/, compares two
builds, checks them, installs them with each Python there is and runs the tests of the archive.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
DIST: Final = ROOT / "dist"
SCRIPTS: Final = Path(sys.executable).parent
UMASK: Final = 0o022
"""Modes of files that are written during a build get into the archives."""


class Archives(NamedTuple):
    """The files of a release."""

    sdist: Path
    wheel: Path


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a program without the settings of Python and pip in the caller's environment.

    Raises `AssertionError` with its output if it fails.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COV_", "PIP_", "PYTEST_", "PYTHON"))
    }
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        umask=UMASK,
    )
    if done.returncode:
        program = " ".join(map(str, command))
        raise AssertionError(f"{program} failed\n{done.stdout}\n{done.stderr}")
    return done.stdout


def log(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def build(sources: Path, target: Path, epoch: int) -> Archives:
    """Build the source archive, and from it the wheel, with all times set to `epoch`."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (made,) = _build_distribution("--sdist", sources, folder / "made", epoch)
        target.mkdir(parents=True, exist_ok=True)
        sdist = target / made.name
        sdist.write_bytes(_reproducible(made, epoch))
        (wheel,) = _build_distribution("--wheel", unpack(sdist, folder), target, epoch)
    return Archives(sdist, wheel)


def _build_distribution(kind: str, sources: Path, target: Path, epoch: int) -> Iterator[Path]:
    options = ("--no-isolation", kind, "--outdir", target)
    run(sys.executable, "-m", "build", *options, cwd=sources, SOURCE_DATE_EPOCH=str(epoch))
    return target.glob("*.tar.gz" if kind == "--sdist" else "*.whl")


def _reproducible(sdist: Path, epoch: int) -> bytes:
    """Return the archive without what depends on the time, the user and the machine.

    setuptools takes SOURCE_DATE_EPOCH into account for wheels only.
    """
    written = io.BytesIO()
    with tarfile.open(sdist) as given, tarfile.open(fileobj=written, mode="w") as archive:
        for member in sorted(given.getmembers(), key=lambda each: each.name):
            plain = tarfile.TarInfo(member.name)
            plain.type, plain.size, plain.mtime = member.type, member.size, epoch
            plain.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            archive.addfile(plain, given.extractfile(member))
    return gzip.compress(written.getvalue(), mtime=epoch)


def unpack(sdist: Path, folder: Path) -> Path:
    """Unpack a source archive into a folder; return the one folder that it makes there."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return folder / sdist.name.removesuffix(".tar.gz")


def check(archives: Archives) -> None:
    """Check the metadata and what is in the wheel."""
    run(SCRIPTS / "twine", "check", "--strict", *archives, cwd=ROOT)
    run(SCRIPTS / "check-wheel-contents", archives.wheel, cwd=ROOT)


def interpreters() -> dict[str, Path]:
    """Return an interpreter for each release of Python that is supported and found."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        classifiers: list[str] = tomllib.load(file)["project"]["classifiers"]
    releases = [each.rpartition(" :: ")[2] for each in classifiers if " :: Python :: 3." in each]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders = [*map(Path, os.get_exec_path()), *pyenv.glob("versions/*/bin")]
    found = {}
    for release in releases:
        for folder in folders:
            python = folder / f"python{release}"
            # A shim of pyenv is there whether or not its release is in use.
            if os.access(python, os.X_OK) and not subprocess.call(
                [python, "-c", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            ):
                found[release] = python
                break
        else:
            log(f"   Python {release}: none found, not tried")
    return found


def install(archive: Path, python: Path, folder: Path) -> None:
    """Install an archive into an environment of its own and run the command there."""
    environment = folder / "environment"
    uv = SCRIPTS / "uv"
    run(uv, "venv", "--clear", "--python", python, environment, cwd=folder)
    inside = environment / "bin"
    run(uv, "pip", "install", "--python", inside / "python", archive, cwd=folder)
    run(uv, "pip", "check", "--python", inside / "python", cwd=folder)
    examples = ROOT / "examples"
    run(inside / "talonschema", "check", examples / "good", cwd=folder)
    reported = run(
        *(inside / "python", "-I", "-c", PROBE, examples / "bad" / "wrong-types.json"), cwd=folder
    )
    version = archive.name.split("-")[1].removesuffix(".tar.gz")
    expected = {"version": version, "engine": "jsonschema-rs", "codes": ["schema/type"]}
    if json.loads(reported) != expected:
        raise AssertionError(f"{archive.name} reports {reported}")


PROBE: Final = """
import json, pathlib, sys
import talonschema

validator = talonschema.Validator()
report = validator.check(pathlib.Path(sys.argv[1]).read_bytes())
codes = sorted({each.code for each in report.errors})
facts = {"version": talonschema.__version__, "engine": validator.engine.name, "codes": codes}
json.dump(facts, sys.stdout)
"""


def main() -> None:
    """Build, check and try the archives of the last commit; exit with a text if that fails."""
    try:
        _release()
    except AssertionError as error:
        sys.exit(f"dist: {error}")


def _release() -> None:
    epoch = int(run("git", "log", "-1", "--format=%ct", cwd=ROOT))
    if run("git", "status", "--porcelain", cwd=ROOT):
        log("   what is not committed is left out")
    with TemporaryDirectory() as name:
        folder = Path(name)
        log("== building twice")
        first, second = (_of_commit(folder / each, epoch) for each in ("first", "second"))
        for one, other in zip(first, second, strict=True):
            if one.read_bytes() != other.read_bytes():
                raise AssertionError(f"two builds of {one.name} differ")
        log("== checking")
        check(first)
        for release, python in interpreters().items():
            log(f"== installing with Python {release}")
            for archive in first:
                install(archive, python, folder)
        log("== testing the source archive: make quick")
        run("make", "quick", f"PYTHON={sys.executable}", cwd=unpack(first.sdist, folder))
        shutil.rmtree(DIST, ignore_errors=True)
        shutil.copytree(first.sdist.parent, DIST)
    for path in sorted(DIST.iterdir()):
        log(f"   {hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(ROOT)}")


def _of_commit(folder: Path, epoch: int) -> Archives:
    """Build the archives of the last commit from a folder without anything else in it."""
    sources = folder / "sources"
    sources.mkdir(parents=True)
    run("git", "archive", "--output", folder / "sources.tar", "HEAD", cwd=ROOT)
    with tarfile.open(folder / "sources.tar") as archive:
        archive.extractall(sources, filter="data")
    return build(sources, folder / "dist", epoch)


if __name__ == "__main__":
    main()
