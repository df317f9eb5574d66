"""Print the mutants of modules, a line of JSON each.

It runs in an environment of its own, which has Cosmic Ray: see ``make mutants``.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import parso
from cosmic_ray.ast import ast_nodes
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators import (
    binary_operator_replacement as binary,
)
from cosmic_ray.operators import (
    boolean_replacer,
    break_continue,
    exception_replacer,
    number_replacer,
    zero_iteration_for_loop,
)
from cosmic_ray.operators import (
    comparison_operator_replacement as comparison,
)
from cosmic_ray.operators import (
    unary_operator_replacement as unary,
)

from mutation import operators as own

BINARY = (
    *("Add_Sub", "Sub_Add", "Mul_Div", "FloorDiv_Mul", "LShift_RShift", "RShift_LShift"),
    *("BitOr_BitAnd", "BitAnd_BitOr", "Mod_Mul", "Pow_Mul"),
)
COMPARISONS = (
    *("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is"),
    *("Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt"),
)
"""The opposite of each, and what differs from it in its bound alone."""
UNARY = ("Delete_Not", "USub_UAdd", "Delete_Invert")

OPERATORS: tuple[Any, ...] = (
    *(getattr(binary, f"ReplaceBinaryOperator_{each}") for each in BINARY),
    *(getattr(comparison, f"ReplaceComparisonOperator_{each}") for each in COMPARISONS),
    *(getattr(unary, f"ReplaceUnaryOperator_{each}") for each in UNARY),
    boolean_replacer.AddNot,
    boolean_replacer.ReplaceTrueWithFalse,
    boolean_replacer.ReplaceFalseWithTrue,
    boolean_replacer.ReplaceAndWithOr,
    boolean_replacer.ReplaceOrWithAnd,
    break_continue.ReplaceBreakWithContinue,
    break_continue.ReplaceContinueWithBreak,
    exception_replacer.ExceptionReplacer,
    number_replacer.NumberReplacer,
    zero_iteration_for_loop.ZeroIterationForLoop,
    own.DropOperand,
    own.ReplaceString,
    own.DropStatement,
    own.DropKeywordArgument,
    own.NegateMembership,
    own.ReplaceName,
)

PROSE = {"summary", "message", "hint", "why", "fix", "source", "bad", "good", "confidence"}
"""Arguments of `rule` and `Code` for people to read: tests compare what `make docs` prints."""

Range = tuple[tuple[int, int], tuple[int, int]]


class Mutant(NamedTuple):
    """A module with one change."""

    line: int
    old: str
    new: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Yield the mutants of a module, each once."""
    skipped, texts = _ranges(source)
    seen = {ast.dump(ast.parse(source))}
    parts = [each.get_code() for each in parso.parse(source).children]
    starts = [sum(part.count("\n") for part in parts[:index]) for index in range(len(parts))]
    for index, (part, start) in enumerate(zip(parts, starts, strict=True)):
        for operator, occurrence in _occurrences(part, start, skipped, texts):
            changed = mutate_code(part, operator, occurrence)
            whole = "".join([*parts[:index], changed, *parts[index + 1 :]])
            try:
                tree = ast.dump(ast.parse(whole))
            except SyntaxError:
                continue
            if tree not in seen:
                seen.add(tree)
                yield _mutant(source, whole)


def _occurrences(
    part: str, start: int, skipped: list[Range], texts: list[Range]
) -> Iterator[tuple[Any, int]]:
    """Yield operators and the numbers of their occurrences in a statement of a module."""
    nodes = list(ast_nodes(parso.parse(part)))
    for make in OPERATORS:
        operator = make()
        unwanted = skipped + texts if make is own.ReplaceString else skipped
        occurrences = count()
        for node in nodes:
            for (line, column), _ in operator.mutation_positions(node):
                occurrence = next(occurrences)
                place = (line + start, column)
                star = node.type == "operator" and node.parent.type == "parameters"
                if not star and not any(begin <= place < end for begin, end in unwanted):
                    yield operator, occurrence


def _ranges(source: str) -> tuple[list[Range], list[Range]]:
    """Return what is left as it is, and where texts are: what people read, and annotations."""
    skipped: list[Range] = []
    texts: list[Range] = []
    tree = ast.parse(source)
    skipped += _examples(tree)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)) or _is_prose(node):
            skipped.append(_range(node))
        elif isinstance(node, ast.AnnAssign):
            skipped.append(_range(node.annotation))
            if ast.unparse(node.annotation).endswith("TypeAlias"):
                skipped.append(_range(node))
        elif isinstance(node, ast.arg) and node.annotation:
            skipped.append(_range(node.annotation))
        elif isinstance(node, ast.FunctionDef) and node.returns:
            skipped.append(_range(node.returns))
        elif isinstance(node, ast.Raise):
            texts.append(_range(node))
        if isinstance(node, ast.Call):
            skipped += _prose(node)
    return skipped, texts


def _is_prose(node: ast.AST) -> bool:
    """Return True for a docstring, and for the list of what a module offers."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"


def _prose(call: ast.Call) -> Iterator[Range]:
    if ast.unparse(call.func) in {"rule", "Code"}:
        for keyword in call.keywords:
            if keyword.arg in PROSE:
                yield _range(keyword)


def _examples(tree: ast.Module) -> Iterator[Range]:
    """Yield the statements of a module that serve prose and examples alone."""
    while True:
        prose = {
            id(each)
            for node in ast.walk(tree)
            if isinstance(node, ast.keyword) and node.arg in PROSE
            for each in ast.walk(node)
        }
        used = {
            each.id
            for each in ast.walk(tree)
            if isinstance(each, ast.Name)
            and isinstance(each.ctx, ast.Load)
            and id(each) not in prose
        }
        unused = [
            each
            for each in tree.body
            if isinstance(each, ast.Assign)
            and ast.unparse(each.targets[0]).startswith("_")
            and ast.unparse(each.targets[0]) not in used
        ]
        if not unused:
            return
        yield from map(_range, unused)
        tree.body = [each for each in tree.body if each not in unused]


def _range(node: Any) -> Range:
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)


def _mutant(source: str, changed: str) -> Mutant:
    """Return a mutant with the lines that differ."""
    before, after = source.splitlines(), changed.splitlines()
    first = next(
        (
            index
            for index, (one, other) in enumerate(zip(before, after, strict=False))
            if one != other
        ),
        min(len(before), len(after)),
    )
    same = 0
    while same < min(len(before), len(after)) - first and before[-1 - same] == after[-1 - same]:
        same += 1
    old, new = (
        " ".join(each.strip() for each in lines[first : len(lines) - same])
        for lines in (before, after)
    )
    return Mutant(first + 1, old, new, changed)


def hold_to_examples() -> None:
    """Raise `ValueError` if an operator of our own does otherwise than its examples."""
    # What it makes may be no Python at all, which would leave its mutants out without a word.
    for operator in OPERATORS:
        for each in operator.examples() if operator.__module__ == own.__name__ else ():
            made = mutate_code(each.pre_mutation_code, operator(), each.occurrence)
            if made != each.post_mutation_code:
                message = f"{operator.__name__} makes {made!r} of {each.pre_mutation_code!r}"
                raise ValueError(message)


def main(paths: list[str]) -> None:
    """Print the mutants of the modules at `paths`."""
    hold_to_examples()
    for path in paths:
        for mutant in mutants(Path(path).read_text("utf-8")):
            sys.stdout.write(json.dumps({"path": path, **mutant._asdict()}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
