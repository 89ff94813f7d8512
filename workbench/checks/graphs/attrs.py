"""Attrs of nodes against their op: all there, known, of the right kind and within what is allowed.

Source: `ValidateNodeDef` in `tensorflow/core/framework/node_def_util.cc`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from workbench.checks.codes import Code, Found
from workbench.disk import dtypes, optable
from workbench.disk.schema import AttrValue, NodeDef, OpDef, OpList
from workbench.graph.body import Body
from workbench.names import did_you_mean, show

MISSING_ATTR = Code(
    "missing-attr", "error", "a node lacks an attr that its op has no default for",
    "TensorFlow refuses to import the graph.",
    "Save the model again; a tool that edited the graph has lost an attr.",
)  # fmt: skip
UNKNOWN_ATTR = Code(
    "unknown-attr", "warning", "a node has an attr that its op does not have",
    "The model was written by a later TensorFlow, which has given the op something new, or was edited by hand. "
    "TensorFlow 2.21 loads it and ignores the attr, and so may compute something else.",
    "Load the model with the TensorFlow that wrote it.",
)  # fmt: skip
ATTR_VALUE = Code(
    "attr-value", "error", "an attr has a value that its op does not allow",
    "The wrong kind of value, a dtype that is not on the op's list, or a number below its minimum: TensorFlow refuses "
    "to import the graph.",
    "Save the model again; a tool that edited the graph has written a wrong attr.",
)  # fmt: skip
_FIELDS = {
    "string": "s", "int": "i", "float": "f", "bool": "b", "type": "type", "shape": "shape", "tensor": "tensor",
    "func": "func",
}  # fmt: skip


class _Rules(NamedTuple):
    """What an op's attrs must be: those without a default, each one's kind and AttrDef."""

    required: frozenset[str]
    kinds: Mapping[str, tuple[str, OpDef.AttrDef | None]]


_rules: dict[str, _Rules] = {}


def check(body: Body, found: Found) -> None:
    """Check the attrs of a body's nodes; unknown ops and calls by name are left out."""
    own = _Producer(body.meta.proto.meta_info_def.stripped_op_list)
    functions = body.meta.functions
    for name, node in body.nodes.items():
        rules = None if node.op in functions else _of(node.op)
        if rules is not None:
            _check_node(body, name, node, rules, own, found)


def _of(op: str) -> _Rules | None:
    known = _rules.get(op)
    if known is None:
        op_def = optable.lookup(op)
        if op_def is None:
            return None
        required = frozenset(attr.name for attr in op_def.attr if not attr.HasField("default_value"))
        known = _rules[op] = _Rules(required, {attr.name: _kind(attr) for attr in op_def.attr})
    return known


def _kind(attr: OpDef.AttrDef) -> tuple[str, OpDef.AttrDef | None]:
    limited = attr.has_minimum or attr.HasField("allowed_values")
    return _FIELDS.get(attr.type, "list"), attr if limited else None


def _check_node(body: Body, name: str, node: NodeDef, rules: _Rules, own: _Producer, found: Found) -> None:
    attrs = node.attr
    lacking = [attr for attr in rules.required if attr not in attrs]
    if lacking:
        listed = ", ".join(map(show, sorted(lacking)))
        found.add(
            MISSING_ATTR, body.where(name), f"{show(node.op)} needs the attr {listed}; it is not there."
        )
    for attr in attrs:
        if attr.startswith("_"):
            continue
        rule = rules.kinds.get(attr)
        if rule is None:
            if not own.is_default(node.op, attr, attrs[attr]):
                known = list(rules.kinds)
                found.add(
                    UNKNOWN_ATTR,
                    body.where(name),
                    f"{show(node.op)} has no attr {show(attr)!r} in TensorFlow 2.21.",
                    partial(did_you_mean, attr, known, noun="attrs"),
                )
            continue
        value = attrs[attr]
        kind = value.WhichOneof("value")
        if kind == "placeholder" and body.function is not None:
            continue
        if kind != rule[0]:
            what = "no value" if kind is None else f"a value of the kind {kind!r}"
            message = f"Its attr {show(attr)!r} has {what}; {show(node.op)} takes {rule[0]!r}."
            found.add(ATTR_VALUE, body.where(name), message)
        elif rule[1] is not None:
            problem = _not_allowed(value, kind, rule[1])
            if problem:
                message = f"Its attr {show(attr)!r} is {problem}; {show(node.op)} does not allow that."
                found.add(ATTR_VALUE, body.where(name), message)


def _not_allowed(value: AttrValue, kind: str, attr: OpDef.AttrDef) -> str | None:
    """Return what of a value is not allowed, or None."""
    if attr.has_minimum:
        if kind == "i" and value.i < attr.minimum:
            return f"{value.i}, below {attr.minimum}"
        if kind == "list":
            length = (
                max(len(members) for _, members in value.list.ListFields()) if value.list.ListFields() else 0
            )
            if length < attr.minimum:
                return f"a list of {length}, fewer than {attr.minimum}"
    if attr.HasField("allowed_values"):
        allowed = attr.allowed_values.list
        types = [value.type] if kind == "type" else value.list.type if kind == "list" else ()
        for dtype in types:
            if allowed.type and dtype not in allowed.type:
                return dtypes.name(dtype)
        if kind == "s" and allowed.s and value.s not in allowed.s:
            return repr(show(value.s.decode("utf-8", "replace")))
    return None


class _Producer:
    """The ops as the model's writer knew them: loaders drop its attrs with default values."""

    def __init__(self, ops: OpList) -> None:
        self._ops = ops
        self._by_name: dict[str, dict[str, OpDef.AttrDef]] | None = None

    def is_default(self, op: str, attr: str, value: AttrValue) -> bool:
        """Return whether an attr has the default that the writer's op has."""
        if self._by_name is None:
            self._by_name = {one.name: {each.name: each for each in one.attr} for one in self._ops.op}
        known = self._by_name.get(op, {}).get(attr)
        return known is not None and known.HasField("default_value") and bool(known.default_value == value)
