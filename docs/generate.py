"""Write what is generated: parts of docs/, the TypedDicts and the completions for shells.

Run it with ``make docs``. With ``--check`` it writes nothing, names the files that are out of date
and exits with status 1 if there are any.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, get_args

from completions import outputs as completions
from payload_types import outputs as payload_types
from picture import picture

from talonschema import NEW, Policy, Validator
from talonschema.checking.registry import CODES, GROUPS
from talonschema.checking.report import Report
from talonschema.findings.code import Code, Example
from talonschema.model.states import MOVES
from talonschema.rules import RULES
from talonschema.rules.rule import Need
from talonschema.schemas import EDITIONS

ROOT: Final = Path(__file__).resolve().parents[1]
BEGIN: Final = "<!-- begin: state diagram, written by docs/generate.py -->"
END: Final = "<!-- end: state diagram -->"

PICTURED: Final = ("talonschema", "check", "session.json", "--previous", "closed")
SESSION: Final = """\
{
  "customerSession": {
    "profileId": "cust-88120",
    "state": "open",
    "cartitems": [{"name": "Burr grinder", "sku": "GRD-7", "quantity": 1, "price": 129}]
  }
}
"""
"""The payload in the picture."""

WIDTH = 88
LONG_TEXT = 160
LONG_LIST = 10

NEED_ABOUT: Final[dict[Need, str]] = {
    "state": "`previous`: `NEW`, the state before the call, or the whole session",
    "stored session": "`previous`: the whole session before the call, or `NEW`",
    "attributes": "`policy.catalog.attributes`",
    "additional costs": "`policy.catalog.additional_costs`",
    "coupon budget": "`policy.coupon_budget = true`",
    "referral budget": "`policy.referral_budget = true`",
    "identifier budget": "`policy.identifier_budget = true`",
    "now": "`now`; without this query parameter there is nothing to judge",
    "operation": "`operation`; without it there is nothing to judge",
}

HEAD = """\
<!-- Written by docs/generate.py from the registry of codes. Change the rules, then `make docs`. -->

# Codes

Every finding has one of these {count} codes.
A code is `group/name`.
Codes are stable: they keep their name and their meaning.
The wording of messages and hints is not stable.

Each section covers the meaning of a code, why it matters, and how to get rid of it.
It ends with one example that has the finding and one that does not.
The examples contain only the relevant parts, so they may have other findings.
Long strings and lists in them are shortened.

**Severity** is `error`, `warning` or `info`.
Only errors make a report fail.
`select`, `ignore` and `severity` change what is reported and how, by code or by group.

**Confidence** is how well the fact behind a code is known:

- `documented`: the published specification, documentation or SDK states it.
- `practice`: recorded responses or integrations in use show it.
- `inferred`: it follows from what is documented, but nothing states it.

**Context** is what a rule needs beyond the payload.
A rule that lacks it is listed in `report.skipped` with the reason.
So is a rule that can't be applied because a part that it reads is not valid.

## Index
"""


class Drift(Exception):
    """The sources of the documentation contradict each other; the text names how."""


def rules() -> str:
    """Return docs/rules.md."""
    by_group = {
        group: sorted((c for c in CODES.values() if c.group == group), key=lambda c: c.name)
        for group in GROUPS
    }
    lines = [HEAD.format(count=len(CODES))]
    for group, codes in by_group.items():
        lines += [f"**[{group}](#{group})**: {GROUPS[group]}", ""]
        lines += ["| Code | Severity | Editions | Confidence | Meaning |", "|---|---|---|---|---|"]
        lines += [
            f"| [`{code.name}`](#{anchor(code.name)}) | {code.severity} | {_editions(code)} "
            f"| {code.confidence} | {code.summary} |"
            for code in codes
        ]
        lines.append("")
    for group, codes in by_group.items():
        lines += [f"## {group}", "", GROUPS[group], ""]
        for code in codes:
            lines += [*_section(code), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def anchor(code: str) -> str:
    """Return the anchor of a code's section."""
    return code.replace("/", "-").lower()


def diagram() -> str:
    """Return the state diagram of all editions, as a block of Mermaid."""
    lines = ["```mermaid", "stateDiagram-v2"]
    for move in dict.fromkeys(move for edition in EDITIONS for move in MOVES[edition]):
        having = [edition for edition in EDITIONS if move in MOVES[edition]]
        only = "" if len(having) == len(EDITIONS) else f" ({', '.join(having)} only)"
        lines.append(f"    {move.start or '[*]'} --> {move.end}: {move.operation}{only}")
    return "\n".join([*lines, "```"])


def with_diagram(text: str) -> str:
    """Return the `text` of a page with the state diagram between its markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        message = f"docs/limits.md lacks the markers {BEGIN} and {END}"
        raise Drift(message)
    return f"{before}{BEGIN}\n\n{diagram()}\n\n{END}{after}"


def screenshot() -> str:
    """Return the picture of what `PICTURED` prints on a terminal with colours."""
    with TemporaryDirectory() as folder:
        Path(folder, "session.json").write_text(SESSION, "utf-8")
        done = subprocess.run(
            [sys.executable, "-m", *PICTURED, "--no-config", "--color=always"],
            cwd=folder,
            stdout=subprocess.PIPE,
            check=False,
        )
    return picture(" ".join(PICTURED), done.stdout.decode())


def _section(code: Code) -> Iterator[str]:
    yield f'<a id="{anchor(code.name)}"></a>'
    yield ""
    yield f"### `{code.name}`"
    yield ""
    yield code.summary
    yield ""
    yield f"**Why it matters.** {_text(code.why)}"
    yield ""
    yield f"**How to fix it.** {_text(code.fix)}"
    yield ""
    yield f"- Severity: {code.severity}"
    yield f"- Editions: {_editions(code)}"
    yield f"- Models: {', '.join(code.models) or 'any'}"
    yield f"- Context: {_context(code)}"
    yield f"- Source: {_text(code.source)} ({code.confidence})"
    yield f"- Refused by the API: {'no' if code.refusal is None else f'yes ({code.refusal})'}"
    for bad in code.bad[:1]:
        yield from ("", *_example("Has the finding", bad))
        yield from ("", f"> {_first_finding(code, bad)}")
    for good in code.good[:1]:
        same = bool(code.bad) and bool(good.context) and good.context == code.bad[0].context
        yield from ("", *_example("Has it not", good, same=same))


def _editions(code: Code) -> str:
    return ", ".join(code.editions)


def _text(text: str) -> str:
    """Return prose for a Markdown page: what GitHub would read as HTML stays text."""
    return text.replace("<", "&lt;")


def _context(code: Code) -> str:
    needs = RULES[code.name].needs if code.name in RULES else ()
    reasons = _reasons(code)
    without = "needed in some cases" if reasons else "none needed"
    stated = "; ".join(NEED_ABOUT[need] for need in needs) or without
    return f"{stated}. Skipped when: {'; '.join(reasons)}" if reasons else stated


def _reasons(code: Code) -> list[str]:
    """Return why the rule of a code may be skipped, found by taking its examples' context away."""
    reasons = set()
    for example in (*code.bad, *code.good):
        calls: list[Mapping[str, Any]] = [example.context]
        calls += [
            {key: value for key, value in example.context.items() if key != name}
            for name in ("previous", "policy")
        ]
        if example.context.get("operation", "update") == "update":
            calls.append({**example.context, "dry": True})
        payloads = [example.data]
        if "NewCustomerSessionV2" in code.models:
            payloads.append({"state": "closed"})
        for context, data in product(calls, payloads) if code.name in RULES else ():
            report = check(Example(data, context))
            reasons |= {each.reason for each in report.skipped if each.code == code.name}
    # Of any rule: what it reads has to be valid. The page states it once, for all.
    return sorted(reasons - {"a part that it reads is not valid"})


def check(example: Example) -> Report:
    """Return the report on an example in its context."""
    call = dict(example.context)
    edition = call.pop("edition", EDITIONS[0])
    policy = Policy.from_mapping(call.pop("policy", {}))
    if call.get("previous") == "NEW":
        call["previous"] = NEW
    return Validator(edition=edition, policy=policy).check(example.data, **call)


def _first_finding(code: Code, bad: Example) -> str:
    """Return the place and the message of the first finding of a bad example.

    Raises Drift if the example does not have the finding.
    """
    finding = next((each for each in check(bad).findings if each.code == code.name), None)
    if finding is None:
        message = f"the first bad example of {code.name} does not have the finding"
        raise Drift(message)
    where = f"`{finding.pointer}`" if finding.pointer else "the whole payload"
    if finding.parameter is not None:
        where = f"parameter `{finding.parameter}`"
    elif finding.line is not None:
        where = f"line {finding.line}, column {finding.column}"
    hint = f" ({_text(finding.hint)})" if finding.hint else ""
    return f"{where}: {_text(finding.message)}{hint}"


def _example(title: str, example: Example, *, same: bool = False) -> Iterator[str]:
    context = example.context
    yield f"{title}{_describe_context(context, same=same)}:"
    yield ""
    yield from _payload(example.data)
    if not same and any(isinstance(value, Mapping) for value in context.values()):
        yield ""
        yield "in this context:"
        yield ""
        yield from ("```json", pretty(context), "```")


def _describe_context(context: Mapping[str, Any], *, same: bool) -> str:
    """Return a context of plain values in words, nothing for one that takes a block."""
    if same:
        return ", in the same context"
    if not context or any(isinstance(value, Mapping) for value in context.values()):
        return ""
    return ", with " + ", ".join(f"`{k}` = `{json.dumps(v)}`" for k, v in context.items())


def _payload(data: Any) -> Iterator[str]:
    """Yield a payload as a block: JSON if it is, text as it is, else as Python writes it."""
    if data is None:
        yield "no body"
    elif isinstance(data, str) and not _encodes(data):
        yield from ("```python", _python(data), "```")
    elif isinstance(data, str):
        yield from ("```text", _cut(data), "```") if data else ("an empty text",)
    else:
        try:
            shown = pretty(data)
        except (TypeError, ValueError, UnicodeEncodeError):
            yield from ("```python", _python(data), "```")
        else:
            yield from ("```json", shown, "```")


def _python(data: Any) -> str:
    """Return a value as Python writes it, in the quotes that the formatter of Python code likes."""
    text = repr(data)
    return text if '"' in text else text.replace("'", '"')


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _cut(text: str) -> str:
    if len(text) <= LONG_TEXT:
        return text
    if len(set(text)) == 1:
        return f"{json.dumps(text[0])} {len(text):,} times"
    return f"{text[:40]}... ({len(text):,} characters)"


def pretty(data: Any) -> str:
    """Return JSON for people: on one line where it fits, cut where it is long.

    Raises TypeError or ValueError for what JSON has no form for.
    """
    json.dumps(data, allow_nan=False, ensure_ascii=False).encode()
    _refuse_odd_keys(data)
    return _pretty(data, 0)


def _refuse_odd_keys(data: Any) -> None:
    if isinstance(data, Mapping):
        if not all(isinstance(key, str) for key in data):
            raise TypeError
        for value in data.values():
            _refuse_odd_keys(value)
    elif isinstance(data, (list, tuple)):
        for value in data:
            _refuse_odd_keys(value)


def _pretty(data: Any, indent: int) -> str:
    if isinstance(data, str):
        short = data if len(data) <= LONG_TEXT // 2 else f"{data[:10]}... ({len(data)} characters)"
        return json.dumps(short, ensure_ascii=False)
    if isinstance(data, Mapping):
        left, right = "{", "}"
        parts = [
            f"{json.dumps(key, ensure_ascii=False)}: {_pretty(value, indent + 1)}"
            for key, value in data.items()
        ]
    elif isinstance(data, (list, tuple)):
        left, right = "[", "]"
        parts = [_pretty(value, indent + 1) for value in data[:LONG_LIST]]
        if len(data) > LONG_LIST:
            parts = [*parts[:1], f'"... and {len(data) - 1} more like it"']
    else:
        return json.dumps(data)
    line = f"{left}{', '.join(parts)}{right}"
    if "\n" not in line and len(line) + 2 * indent <= WIDTH:
        return line
    pad = "  " * (indent + 1)
    body = ",\n".join(f"{pad}{part}" for part in parts)
    return f"{left}\n{body}\n{'  ' * indent}{right}"


def outputs() -> dict[Path, str]:
    """Return the text that each file with generated parts should have."""
    if set(NEED_ABOUT) != set(get_args(Need)):
        message = "docs/generate.py describes other needs than there are"
        raise Drift(message)
    limits = ROOT / "docs" / "limits.md"
    return {
        ROOT / "docs" / "rules.md": rules(),
        ROOT / "docs" / "check.svg": screenshot(),
        limits: with_diagram(limits.read_text("utf-8")),
        **{ROOT / "validator" / "types" / name: text for name, text in payload_types().items()},
        **{
            ROOT / "validator" / "cli" / "completions" / n: text
            for n, text in completions().items()
        },
    }


def _files_in(folder: str, texts: Mapping[str, str]) -> dict[Path, str]:
    return {ROOT / folder / name: text for name, text in texts.items()}


def main(arguments: list[str]) -> int:
    """Write the files, or with ``--check`` name those that have drifted."""
    stale = {
        path: text
        for path, text in outputs().items()
        if not path.exists() or path.read_text("utf-8") != text
    }
    for path, text in stale.items():
        name = path.relative_to(ROOT).as_posix()
        if "--check" in arguments:
            sys.stderr.write(f"{name} is out of date: run make docs\n")
        else:
            path.write_text(text, "utf-8")
            sys.stdout.write(f"{name} written\n")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
