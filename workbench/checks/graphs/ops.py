"""Ops and versions: what this TensorFlow has a kernel for, what it has given up, and for whom the graph was written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from workbench.checks.codes import Code, Found
from workbench.checks.graphs import kernels
from workbench.disk import dtypes, optable
from workbench.disk.nodes import attr
from workbench.disk.schema import FunctionDef, NodeDef, VersionDef
from workbench.graph.body import Body
from workbench.graph.functions import calls
from workbench.model.op_classes import CALLS
from workbench.names import show

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph

GRAPH_VERSION = 2474
"""`TF_GRAPH_DEF_VERSION` of TensorFlow 2.21 (`tf.version.GRAPH_DEF_VERSION`)."""

NO_KERNEL = Code(
    "no-kernel", "warning", "an op has no kernel on CPUs, or none for its dtype",
    "TensorFlow 2.21 knows the op, but a CPU can't run it (`No OpKernel was registered to support Op`): it is for TPUs "
    "or GPUs, for XLA, or for other dtypes.",
    "Run the model on the device it was made for, or export it for CPUs.",
)  # fmt: skip
REMOVED_OP = Code(
    "removed-op", "error", "an op was given up before the graph was written",
    "From some version of graphs on TensorFlow no longer takes the op (`Op … is not available in GraphDef version`); "
    "this graph says that it is of that version or later.",
    "Save the model again with a TensorFlow that has an op in its place.",
)  # fmt: skip
VERSION_BOUNDS = Code(
    "version-bounds", "error", "the graph says that TensorFlow 2.21 is too old for it, or reads it wrongly",
    "min_consumer is above, or bad_consumers names, the graph version of TensorFlow 2.21: it refuses the graph.",
    "Use the TensorFlow that wrote it, or a later one.",
)  # fmt: skip
NEWER_PRODUCER = Code(
    "newer-producer", "info", "the graph was written by a later TensorFlow than 2.21",
    "It loads as long as it uses nothing that 2.21 does not have.",
    "If it does not load, use the TensorFlow that wrote it.",
)  # fmt: skip
_COMPILED = "_XlaMustCompile"


def check(meta: MetaGraph, bodies: Iterable[Body], found: Found) -> None:
    """Check the ops of a MetaGraph and its versions."""
    compiled = _compiled(meta)
    told: set[tuple[str, str]] = set()
    for body in bodies:
        if body.name in compiled:
            continue
        for name, node in body.nodes.items():
            if node.op not in meta.functions and optable.is_known(node.op):
                _kernel(body, name, node, told, found)
    _removed(meta, found)
    versions(meta.graph.versions, found)


def _kernel(body: Body, name: str, node: NodeDef, told: set[tuple[str, str]], found: Found) -> None:
    """Report each op, and each dtype it lacks a kernel for, once."""
    if "_kernel" in node.attr or _COMPILED in node.attr:  # asks for one by name; is compiled
        return
    if not kernels.has_any(node.op):
        message, what = f"{show(node.op)} has no kernel on CPUs.", ""
    else:
        lacking = kernels.lacking(node)
        if lacking is None:
            return
        what = ", ".join(f"{show(attr)} = {dtypes.name(dtype)}" for attr, dtype in lacking.items())
        message = f"{show(node.op)} has no kernel on CPUs for {what}."
    if (node.op, what) not in told:
        told.add((node.op, what))
        found.add(NO_KERNEL, body.where(name), message)


def _compiled(meta: MetaGraph) -> set[str]:
    """Return the functions compiled by XLA, which has other kernels, with all they call."""
    functions = meta.functions
    todo = [name for name, function in functions.items() if attr_is_set(function)]
    for body, ops in meta.bodies:
        for index, op in enumerate(ops):
            if op in CALLS and attr_is_set(body[index]):
                todo.append(attr(body[index], "f").func.name)
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name in seen or name not in functions:
            continue
        seen.add(name)
        todo += [called for node in functions[name].node_def for _, called in calls(node, functions)]
    return seen


def attr_is_set(message: FunctionDef | NodeDef) -> bool:
    """Return whether a node or function is marked to be compiled by XLA."""
    return _COMPILED in message.attr and bool(message.attr[_COMPILED].b)


def _removed(meta: MetaGraph, found: Found) -> None:
    for op in sorted(meta.ops):
        op_def = None if op in meta.functions else optable.lookup(op)
        if op_def is None or not op_def.HasField("deprecation"):
            continue
        since = op_def.deprecation.version
        if meta.producer >= since:
            why = op_def.deprecation.explanation
            message = (
                f"TensorFlow gave it up in graph version {since}; this graph is of version {meta.producer}."
            )
            found.add(REMOVED_OP, show(op), message, f"TensorFlow says: {show(why)}" if why else None)


def versions(versions: VersionDef, found: Found) -> None:
    """Compare the version bounds of a GraphDef with TensorFlow 2.21's."""
    where, ours = "graph_def.versions", f"that of TensorFlow 2.21 is {GRAPH_VERSION}"
    if versions.min_consumer > GRAPH_VERSION:
        message = f"It asks for graph version {versions.min_consumer} (min_consumer); {ours}."
        found.add(VERSION_BOUNDS, where, message)
    if GRAPH_VERSION in versions.bad_consumers:
        message = f"It says that graph version {GRAPH_VERSION}, TensorFlow 2.21's, reads it wrongly (bad_consumers)."
        found.add(VERSION_BOUNDS, where, message)
    if versions.producer > GRAPH_VERSION:
        found.add(NEWER_PRODUCER, where, f"It was written at graph version {versions.producer}; {ours}.")
