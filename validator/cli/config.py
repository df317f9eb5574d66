"""``talonschema config``: prints the effective settings with their origins."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ..display.terminal import printable
from .console import OK, UsageError, write
from .options import add_call, add_codes, add_config, choice

if TYPE_CHECKING:
    from ..config.settings import EffectiveSettings, SettingsResolver

FORMATS = ("text", "json")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="show the effective settings of this file, which need not exist. Default: of a file"
        " that matches no [[files]] table",
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    add_call(parser.add_argument_group("call, as for check"))
    add_codes(parser.add_argument_group("reporting, as for check"))
    add_config(parser.add_argument_group("settings"))


def run(args: argparse.Namespace) -> int:
    """Print the settings."""
    chosen = choice(args)
    try:
        settings = chosen.settings(chosen.group(args.file))
    except ValueError as error:
        raise UsageError(str(error)) from None
    if args.format == "json":
        from ..output.json_text import document

        write(document(_data(chosen, settings, args.file)))
    else:
        write("".join(f"{printable(line)}\n" for line in _lines(chosen, settings)))
    return OK


def _lines(chosen: SettingsResolver, settings: EffectiveSettings) -> list[str]:
    rows = [("config", _format(chosen.path), "", "")]
    rows += [
        (name, _format(each.value), chosen.describe(each.origin), "")
        for name, each in settings.values.items()
    ]
    rows += (
        (
            "ignore",
            f"{each.name} at {each.pointer}" if each.pointer else each.name,
            chosen.describe(each.origin),
            each.reason or "",
        )
        for each in settings.ignored
    )
    rows += (
        ("severity", f"{name} = {each.value}", chosen.describe(each.origin), "")
        for name, each in settings.severity.items()
    )
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        f"{name:{widths[0]}}  {value:{widths[1]}}  {origin:{widths[2]}}  {more}".rstrip()
        for name, value, origin, more in rows
    ]


def _format(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ", ".join(value)
    return f"a table with {', '.join(value)}" if isinstance(value, dict) else str(value)


def _data(
    chosen: SettingsResolver, settings: EffectiveSettings, file: str | None
) -> dict[str, Any]:
    from ..checking.report import FORMAT_VERSION

    return {
        "version": FORMAT_VERSION,
        "config": chosen.path,
        "file": file,
        "settings": {
            name: {"value": each.value, "origin": chosen.describe(each.origin)}
            for name, each in settings.values.items()
        },
        "ignore": [
            {
                "code": each.name,
                "origin": chosen.describe(each.origin),
                "reason": each.reason,
                "pointer": each.pointer,
            }
            for each in settings.ignored
        ],
        "severity": [
            {"code": name, "severity": each.value, "origin": chosen.describe(each.origin)}
            for name, each in settings.severity.items()
        ],
    }
