"""Change: what a mutant changes in a module that is loaded already, and how to put it there."""

from __future__ import annotations
import __future__

import ast
import gc
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType
from typing import NamedTuple

CO_NEWLOCALS = 0x2
"""The flag of functions, which the bodies of modules and classes don't have."""


class Change(NamedTuple):
    """The functions of a module that differ, or else the statements."""

    path: str
    functions: list[tuple[CodeType, CodeType]]
    """As they were, and as they are in the mutant."""
    statements: list[ast.stmt]
    """As they are in the mutant, and those that are made of them."""


def change(path: str, source: str, mutant: str) -> Change:
    """Return what differs between a module and its mutant."""
    one, other = compile_module(path, source), compile(mutant, path, "exec", dont_inherit=True)
    functions: list[tuple[CodeType, CodeType]] = []
    if _compare(one, other, functions):
        return Change(path, functions, [])
    pairs = zip(ast.parse(source).body, ast.parse(mutant).body, strict=True)
    return Change(path, [], list(_statements(list(pairs))))


@cache
def compile_module(path: str, source: str) -> CodeType:
    """Return the code of a module as it is; children inherit what their parent has asked for."""
    return compile(source, path, "exec", dont_inherit=True)


def _statements(pairs: Sequence[tuple[ast.stmt, ast.stmt]]) -> Iterator[ast.stmt]:
    """Yield the statements that differ, and those after them that use what they define."""
    defined: set[str] = set()
    for old, new in pairs:
        if isinstance(new, (ast.FunctionDef, ast.ClassDef)):
            used = {name for each in new.decorator_list for name in _names(each)}
        else:
            used = _names(new)
        if ast.dump(old) != ast.dump(new) or used & defined:
            defined |= (
                {new.name} if isinstance(new, (ast.FunctionDef, ast.ClassDef)) else _targets(new)
            )
            yield new


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _targets(node: ast.stmt) -> set[str]:
    stored = (each for each in ast.walk(node) if isinstance(each, ast.Name))
    return {each.id for each in stored if isinstance(each.ctx, ast.Store)}


def _compare(one: CodeType, other: CodeType, found: list[tuple[CodeType, CodeType]]) -> bool:
    """Add the functions that differ to `found`; return False if the code around them does."""
    ours, theirs = _nested_code(one), _nested_code(other)
    if len(ours) != len(theirs) or _code_facts(one) != _code_facts(other):
        return False
    for before, after in zip(ours, theirs, strict=True):
        if before.co_flags & CO_NEWLOCALS:
            if _deep_facts(before) != _deep_facts(after):
                found.append((before, after))
        elif not _compare(before, after, found):
            return False
    return True


def _nested_code(code: CodeType) -> list[CodeType]:
    return [each for each in code.co_consts if isinstance(each, CodeType)]


def _code_facts(code: CodeType) -> tuple[object, ...]:
    constants = [_text(each) for each in code.co_consts if not isinstance(each, CodeType)]
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars, code.co_flags


def _text(constant: object) -> str:
    # 1, 1.0 and True are equal, but not in their text; that of a set has no order.
    return str(sorted(map(repr, constant)) if isinstance(constant, frozenset) else repr(constant))


def _deep_facts(code: CodeType) -> tuple[object, ...]:
    return (*_code_facts(code), *map(_deep_facts, _nested_code(code)))


def record_calls(path: str, source: str) -> Change:
    """Return a change that has each function of a module note that it is called, in `CALLED`."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            line = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            (note,) = ast.parse(
                f"__import__('mutation.change').change.CALLED.add(({path!r}, {line}))"
            ).body
            node.body.insert(0, note)
    ast.fix_missing_locations(tree)
    watching = compile(tree, path, "exec", dont_inherit=True)
    return Change(path, list(_functions(compile_module(path, source), watching)), [])


CALLED: set[tuple[str, int]] = set()
"""The functions that were called: their path, and the line where they begin."""


def _functions(one: CodeType, other: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """Yield the functions of a module, and the same with a change of all of them."""
    for before, after in zip(_nested_code(one), _nested_code(other), strict=True):
        if before.co_flags & CO_NEWLOCALS:
            yield before, after
        else:
            yield from _functions(before, after)


def load_modules(paths: Iterable[str]) -> None:
    """Import modules of the package, some of which are imported only once they are needed."""
    import talonschema

    root = Path(str(talonschema.__file__)).parent
    for path in paths:
        parts = Path(path).relative_to(root).with_suffix("").parts
        import_module(".".join(("talonschema", *parts)).removesuffix(".__init__"))


def loaded_functions(paths: Collection[str]) -> list[FunctionType]:
    """Return the functions of modules that this process holds."""
    # By type: what an object of a test gives as its class may raise.
    found = [each for each in gc.get_objects() if type(each) is FunctionType]
    return [each for each in found if each.__code__.co_filename in paths]


def apply(change: Change, functions: Iterable[FunctionType]) -> None:
    """Give the functions of this process their new code, or run the statements again."""
    for before, after in change.functions:
        for each in functions:
            code = each.__code__
            if code.co_filename == before.co_filename and code == before:
                each.__code__ = after
    for statement in change.statements:
        _run(change.path, statement)
    if any(isinstance(each, ast.FunctionDef) for each in change.statements):
        _register_again()


def _run(path: str, statement: ast.stmt) -> None:
    """Run a statement in its module; what it defines takes the place of what it defined."""
    from talonschema.rules.rule import RULES

    module = next(each for each in [*sys.modules.values()] if getattr(each, "__file__", "") == path)
    names = _targets(statement)
    old = {name: module.__dict__[name] for name in names if name in module.__dict__}
    before = list(RULES.items())
    defined = (module.__name__, getattr(statement, "name", None))
    own = [k for k, r in before if (r.check.__module__, r.check.__name__) == defined]
    for name in own:
        del RULES[name]
    flags = __future__.annotations.compiler_flag
    tree = ast.Module([statement], [])
    exec(compile(tree, path, "exec", flags, dont_inherit=True), module.__dict__)  # noqa: S102
    for other in [each for name, each in sys.modules.items() if name.startswith("talonschema.")]:
        for name, value in old.items():
            if other.__dict__.get(name) is value:
                setattr(other, name, module.__dict__[name])
    if own:
        # The order of rules is that of findings at one place.
        new = RULES.popitem()
        RULES.clear()
        RULES.update(new if name in own else (name, rule) for name, rule in before)


def _register_again() -> None:
    """Make what is made of all rules once they are imported."""
    from talonschema.checking import registry

    path = str(registry.__file__)
    for statement in ast.parse(Path(path).read_text("utf-8")).body:
        if isinstance(statement, (ast.Assign, ast.AnnAssign)):
            _run(path, statement)


def forget() -> None:
    """Clear the caches of the package, which hold what the code made as it was before."""
    for name, module in list(sys.modules.items()):
        if name.startswith("talonschema"):
            for each in list(vars(module).values()):
                clear = getattr(each, "cache_clear", None)
                if clear is not None:
                    clear()
