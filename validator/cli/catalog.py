"""``talonschema catalog``: makes the catalog of an account."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .console import OK, UsageError, print_note, write

if TYPE_CHECKING:
    from ..model.catalog_builder import ExportKind, ManagementExport

STDOUT = "-"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    build = actions.add_parser(
        "build",
        help="build a catalog from exports of the Management API",
        description="Build the catalog that check --catalog and policies read, from the responses"
        " to GET /v1/attributes and GET /v1/additional_costs of the Management API.",
    )
    build.add_argument(
        "exports",
        nargs="*",
        metavar="EXPORT",
        help="a JSON file with a page, a list of pages or a bare list, or - for standard input;"
        " its kind is detected from its entries",
    )
    for kind in ("attributes", "additional-costs"):
        build.add_argument(
            f"--{kind}",
            action="append",
            default=[],
            metavar="EXPORT",
            help=f"an export of {kind.replace('-', ' ')}, which may be empty; may be repeated",
        )
    build.add_argument(
        "-o",
        "--output",
        default=STDOUT,
        metavar="PATH",
        help="write to this file, as TOML if it ends in .toml. Default: JSON, on standard output",
    )


def run(args: argparse.Namespace) -> int:
    """Make and write the catalog."""
    from ..model.catalog_builder import NAMES, ListingError, build

    given: list[tuple[str, ExportKind | None]] = [
        *((file, None) for file in args.exports),
        *((file, "attributes") for file in args.attributes),
        *((file, "additional_costs") for file in args.additional_costs),
    ]
    if not given:
        raise UsageError("no exports given (see 'talonschema catalog build --help')")
    try:
        built = build([_export(file, kind) for file, kind in given])
    except ListingError as error:
        raise UsageError(str(error)) from None
    _write(built.catalog, args.output)
    for note in built.notes:
        print_note(note)
    kinds = {
        f"attributes of {of}": each for of, each in built.catalog.get("attributes", {}).items()
    }
    if "additional_costs" in built.catalog:
        kinds[NAMES["additional_costs"]] = built.catalog["additional_costs"]
    counts = [f"{about}: {len(names)}" for about, names in kinds.items()]
    print_note(f"the catalog has {', '.join(counts) or 'nothing'}")
    return OK


def _export(file: str, kind: ExportKind | None) -> ManagementExport:
    from ..files.reader import content, read_error_text
    from ..model.catalog_builder import ManagementExport
    from ..reading import document

    try:
        read = document.read(content(file))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: {read_error_text(error)}") from None
    if read.problems or not read.readable:
        from ..checking.registry import CODES
        from ..findings.finding import finding

        code = CODES[read.problems[0].code]
        fault = finding(read.problems[0], code, code.severity, redact=False)
        place = "" if fault.line is None else f":{fault.line}:{fault.column}"
        raise UsageError(f"{file}{place}: {fault.message}")
    return ManagementExport(file, read.value, kind)


def _write(catalog: dict[str, Any], path: str) -> None:
    """Write a catalog atomically, so that the file has either its old or its new content."""
    import json

    if path.lower().endswith(".toml"):
        text = "".join(_toml(catalog))
    else:
        text = json.dumps(catalog, indent=2, ensure_ascii=False) + "\n"
    if path == STDOUT:
        write(text)
        return
    folder, name = os.path.split(path)
    part = os.path.join(folder, f".{name}.{os.getpid()}.part")
    try:
        try:
            with open(part, "x", encoding="utf-8", newline="\n") as file:
                file.write(text)
            os.replace(part, path)
        except OSError:
            if os.path.exists(part):
                os.unlink(part)
            raise
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"{path}: can't be written: {why}") from None


def _toml(catalog: dict[str, Any]) -> Iterator[str]:
    for entity, names in catalog.get("attributes", {}).items():
        yield f"[attributes.{entity}]\n"
        for name, attribute in names.items():
            yield f"{_key(name)} = {_inline(attribute)}\n"
        yield "\n"
    if catalog.get("attributes") == {}:
        yield "[attributes]\n\n"
    if "additional_costs" in catalog:
        yield "[additional_costs]\n"
        for name, scope in catalog["additional_costs"].items():
            yield f"{_key(name)} = {_inline(scope)}\n"


def _key(name: str) -> str:
    return name if name.isascii() and name.isidentifier() else _inline(name)


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_inline(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    import json

    # JSON and TOML have the same strings and numbers, except for one character to be escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
