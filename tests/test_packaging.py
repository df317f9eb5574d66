"""What is shipped: the source archive, the wheel and the editable install are complete.

Everything is built from a copy of the sources and installed into environments of its own, without
a network: what the package depends on is borrowed from the environment that runs the tests.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import sysconfig
import tomllib
import venv
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from support import dist

# With pytest-xdist one worker runs them all, so that each thing is built once.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]

ROOT = Path(__file__).resolve().parents[1]

with (ROOT / "pyproject.toml").open("rb") as file:
    VERSION: str = tomllib.load(file)["project"]["version"]

FOLDERS = {"validator": "talonschema", "schemas": "talonschema/schemas"}
"""Where each source folder lies in an installation."""

EPOCH = 1_700_000_000
"""The time of each file in the archives."""

NOT_SHIPPED = {".md"}
"""Files of the source folders that are for readers of the repository only, by suffix."""

PROBE = """
import importlib.metadata, importlib.resources, json, sys
import talonschema
from talonschema import schemas

facts = {
    "package": talonschema.__file__,
    "schemas_package": schemas.__file__,
    "version": importlib.metadata.version("talonschema"),
    "typed": importlib.resources.files(talonschema).joinpath("py.typed").is_file(),
    "schemas": {
        f"{edition}/{model}.json": schemas.load(edition, model)
        for edition in schemas.EDITIONS
        for model in schemas.models(edition)
    },
}
json.dump(facts, sys.stdout)
"""


@dataclass(frozen=True)
class Environment:
    folder: Path

    @property
    def site(self) -> Path:
        base = str(self.folder)
        return Path(sysconfig.get_path("purelib", "venv", {"base": base, "platbase": base}))

    @property
    def python(self) -> Path:
        return self.scripts / "python"

    @property
    def scripts(self) -> Path:
        base = str(self.folder)
        return Path(sysconfig.get_path("scripts", "venv", {"base": base, "platbase": base}))


# Nothing comes from an index.
run = partial(dist.run, PIP_NO_INDEX="1")


def copy_sources(target: Path) -> Path:
    """Copy what git tracks or would track, so that no earlier build takes part."""
    listed = run("git", "ls-files", "-co", "--exclude-standard", "-z", cwd=ROOT)
    for name in filter(None, listed.split("\0")):
        # A file that was removed is still listed until the removal is committed.
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


def installed_paths(sources: Path) -> set[str]:
    """Return the path in an installation of each file of the source folders."""
    return {
        f"{package}/{path.relative_to(sources / folder).as_posix()}"
        for folder, package in FOLDERS.items()
        for path in (sources / folder).rglob("*")
        if path.is_file() and path.suffix not in NOT_SHIPPED
    }


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # The blank is there on purpose.
    return copy_sources(tmp_path_factory.mktemp("sources") / "a checkout")


@pytest.fixture(scope="module")
def distributions(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build the source archive, and from it the wheel."""
    folder = tmp_path_factory.mktemp("built")
    checkout = shutil.copytree(sources, folder / "checkout")
    return dist.build(checkout, folder / "dist", EPOCH)._asdict()


@pytest.fixture(scope="module")
def borrowed_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Link every installed package except for talonschema, which may be installed here too."""
    folder = tmp_path_factory.mktemp("borrowed")
    for site in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for entry in Path(site).iterdir():
            if not entry.name.startswith(("talonschema", "__editable__", "__pycache__")):
                (folder / entry.name).symlink_to(entry)
    return folder


def install(what: str, built: dict[str, Path], borrowed: Path, folder: Path) -> Environment:
    environment = Environment(folder / "environment")
    venv.create(environment.folder, with_pip=False)
    (environment.site / "borrowed.pth").write_text(f"{borrowed}\n", encoding="utf-8")
    pip = (sys.executable, "-m", "pip", "--python", environment.python, "install")
    offline = ("--quiet", "--no-deps", "--no-build-isolation")
    source = ("--editable", folder / "checkout") if what == "editable" else (built[what],)
    run(*pip, *offline, *source, cwd=folder)
    return environment


@pytest.mark.slow
@pytest.mark.parametrize("what", ["wheel", "sdist", "editable"])
def test_installation_is_complete(
    what: str,
    sources: Path,
    distributions: dict[str, Path],
    borrowed_packages: Path,
    tmp_path: Path,
) -> None:
    checkout = shutil.copytree(sources, tmp_path / "checkout")
    environment = install(what, distributions, borrowed_packages, tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    reported: dict[str, Any] = json.loads(run(environment.python, "-I", "-c", PROBE, cwd=elsewhere))

    if what == "editable":
        package, schemas = checkout / "validator", checkout / "schemas"
    else:
        package = environment.site / "talonschema"
        schemas = package / "schemas"
    assert Path(reported["package"]) == package / "__init__.py"
    assert Path(reported["schemas_package"]) == schemas / "__init__.py"
    assert reported["typed"]
    assert reported["version"] == VERSION
    expected = {
        path.relative_to(sources / "schemas").as_posix(): json.loads(path.read_text("utf-8"))
        for path in (sources / "schemas").glob("*/*.json")
    }
    assert expected
    assert reported["schemas"] == expected
    assert "usage" in run(environment.scripts / "talonschema", "--help", cwd=elsewhere).lower()


def test_another_build_is_equal(
    sources: Path, distributions: dict[str, Path], tmp_path: Path
) -> None:
    checkout = shutil.copytree(sources, tmp_path / "elsewhere" / "checkout")
    for path in checkout.rglob("*"):
        os.utime(path, (EPOCH + 1, EPOCH + 1))
        path.chmod(path.stat().st_mode & 0o700)
    again = dist.build(checkout, tmp_path / "dist", EPOCH)._asdict()
    for what, archive in distributions.items():
        assert again[what].name == archive.name
        assert again[what].read_bytes() == archive.read_bytes(), what


def test_the_archives_pass_the_checks_of_an_index(distributions: dict[str, Path]) -> None:
    dist.check(dist.Archives(**distributions))


def test_sdist_has_every_file_of_the_repository(
    sources: Path, distributions: dict[str, Path], tmp_path: Path
) -> None:
    made = {"PKG-INFO", "setup.cfg"}
    folder = dist.unpack(distributions["sdist"], tmp_path)
    files = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    assert {
        name.as_posix()
        for name in files
        if name.as_posix() not in made and name.parts[0] != "talonschema.egg-info"
    } == {path.relative_to(sources).as_posix() for path in sources.rglob("*") if path.is_file()}
    for name, path in files.items():
        if (sources / name).is_file():
            assert path.read_bytes() == (sources / name).read_bytes(), name
            assert os.access(path, os.X_OK) == os.access(sources / name, os.X_OK), name


def test_wheel_has_every_source_file_and_nothing_else(
    sources: Path, distributions: dict[str, Path]
) -> None:
    about = f"talonschema-{VERSION}.dist-info/"
    with zipfile.ZipFile(distributions["wheel"]) as wheel:
        names = {name for name in wheel.namelist() if not name.endswith("/")}
        metadata = wheel.read(f"{about}METADATA").decode()

    assert {name for name in names if not name.startswith(about)} == installed_paths(sources)
    assert f"{about}licenses/LICENSE" in names
    assert "License-Expression: MIT\n" in metadata
