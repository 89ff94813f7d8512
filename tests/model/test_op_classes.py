"""The table of op classes: its names are TensorFlow's, and no other file has a table of its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import workbench
from tests.sources import nodes_of, text_of
from workbench.disk.optable import OpTable
from workbench.model import op_classes

ROOT = Path(workbench.__file__).parent
OF_EFFECTS = {"READS", "READING", "VARIABLE_READS", "DRAWING", "HOLDING", "NO_VALUE"}
CLASSES = {
    name: value
    for name, value in vars(op_classes).items()
    if isinstance(value, frozenset)
    and name not in {"READS", "READING", "VARIABLE_READS", "DRAWING", "HOLDING", "NO_VALUE"}
}
# Ops of programs of their own: not in the registry of TensorFlow 2.21.
UNREGISTERED = {"AutoReloadVariable", "CopyOnRead"}
# Where an op is a key of what is special about it, and not a member of a class.
OWN_TABLES = (
    "checks/unsafe/", "disk/", "graph/shape_inference/", "model/op_classes.py", "runtime/inputs/readers.py",
)  # fmt: skip
SAID_OF_THEM = {"SAME_ELEMENTS", "SAME_IN_RUN", "SAME_TENSOR", "PASS_THROUGH", "STORED_VALUE", "IDENTITY"}


def test_every_name_is_an_op_of_tensorflow() -> None:
    table = OpTable()
    named = set().union(*(value for value in vars(op_classes).values() if isinstance(value, frozenset)))
    named |= op_classes.FIRST_INPUT.keys() | op_classes.VALUE_FORM.keys()
    assert {name for name in named if table.get(name) is None} == UNREGISTERED


def test_calls_and_control_flow_name_their_functions_in_attrs_of_these_names() -> None:
    table = OpTable()
    for op, attrs in op_classes.FIRST_INPUT.items():
        kinds = {attr.name: attr.type for attr in table.get(op).attr}
        assert {kinds[attr] for attr in attrs} <= {"func", "list(func)"}, op


def test_the_op_of_a_call_says_whether_its_function_is_stateful() -> None:
    table = OpTable()
    for stateful in (True, False):
        op = op_classes.call_op(stateful)
        assert op in op_classes.CALLS
        assert table.get(op).is_stateful is stateful


def test_no_other_file_lists_the_ops_of_a_class() -> None:
    found = []
    named = re.compile(rf"\b(?:{'|'.join(set().union(*CLASSES.values()))})\b")
    for path in sorted(ROOT.rglob("*.py")):
        relative = path.relative_to(ROOT).as_posix()
        # a module whose whole text names too few need not be parsed
        if relative.startswith(OWN_TABLES) or not any(repeated(set(named.findall(text_of(path))))):
            continue
        for line, listed in literals(nodes_of(path)):
            found += [f"{relative}:{line} {name}" for name in repeated(listed)]
    assert not found


def test_the_search_finds_lists_of_every_form() -> None:
    code = (
        'frozenset({"While", "StatelessWhile"})\nop in ("If", "Case", "StatelessIf")\n{"Enter": 1, "RefEnter": 2}\n'
        '"Assign AssignVariableOp".split()\n_words("Restore RestoreV2")\nop == "PartitionedCall"\n'
        '["Identity", "Reshape"]\n{"While": "body", "If": "then_branch"}\n'
    )
    lines = {line for line, listed in literals(ast.walk(ast.parse(code))) if list(repeated(listed))}
    assert lines == {1, 2, 3, 4, 5, 6, 8}


def repeated(listed: set[str]) -> Iterator[str]:
    """The classes of which a list has several ops; one of CALLS is enough."""
    for name, ops in CLASSES.items():
        if name not in SAID_OF_THEM and len(listed & ops) > (name != "CALLS"):
            yield name


def literals(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, set[str]]]:
    """The strings of each literal list, set, tuple and dict of a file, of each string that is split, and alone."""
    for node in nodes:
        if isinstance(node, ast.Set | ast.List | ast.Tuple):
            yield node.lineno, strings(node.elts)
        elif isinstance(node, ast.Dict):
            yield node.lineno, strings(node.keys)
        elif isinstance(node, ast.Call):
            split = isinstance(node.func, ast.Attribute) and node.func.attr == "split"
            given = [node.func.value] if split else node.args  # type: ignore[attr-defined]
            yield node.lineno, {word for text in strings(given) for word in text.split()}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, {node.value}


def strings(nodes: list[ast.expr | None] | list[ast.expr]) -> set[str]:
    """Those of some expressions that are strings."""
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
