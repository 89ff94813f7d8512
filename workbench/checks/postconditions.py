"""The small part of the checks that every draft is put to before anything is written: does each name lead somewhere?

Names that are there once, inputs, functions that are called, their results, signatures, the saver, the number of inputs
where the op fixes it, attrs that have no default: at about two microseconds a node. Dtypes and all else are for
`check_model`, and for the run that proves the draft.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

from workbench.checks.codes import Found
from workbench.checks.codes_of_opening import (
    DANGLING_INPUT,
    DUPLICATE_NODE,
    MISSING_FUNCTION,
    NO_OP,
    SIGNATURE_TENSOR,
)
from workbench.checks.graphs import captures, objects, ops, saver
from workbench.checks.graphs.attrs import MISSING_ATTR
from workbench.checks.graphs.functions import RETURN, call_problems, clashes, functions_of, recursion
from workbench.checks.graphs.names import NODE_NAME
from workbench.checks.graphs.nodes import BODY_INPUT, INPUT_COUNT, INPUT_ORDER, OUTPUT_INDEX
from workbench.disk import optable
from workbench.disk.schema import FunctionDef, NodeDef
from workbench.findings import Finding
from workbench.model.op_classes import CALLS
from workbench.names import are_node_names, did_you_mean, input_node, input_tensor, is_node_name, show

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph


def errors(meta: MetaGraph, bodies: Mapping[str, Body] = MappingProxyType({})) -> list[Finding]:
    """Return what keeps a MetaGraph from being loaded, as far as names show it.

    Args:
        meta: the MetaGraph. It is only read: no key of a protobuf map is created.
        bodies: the nodes of functions that have none in the MetaGraph, by name; functions that share a body differ
            in nothing but their names.
    """
    found = Found(None)
    graph, nodes = meta.graph, meta.nodes
    _place("", graph.node, nodes, meta, found)
    calls: dict[str, list[str]] = {}
    first: dict[int, str] = {}  # by body
    for function in graph.library.function:
        label = function.signature.name
        body: Body = bodies.get(label, function.node_def)
        if label in bodies and first.setdefault(id(body), label) != label:
            calls[label] = calls[first[id(body)]]
        else:
            calls[label] = _function(function, body, meta, found)
    for name in [] if are_node_names(nodes) else nodes:
        if not is_node_name(name):
            found.add(NODE_NAME, show(name), "TensorFlow accepts no node of this name.")
    _ambiguous(meta, found)
    _indices(meta, found)
    recursion(calls, found)
    _signatures(meta, found)
    saver.check_names(meta, found)
    objects.check(meta, found)
    captures.check(meta, found)
    ops.versions(graph.versions, found)
    return [finding for finding in found.findings if finding.severity == "error"]


def _function(function: FunctionDef, body: Body, meta: MetaGraph, found: Found) -> list[str]:
    """Check the nodes and results of a function; return functions it calls."""
    label, arguments = function.signature.name, {arg.name for arg in function.signature.input_arg}
    known = {node.name for node in body}
    count = len(known)
    known |= arguments
    if len(known) != len(body) + len(function.signature.input_arg):
        _twice(label, body, arguments, found)
    called = _place(label, body, known, meta, found) if count else []
    for name in function.ret:
        entry = function.ret[name]
        if entry.partition(":")[0] not in known:
            message = f"Its result {show(name)!r} is {show(entry)!r}, which the body does not have."
            found.add(RETURN, show(label), message)
    return called


def ambiguous(meta: MetaGraph) -> list[Finding]:
    """Return nodes and functions that share a name; cheap where there are none."""
    found = Found(None)
    _ambiguous(meta, found)
    return found.findings


def _ambiguous(meta: MetaGraph, found: Found) -> None:
    if len(meta.nodes) != len(meta.graph.node):
        _twice("", meta.graph.node, (), found)
    clashes(meta, found)


class Body(Protocol):
    """The nodes of a graph or a function."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[NodeDef]: ...


class _Op(NamedTuple):
    """What matters of an op: a fixed number of inputs, attrs without default, whether it calls."""

    inputs: int | None
    required: tuple[str, ...]
    calls: bool


_ops: dict[str, _Op] = {}
_UNKNOWN = _Op(None, (), True)


def _op(name: str) -> _Op:
    known = _ops.get(name)
    if known is None:
        op_def = optable.lookup(name)
        if op_def is None:
            return _UNKNOWN
        fixed = not any(arg.number_attr or arg.type_list_attr for arg in op_def.input_arg)
        known = _ops[name] = _Op(
            len(op_def.input_arg) if fixed else None,
            tuple(attr.name for attr in op_def.attr if not attr.HasField("default_value")),
            any(attr.type in ("func", "list(func)") for attr in op_def.attr),
        )
    return known


def _place(label: str, body: Body, known: Collection[str], meta: MetaGraph, found: Found) -> list[str]:
    """Check the nodes of a body (an empty label is the main graph); return functions it calls.

    This takes most of the time: rare cases are handled elsewhere.
    """
    functions, ops = meta.functions, _ops
    called: list[str] = []
    for node in body:
        data = controls = 0
        for entry in node.input:
            if entry not in known:
                head = entry.partition(":")[0]
                if head not in known:
                    if head[:1] == "^":
                        controls += 1
                        if head[1:] in known:
                            continue
                    _dangling(label, node.name, entry, known, found)
                    if controls:
                        continue
            data += 1
            if controls:
                message = f"Its data input {show(entry)!r} stands after a control input."
                found.add(INPUT_ORDER, _where(label, node.name), message)
                controls = 0
        name = node.op
        op = ops.get(name)
        if op is None:
            if name in functions:
                called.append(name)
                continue
            op = _op(name)
        if data != op.inputs and op.inputs is not None:
            _count(label, node, data, op.inputs, found)
        if op.required and not all(map(node.attr.__contains__, op.required)):
            _attrs(label, node, op.required, found)
        if op.calls:
            called += _calls(label, node, functions, found)
        if not name:
            found.add(NO_OP, _where(label, node.name), "The node has no op.")
    return called


def _count(label: str, node: NodeDef, data: int, wanted: int, found: Found) -> None:
    # in a body the name of an argument or of an output may represent several tensors, or none
    if label and any(entry.count(":") < 2 for entry in node.input if not entry.startswith("^")):
        return
    message = f"{show(node.op)} takes {wanted} inputs, and it is given {data}."
    found.add(INPUT_COUNT, _where(label, node.name), message)


def _attrs(label: str, node: NodeDef, required: tuple[str, ...], found: Found) -> None:
    lacking = ", ".join(show(attr) for attr in required if attr not in node.attr)
    message = f"{show(node.op)} needs the attr {lacking}; it is not there."
    found.add(MISSING_ATTR, _where(label, node.name), message)


def _calls(label: str, node: NodeDef, functions: Mapping[str, FunctionDef], found: Found) -> list[str]:
    """Check what a node calls: whether it exists and fits."""
    for code, message in call_problems(node, functions):
        found.add(code, _where(label, node.name), message)
    names = []
    for attr, called in functions_of(node):
        names.append(called)
        if called not in functions:
            found.add(
                MISSING_FUNCTION,
                _where(label, node.name),
                f"Its attr {show(attr)!r} is the function {show(called)!r}, which the model does not have.",
                partial(did_you_mean, called, functions, noun="functions"),
            )
    return [name for name in names if name in functions] if node.op in CALLS else []


def _dangling(label: str, node: str, entry: str, known: Collection[str], found: Found) -> None:
    head = input_node(entry)
    code, what = (
        (BODY_INPUT, "no argument and no node of the function") if label else (DANGLING_INPUT, "no node")
    )
    found.add(
        code,
        _where(label, node),
        f"Its input {show(entry)!r} names {what}.",
        partial(did_you_mean, head, known, noun="nodes"),
    )


def _twice(label: str, body: Body, arguments: Collection[str], found: Found) -> None:
    seen = set(arguments)
    for node in body:
        if node.name in seen:
            found.add(DUPLICATE_NODE, _where(label, node.name), "More than one node has this name.")
        seen.add(node.name)


def _indices(meta: MetaGraph, found: Found) -> None:
    """Check inputs that take an output other than the first: whether it exists."""
    nodes = meta.nodes
    for name, node in nodes.items():
        for entry in node.input:
            if entry not in nodes and ":" in entry:
                tensor = input_tensor(entry)
                source = nodes.get(tensor.node)
                types = None if source is None or not tensor.index else meta.output_types(source)
                if types is not None and tensor.index >= len(types):
                    message = f"Its input is {show(entry)!r}, which has {len(types)} outputs."
                    found.add(OUTPUT_INDEX, show(name), message)


def _signatures(meta: MetaGraph, found: Found) -> None:
    for key, signature in meta.signatures.items():
        for port in (*signature.inputs.values(), *signature.outputs.values()):
            for name in port.tensors:
                node = meta.nodes.get(input_node(name))
                tensor = input_tensor(name)
                types = None if node is None or not tensor.index else meta.output_types(node)
                if node is None or (types is not None and tensor.index >= len(types)):
                    where = f"{show(key)}#{show(port.key)}"
                    message = f"It is tensor {show(name)!r}, which the graph does not have."
                    found.add(SIGNATURE_TENSOR, where, message)


def _where(label: str, name: str) -> str:
    return f"{show(label)}::{show(name)}" if label else show(name)
