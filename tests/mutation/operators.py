"""Operators beside those of Cosmic Ray: null checks, texts, statements, arguments, membership."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cosmic_ray.operators.operator import Example, Operator
from parso.python.tree import Keyword

Positions = Iterator[tuple[tuple[int, int], tuple[int, int]]]


class DropOperand(Operator):
    """Leaves an operand of ``and`` or ``or`` out, such as a check for None."""

    def mutation_positions(self, node: Any) -> Positions:
        if node.type in {"and_test", "or_test"}:
            for operand in node.children[::2]:
                yield operand.start_pos, operand.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        # An operand goes with the word after it, the last one with the word before it.
        first = min(2 * index, len(node.children) - 2)
        del node.children[first : first + 2]
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example("a and b", " b"),
            Example("a or b", "a", occurrence=1),
            Example("a and b and c", "a and b", occurrence=2),
        )


class ReplaceString(Operator):
    """Puts a letter before a text."""

    def mutation_positions(self, node: Any) -> Positions:
        if node.type == "string":
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        del index
        quote = min(node.value.index(each) for each in "'\"" if each in node.value)
        length = 3 if node.value[quote : quote + 3] in {'"""', "'''"} else 1
        start = quote + length
        node.value = f"{node.value[:start]}X{node.value[start:]}"
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example("x = 'a'", "x = 'Xa'"),)


class DropStatement(Operator):
    """Replaces a simple statement of a function by ``pass``."""

    def mutation_positions(self, node: Any) -> Positions:
        if node.type == "simple_stmt" and _in_function(node):
            statement = node.children[0]
            if statement.get_code(include_prefix=False) != "pass":
                yield statement.start_pos, statement.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        del index
        first = node.get_first_leaf()
        node.children[0] = Keyword("pass", first.start_pos, first.prefix)
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example("def f():\n    x = 1\n", "def f():\n    pass\n"),)


class DropKeywordArgument(Operator):
    """Leaves a keyword argument out of a call."""

    def mutation_positions(self, node: Any) -> Positions:
        if node.type in {"arglist", "trailer"}:
            for each in self._keyword_arguments(node):
                yield each.start_pos, each.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        place = node.children.index(self._keyword_arguments(node)[index])
        del node.children[place]
        if node.type == "arglist":
            # A comma after the last argument is allowed, one before the first is not.
            del node.children[min(place, len(node.children) - 1)]
        return node

    @staticmethod
    def _keyword_arguments(node: Any) -> list[Any]:
        return [
            each
            for each in node.children
            if each.type == "argument" and each.children[1].get_code().strip() == "="
        ]

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example("f(a, b=1)", "f(a)"), Example("f(b=1)", "f()"))


class NegateMembership(Operator):
    """Exchanges ``in`` and ``not in``."""

    def mutation_positions(self, node: Any) -> Positions:
        if node.type == "comparison":
            for _, each in self._memberships(node):
                yield each.start_pos, each.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        place, found = self._memberships(node)[index]
        new = "not in" if found.get_code().strip() == "in" else "in"
        node.children[place] = Keyword(new, found.start_pos, " ")
        return node

    @staticmethod
    def _memberships(node: Any) -> list[tuple[int, Any]]:
        return [
            (index, each)
            for index, each in enumerate(node.children)
            if index % 2 and each.get_code().split() in (["in"], ["not", "in"])
        ]

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example("a in b", "a not in b"), Example("a not in b", "a in b"))


class ReplaceName(Operator):
    """Exchanges ``any`` and ``all``, ``min`` and ``max``."""

    OTHER = {"any": "all", "all": "any", "min": "max", "max": "min"}  # noqa: RUF012 - of parso

    def mutation_positions(self, node: Any) -> Positions:
        if node.type == "name" and node.value in self.OTHER:
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        del index
        node.value = self.OTHER[node.value]
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example("any(x)", "all(x)"),)


def _in_function(node: Any) -> bool:
    """Return True if the innermost function or class around a statement is a function."""
    while node.parent is not None:
        node = node.parent
        if node.type in {"funcdef", "classdef"}:
            return bool(node.type == "funcdef")
    return False
