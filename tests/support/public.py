"""The public interface as plain data, for the golden file that pins it.

docs/compatibility.md defines what is stable. ``make golden`` writes tests/golden/public.json anew;
each difference in it is one for users.
"""

from __future__ import annotations

import argparse
import contextlib
import enum
import inspect
import io
import json
import string
import tomllib
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any, Final, get_args, get_origin, get_type_hints, is_typeddict

import yaml
from prometheus_client.metrics import MetricWrapperBase

from talonschema import NEW, Catalog, InvalidPayload, Policy, Validator, check, cli, codes, schemas
from talonschema.api import Arguments
from talonschema.cli import console
from talonschema.cli.parser import Parser
from talonschema.config.settings import DEFAULTS
from talonschema.findings.code import Code, Example
from talonschema.gateway.telemetry.metrics import Metrics
from talonschema.output import FORMATS
from talonschema.output import json as json_output
from talonschema.validator import Options

ROOT: Final = Path(__file__).parents[2]
MODULES: Final = ("", ".files", ".gateway", ".schemas", ".testing", ".testing.strategies", ".types")
"""The modules whose names are public."""
UNLISTED: Final[Mapping[str, tuple[str, ...]]] = {
    ".schemas": (
        "BASE",
        "DEFAULT_EDITION",
        "EDITIONS",
        "load",
        "models",
        "registry",
        "text",
        "uri",
    ),
    ".testing.strategies": ("payloads",),
}
"""The public names of modules without a list of them."""
RUNS: Final[tuple[tuple[str, ...], ...]] = (
    ("check", "clean.json"),
    ("check", "wrong-types.json"),
    ("check", "clean.json", "--no-such-option"),
    ("check", "not-json.json"),
    ("check", "missing.json"),
    ("check", "wrong-types.json", "missing.json"),
    ("explain", "cart/position"),
    ("explain", "cart/no-such-code"),
    ("no-such-command",),
)
"""Runs of the command on the files in tests/golden/input, for their exit statuses."""


def interface() -> dict[str, Any]:
    """Return all that is public; the working directory has the input of the golden files."""
    return {
        "library": {f"talonschema{name}": _module(name) for name in MODULES},
        "schemas": {each: list(schemas.models(each)) for each in schemas.EDITIONS},
        "codes": {code.name: _code(code) for code in codes()},
        "report": _report(),
        "command": {name: _options(name) for name in cli.COMMANDS},
        "formats": list(FORMATS),
        "exit statuses": dict(_statuses()),
        "settings": _settings(),
        "metrics": dict(_metrics()),
        "hooks": {each["id"]: each["entry"] for each in _yaml(".pre-commit-hooks.yaml")},
        "action": sorted(_yaml("action.yml")["inputs"]),
        "extras": _extras(),
    }


# The library.


def _module(name: str) -> dict[str, Any] | list[str]:
    module = import_module(f"talonschema{name}")
    names = sorted(UNLISTED.get(name) or module.__all__)
    # What the types have in them, the schemas have.
    if name == ".types":
        return names
    return {each: _describe(getattr(module, each)) for each in names}


def _describe(value: Any) -> Any:
    if is_typeddict(value):
        return {key: _describe(hint) for key, hint in get_type_hints(value).items()}
    if get_origin(value) is list:
        return [_describe(get_args(value)[0])]
    if isinstance(value, type) and value.__module__.startswith("talonschema"):
        return _class(value)
    if inspect.isfunction(inspect.unwrap(value)):
        return _signature(value)
    return getattr(value, "__name__", str(value))


def _class(cls: type) -> dict[str, str]:
    if issubclass(cls, enum.Enum):
        return {member.name: member.value for member in cls}
    sample = InvalidPayload(check({})) if cls is InvalidPayload else cls
    public = dict(_attributes(cls, sample))
    plain = sorted(name for name, signature in public.items() if not signature)
    return {
        "()": _signature(cls.__init__ if "__init__" in vars(cls) else cls),
        **({"attributes": ", ".join(plain)} if plain else {}),
        **{name: signature for name, signature in public.items() if signature},
    }


def _attributes(cls: type, sample: Any) -> Iterator[tuple[str, str]]:
    """Yield the attributes, methods with their signatures."""
    for name in sorted(dir(sample)):
        home = next((base for base in cls.__mro__ if name in vars(base)), cls)
        if name.startswith("_") or not home.__module__.startswith("talonschema"):
            continue
        value = inspect.getattr_static(cls, name, None)
        if isinstance(value, classmethod | staticmethod):
            value = value.__func__
        yield name, _signature(value) if isinstance(value, FunctionType) else ""


def _signature(function: Callable[..., Any]) -> str:
    """Return the parameters with their defaults; of ``**`` the names that it takes."""
    shown = []
    parameters = [
        each.replace(annotation=inspect.Parameter.empty)
        for each in inspect.signature(function).parameters.values()
        if each.name not in {"self", "cls", "_cls"}
    ]
    for each in parameters:
        if each.kind is each.VAR_KEYWORD:
            shown.append(f"**{{{', '.join(_keys(_arguments_type(function, each.name)))}}}")
        else:
            if each.kind is each.KEYWORD_ONLY and "*" not in "".join(shown):
                shown.append("*")
            shown.append(str(each))
    return f"({', '.join(shown)})"


def _arguments_type(function: Callable[..., Any], name: str) -> Any:
    """Return the TypedDict of the keyword arguments that a function takes by ``**``."""
    annotation = inspect.get_annotations(function)[name]
    if not isinstance(annotation, str):
        return get_args(annotation)[0]
    taken = annotation.removeprefix("Unpack[").removesuffix("]")
    # Some are imported for type checkers only.
    return function.__globals__.get(taken) or {"Arguments": Arguments, "Options": Options}[taken]


def _keys(typed_dict: Any) -> list[str]:
    return sorted(typed_dict.__required_keys__ | typed_dict.__optional_keys__)


# What is found, and in what form.


def _code(code: Code) -> str:
    refusal = f"; refused: {code.refusal}" if code.refusal else ""
    editions = "" if code.editions == schemas.EDITIONS else f"; only {', '.join(code.editions)}"
    return f"{code.severity}{refusal}{editions}; params: {' '.join(sorted(_params(code))) or '-'}"


def _params(code: Code) -> set[str]:
    """Return the names of parameters in the texts of a code and in the findings of its examples."""
    texts = [each for one in (code.message, code.hint) for each in _texts(one)]
    named = {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name}
    found = {
        name
        for example in code.bad
        for finding in _example_findings(example)
        if finding.code == code.name
        for name in finding.params
    }
    return named | found


def _texts(given: str | Mapping[str, str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given.values())


def _example_findings(example: Example) -> Any:
    context = dict(example.context)
    edition = context.pop("edition", schemas.DEFAULT_EDITION)
    policy = Policy.from_mapping(context.pop("policy", {}))
    if context.get("previous") == "NEW":
        context["previous"] = NEW
    return Validator(edition=edition, policy=policy).check(example.data, **context).findings


def _report() -> dict[str, dict[str, str]]:
    """Return the keys of the JSON output by the definitions of its schema."""
    schema = json.loads(json_output.schema())
    return {
        name: {
            key: _type(below) + (", required" if key in definition.get("required", ()) else "")
            for key, below in definition["properties"].items()
        }
        for name, definition in {"": schema, **schema["$defs"]}.items()
        if "properties" in definition
    }


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "items" in schema:
        return f"array of {_type(schema['items'])}"
    types = schema.get("type", "any")
    return types if isinstance(types, str) else " or ".join(types)


# The command, its settings and what runs it.


def _options(name: str) -> list[str]:
    parser = Parser(name)
    import_module(f"talonschema.cli.{name}").configure(parser)
    return sorted(_actions(parser))


def _actions(parser: argparse.ArgumentParser, prefix: str = "") -> Iterator[str]:
    for action in parser._actions:  # noqa: SLF001 -- argparse has no other list of them
        if isinstance(action.choices, Mapping):
            for name, below in action.choices.items():
                yield from _actions(below, f"{name} ")
            continue
        if action.dest == "help":
            continue
        words = [", ".join(action.option_strings) or str(action.metavar or action.dest)]
        if action.choices is not None:
            words.append(f"{{{', '.join(map(str, action.choices))}}}")
        elif action.option_strings and action.nargs != 0:
            words.append(str(action.metavar or action.dest.upper()))
        if action.default and action.default is not argparse.SUPPRESS:
            words.append(f"(default {action.default})")
        yield prefix + " ".join(words)


def _statuses() -> Iterator[tuple[str, int]]:
    for arguments in RUNS:
        silent = io.StringIO()
        with contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent):
            yield " ".join(arguments), cli.main(arguments)
    yield "interrupted", console.INTERRUPTED
    yield "the reader of the output went away", console.BROKEN_PIPE


def _settings() -> dict[str, Any]:
    """Return the keys of tables with their defaults; those of the gateway are its `Settings`."""
    return {
        "talonschema.toml": dict(DEFAULTS),
        "policy": sorted(inspect.signature(Policy).parameters),
        "catalog": sorted(inspect.signature(Catalog).parameters),
    }


def _metrics() -> Iterator[tuple[str, str]]:
    for metric in vars(Metrics()).values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            labels = ", ".join(metric._labelnames)  # noqa: SLF001 -- shows nowhere else
            yield family.name, f"{family.type}{f' by {labels}' if labels else ''}"


def _yaml(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def _extras() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return sorted(project["optional-dependencies"].keys() - {"dev"})
