"""The sources of the package, parsed once for all tests that read them."""

from __future__ import annotations

import ast
import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path


@cache
def text_of(path: Path) -> str:
    """Return what a module says."""
    return path.read_text("utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a module. Shared: never change it."""
    with _kept_for_good():
        return ast.parse(text_of(path))


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """Return all nodes of a module, as `ast.walk` does in twice the time."""
    found: list[ast.AST] = [tree_of(path)]
    with _kept_for_good():
        for node in found:
            for name in node._fields:
                value = getattr(node, name, None)
                if isinstance(value, ast.AST):
                    found.append(value)
                elif type(value) is list:
                    found += [one for one in value if isinstance(one, ast.AST)]
        return tuple(found)


def statements_of(path: Path) -> Iterator[ast.AST]:
    """Yield the module and its statements, without expressions: a tenth of the nodes."""
    todo: list[ast.AST] = [tree_of(path)]
    while todo:
        node = todo.pop()
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            todo += getattr(node, name, ())
        yield node


def import_statements(path: Path) -> Iterator[ast.stmt]:
    """Yield what begins a line with `import` or `from`, without parsing the rest of the module.

    A statement that a docstring shows is among them.
    """
    text = text_of(path)
    for found in _IMPORT.finditer(text):
        with suppress(SyntaxError):  # prose
            (statement,) = ast.parse(found[1]).body
            yield ast.increment_lineno(statement, text.count("\n", 0, found.start(1)))


_IMPORT = re.compile(r"^[ \t]*((?:import|from)\b(?:[^(\n]*\([^)]*\)|[^(\n]*$))", re.MULTILINE)


@contextmanager
def _kept_for_good() -> Iterator[None]:
    """Keep the collector from looking through nodes, now and later: none is garbage, and that takes longest."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
