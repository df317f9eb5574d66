"""Discovery: the search for the file with the settings of a project.

It is ``talonschema.toml``, or ``pyproject.toml`` with a table ``[tool.talonschema]``. If there is
none, the modules that read it are not imported.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .file import Config

OWN = "talonschema.toml"
SHARED = "pyproject.toml"
_TOOL, _NAME = "tool", "talonschema"


def find(start: str = "") -> Config | None:
    """Return the nearest settings from a folder upwards, by default the working directory.

    Within a folder, ``talonschema.toml`` takes precedence. A ``pyproject.toml`` without
    ``[tool.talonschema]`` is ignored. Raises `TomlError`.
    """
    try:
        folder, above = os.path.abspath(start), start
    except OSError:  # it was removed
        return None
    while True:
        if os.path.isfile(os.path.join(folder, OWN)):
            return _config(os.path.join(above, OWN))
        shared = os.path.join(folder, SHARED)
        if os.path.isfile(shared) and _mentions_table(shared):
            config = _config(os.path.join(above, SHARED))
            if config is not None:
                return config
        if folder == os.path.dirname(folder):
            return None
        folder, above = os.path.dirname(folder), os.path.join(above, os.pardir)


def at(path: str) -> Config:
    """Return the settings of a file; raises `TomlError`."""
    config = _config(path)
    if config is None:
        from ..reading.toml_reader import TomlError

        raise TomlError(path, None, f"has no table [{_TOOL}.{_NAME}]")
    return config


def _config(path: str) -> Config | None:
    from ..reading.toml_reader import load
    from .file import Config

    toml = load(path)
    if os.path.basename(path) != SHARED:
        return Config(toml, ())
    tool = toml.data.get(_TOOL)
    return Config(toml, (_TOOL, _NAME)) if isinstance(tool, dict) and _NAME in tool else None


def _mentions_table(path: str) -> bool:
    """Return True if a file contains the name of the table; most do not, and need no parsing."""
    try:
        with open(path, "rb") as file:
            return _NAME.encode() in file.read()
    except OSError:
        return True  # loading it reports the reason
