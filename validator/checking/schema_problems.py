"""Schema problems: the problems that the schema finds in a payload, adapted for its report."""

from collections.abc import Mapping
from typing import Any

from ..findings.pointer import Path
from ..findings.problem import Problem
from ..model.detection import misspelt_envelope
from ..model.states import SETTABLE
from ..rules.context import Context, Invalid
from ..structure import Engine
from ..structure.engine import omission
from .collector import Collector
from .registry import CODES, HARMLESS


def collect(
    engine: Engine,
    context: Context,
    void: frozenset[Path],
    collector: Collector,
    *,
    only_items: bool,
) -> Invalid | None:
    """Collect the problems that the schema finds; return the places that rules can't read.

    Problems at or below the places in `void` have already been reported. `only_items` means that
    only items of the cart may be invalid. Returns None if there are too many problems.
    """
    model, cart = context.call_kind.model, context.place("cartItems")
    suspects = {} if context.suspects is None else {cart: context.suspects}
    nullable = model in CODES["payload/null-property"].models
    invalid = set(void)
    missing = set()
    value = _suspect_part(context)
    for each in engine.problems(model, value, suspects, only_suspects=only_items):
        if void and any(each.path[:length] in void for length in range(len(each.path) + 1)):
            continue
        problem = omission(context.schema_tree, each) if nullable else each
        if problem is None:
            continue
        problem = _with_hint(problem, context, nullable=nullable)
        if problem.code not in HARMLESS:
            invalid.add(problem.path)
        if problem.code == "schema/required" and problem.path[:-1] == context.base:
            missing.add(problem.path)
        if not collector.add(problem):
            return None
    return Invalid(invalid, missing)


def _suspect_part(context: Context) -> Any:
    """Return the payload without the members of its session that are known to be valid.

    This saves the engine two thirds of its time for a small cart with a wrong state.
    """
    keys, tree = context.suspect_keys(), context.schema_tree.at(context.base)
    if keys is None or tree is None:
        return context.value
    session = context.session
    part: Any = {key: session[key] for key in {*keys, *tree.required} if key in session}
    # The session is either the payload or a member of it.
    for step in context.base:
        part = {**context.value, step: part}
    return part


def _with_hint(problem: Problem, context: Context, *, nullable: bool) -> Problem:
    """Return a problem of the schema with additional parameters for its hint."""
    if problem.code == "schema/enum" and nullable and problem.path == (*context.base, "state"):
        # This takes a third of the time of `_replace`.
        return Problem(problem.code, problem.path, {"allowed": list(SETTABLE)}, problem.values)
    if problem.code == "schema/type" and context.value and type(context.value) is list:
        return problem._replace(params={**problem.params, "kind": "list"})
    if problem.code == "schema/required" and problem.path == context.base:
        return _of_envelope(problem, context.call_kind.model, context.value)
    return problem


def _of_envelope(problem: Problem, model: str, value: Mapping[str, Any]) -> Problem:
    """Return the problem of a missing envelope, at the misspelt key if there is one."""
    written = misspelt_envelope(value, model)
    if written is None:
        return problem
    params = {**problem.params, "kind": "misspelt", "written": written}
    return problem._replace(path=(written,), params=params)
