"""Unused: notes on settings without effect."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from ..checking.registry import select_codes
from ..config.globs import SIGNS, Glob
from ..files.paths import COMMENTED, ENDS

if TYPE_CHECKING:
    from ..config.settings import EffectiveSettings, Origin, SettingsResolver
    from ..files.silence import EntrySilence


def emptied_selectors(chosen: SettingsResolver, settings: EffectiveSettings) -> Iterator[str]:
    """Yield a note on each name in ``select`` that ``ignore`` cancels completely."""
    selected = settings.values["select"]
    ignored = [each for each in settings.ignored if each.reason is None]
    everything = select_codes([each.name for each in ignored])
    for name in selected.value or ():
        codes = select_codes([name])
        if codes <= everything:
            where = chosen.describe(selected.origin)
            others = {
                chosen.describe(each.origin): None
                for each in ignored
                if not codes.isdisjoint(select_codes([each.name]))
            }
            yield f"select of {name} ({where}) is overridden by ignore ({', '.join(others)})"


def unmatched_globs(
    chosen: SettingsResolver, flags: Iterable[Glob], arguments: Iterable[str]
) -> Iterator[str]:
    """Yield a note on each glob without a match, as far as the arguments can show it."""
    folders = [each for each in arguments if os.path.isdir(each)]
    excluding, selecting = chosen.globs()
    for glob in flags:
        if not glob.used and glob.lies_in(folders):
            yield f"--exclude {glob.pattern}: there is no such file or folder"
    for glob in excluding:
        if not glob.used and glob.lies_in(folders):
            where = chosen.describe(glob.place)
            yield f"{where}: exclude {glob.pattern}: there is no such file or folder"
    for globs in selecting:
        for glob in globs:
            if not glob.used and _is_walked(glob, folders):
                where = chosen.describe(glob.place)
                yield f"{where}: glob {glob.pattern}: matches none of the checked files"


def idle_entries(
    chosen: SettingsResolver, entries: Mapping[Origin, EntrySilence], arguments: Iterable[str]
) -> Iterator[str]:
    """Yield a note on each entry that silences nothing in any file that it applies to."""
    folders = [each for each in arguments if os.path.isdir(each)]
    _, selecting = chosen.globs()
    for origin in sorted(entries):
        # The origin of a code is its table, key and index.
        index = origin[-3]
        if entries[origin].count or not isinstance(index, int):
            continue
        if all(_is_walked(glob, folders) for glob in selecting[index]):
            yield f"{chosen.describe(origin)}: ignore {entries[origin].name} silences nothing"


def _is_walked(glob: Glob, folders: Iterable[str]) -> bool:
    """Return True if all files that a glob matches are found by walking folders."""
    _, end = os.path.splitext(glob.pattern)
    taken = any(sign in end for sign in SIGNS) or end.lower() in {"", *ENDS, *COMMENTED}
    return taken and glob.lies_in(folders)
