"""Endpoints inside function calls: a copy of the source with the calls inlined.

Where something is fed inside a call (a wire, an input of an added signature or of a part), the call has to be inlined.
What is only given out needs no more than clones of functions with further results: see `exposing`.

The original is never changed. The copy has the original's variables, tables, objects and functions; only its main graph
has more nodes, under names that say where they come from (`CALL/node`).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from workbench import names
from workbench.disk.nodes import attr
from workbench.disk.schema import MetaGraphDef, NodeDef
from workbench.findings import Finding
from workbench.graph.calls import Call
from workbench.graph.functions import calls
from workbench.graph.level import Level
from workbench.model import MetaGraph, Model
from workbench.model.op_classes import BRANCHES, LOOPS
from workbench.model.tensors import Tensor
from workbench.names import show
from workbench.surgery.rewrite.inline import Inlined, called_function, inline_calls, saver_calls

Inside = Mapping[str, "str | Finding"]
"""An endpoint inside calls, as written without its handle → its tensor in the prepared main graph, or a finding."""


@dataclass(frozen=True, slots=True)
class InlinedCopy:
    """A source with some of its calls inlined.

    Attributes:
        model: the original.
        meta: a view of the prepared MetaGraph, with the original's checkpoint and assets.
        inside: what the endpoints inside calls are now.
    """

    model: Model
    meta: MetaGraph
    inside: Inside

    @property
    def changed(self) -> bool:
        """Whether a call was inlined."""
        return self.meta is not self.model.meta


def inline_for_endpoints(model: Model, handle: str, endpoints: Iterable[str]) -> InlinedCopy:
    """Inline the calls that lead to some endpoints.

    Args:
        model: the source.
        handle: for the findings.
        endpoints: as written, `CALL::CALL::node:k`, without the handle.

    Raises:
        ModelError: a call can't be inlined.
    """
    original = model.meta
    inside: dict[str, str | Finding] = {}
    found: dict[str, tuple[str, names.TensorName]] = {}
    saver = saver_calls(original.graph, original.proto.saver_def.filename_tensor_name)
    for text in dict.fromkeys(endpoints):
        place = locate(Level.of(original), text, f"{handle}@{show(text)}", saver)
        if isinstance(place, Finding):
            inside[text] = place
        else:
            level, tensor = place
            found[text] = path_of(level.calls), tensor
    if not found:
        return InlinedCopy(model, original, inside)
    meta, done = inline_paths(model, original, [path for path, _ in found.values()])
    for text, (path, tensor) in found.items():
        if path in done.places:
            inside[text] = done.tensor(path, tensor.node, tensor.index)
        else:
            inside[text] = _recursion(f"{handle}@{show(text)}", path)
    return InlinedCopy(model, meta, inside)


def inline_paths(model: Model, meta: MetaGraph, paths: Iterable[str]) -> tuple[MetaGraph, Inlined]:
    """Return a copy of a MetaGraph of a model in which some calls are inlined, and the new names of their nodes.

    Args:
        model: whose checkpoint and assets the copy has.
        meta: the MetaGraph.
        paths: of the calls, `CALL::CALL`, those above them included.

    Raises:
        ModelError: a call can't be inlined.
    """
    proto: MetaGraphDef = MetaGraphDef()
    proto.CopyFrom(meta.proto)
    saver = saver_calls(meta.graph, meta.proto.saver_def.filename_tensor_name)
    done = inline_calls(proto.graph_def, op_table=meta.op_table, which=list(paths), skip=saver)
    copy = MetaGraph(proto, bundle=lambda: model.bundle, folder=model.folder, format=meta.format)
    return copy, done


def path_of(calls: Iterable[Call]) -> str:
    """Return the path of some plain calls, as `inline_calls` takes it."""
    return names.CALL_SEPARATOR.join(call.node for call in calls)


def look_inside(meta: MetaGraph, text: str, where: str) -> tuple[str, Tensor] | Finding:
    """Return the tensor of an endpoint inside calls, without inlining them.

    Args:
        meta: the original MetaGraph.
        text: the endpoint as written, without its handle.
        where: for a finding.

    Returns:
        The tensor's name when its calls are inlined, and the tensor; its dtype is 0 if unknown.
    """
    filename = names.input_node(meta.proto.saver_def.filename_tensor_name)
    call = meta.nodes.get(text.partition(names.CALL_SEPARATOR)[0])
    saver = {call.name} if call is not None and filename and filename in call.input else set()
    found = locate(Level.of(meta), text, where, saver)
    if isinstance(found, Finding):
        return found
    level, parsed = found
    tensor = level.tensor(parsed.node, parsed.index)
    if tensor is None:
        return Finding(
            "R1-output",
            "error",
            where,
            f"{show(parsed.node)!r} ({show(level.nodes[parsed.node].op)}) has no output {parsed.index}.",
        )
    return f"{path_of(level.calls).replace(names.CALL_SEPARATOR, '/')}/{parsed}", tensor


def locate(
    root: Level, text: str, where: str, saver: Container[str], *, loops: bool = False
) -> tuple[Level, names.TensorName] | Finding:
    """Return the body that a tensor inside calls is in, and the tensor, or a finding.

    Args:
        root: the main graph.
        text: the tensor as written, `CALL::CALL::node:k`.
        where: for a finding.
        saver: nodes of the main graph that are the saver's.
        loops: whether bodies of loops count as calls.
    """
    *steps, last = text.split(names.CALL_SEPARATOR)
    level = root
    for number, step in enumerate(steps):
        name, _, label = step.partition("[")
        node = level.nodes.get(name)
        if node is None:
            return Finding(
                "R1-call",
                "error",
                where,
                f"There is no call {show(name)!r} in {_level(level)}.",
                names.did_you_mean(name, level.nodes, noun="nodes"),
            )
        if number == 0 and name in saver:
            return Finding(
                "R1-inside-call",
                "error",
                where,
                f"{show(name)!r} is the saver's: its tensors are there only while a checkpoint is read or written.",
            )
        function = called_function(node, level.meta.functions)
        if function is None and loops and node.op in LOOPS and label in ("", "body]"):
            function = _body_of(node, level)
        if function is None:
            return _no_call(level, node, where, loops, label)
        under = next((one for one in level.calls_under(node) if _runs(one, function)), None)
        if under is None:
            return _recursion(where, level.full_name(name))
        level = level.under(under)
    parsed = names.parse_tensor(last)
    if parsed is None or parsed.node not in level.nodes:
        return _no_node(level, parsed.node if parsed is not None else last, where)
    return level, parsed


def _body_of(node: NodeDef, level: Level) -> str | None:
    """Return the function that is the body of a loop; None if that or the condition is missing."""
    body, cond = (attr(node, name).func.name for name in ("body", "cond"))
    functions = level.meta.functions
    return str(body) if body in functions and cond in functions else None


def _runs(call: Call, function: str) -> bool:
    return call.function == function and call.kind in ("call", "loop")


def _level(level: Level) -> str:
    return f"the body of {show(level.path)!r}" if level.calls else "the main graph"


def _no_call(level: Level, node: NodeDef, where: str, loops: bool, label: str) -> Finding:
    """Return the finding for a step that is not a plain call, or not one that is let through."""
    if not calls(node, level.meta.functions):
        return Finding(
            "R1-call",
            "error",
            where,
            f"{show(node.name)!r} ({show(node.op)}) in {_level(level)} calls nothing.",
        )
    count = len(level.meta.output_types(node) or ())
    endpoints = [level.full_name(f"{node.name}:{index}") for index in range(min(count, 4))]
    into = [_written(level, text) for text in node.input if not text.startswith("^")][:4]
    hint = "The nearest that can: " + ", ".join(map(show, endpoints)) + " (its output)" if endpoints else ""
    if into:
        hint += ("; " if hint else "The nearest that can: ") + ", ".join(map(show, into)) + " (its input)"
    told = f"{show(node.name)!r} is a {show(node.op)}: "
    if not loops:
        told += (
            "its body runs any number of times, or not at all, so a tensor in it has no single value outside."
        )
    elif node.op in BRANCHES:
        told += "only one of its branches runs, so a tensor in a branch may have no value."
    elif node.op in LOOPS and label in ("", "body]"):
        told += "the library lacks its body or its condition."
    elif node.op in LOOPS:
        told += f"only tensors of its body can be given out, not of {show(label.rstrip(']'))}."
    else:
        told += "it runs its function in a way of its own, so a tensor in it can't be given out."
    return Finding("R1-inside-body", "error", where, told, f"{hint}." if hint else None)


def _written(level: Level, text: str) -> str:
    """Return a node's input as an endpoint of a wire is written."""
    head, *rest = text.split(":")
    if not level.calls:
        return text if rest else f"{text}:0"
    if head not in level.nodes:  # an argument: what the call gets
        return f"what {level.path} gets as {head}"
    return level.full_name(f"{head}:{rest[-1] if rest else 0}")


def _no_node(level: Level, name: str, where: str) -> Finding:
    arguments = [argument.name for argument in level.body.argument_tensors]
    if name in arguments and level.function is not None:
        return Finding(
            "R1-argument",
            "error",
            where,
            f"{show(name)!r} is an argument of {_level(level)}, not a node.",
            f"Name what the call gets as its input {arguments.index(name)}.",
        )
    return Finding(
        "R1-tensor",
        "error",
        where,
        f"There is no node {show(name)!r} in {_level(level)}.",
        names.did_you_mean(name, level.nodes, noun="nodes"),
    )


def _recursion(where: str, path: str) -> Finding:
    return Finding(
        "R1-inside-call",
        "error",
        where,
        f"{show(path)!r} calls a function that it is itself a part of; such calls can't be inlined.",
        "Name the outputs of the call.",
    )
