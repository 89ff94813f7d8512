"""Edges: every input leads somewhere, takes what is there, and the graph does not run in a circle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.checks.codes import Code, Found
from workbench.checks.codes_of_opening import DANGLING_INPUT
from workbench.disk import dtypes, optable
from workbench.disk.schema import NodeDef
from workbench.graph.body import Body, Dangling
from workbench.names import did_you_mean, show

if TYPE_CHECKING:
    from workbench.graph.body import Types

OUTPUT_INDEX = Code(
    "output-index", "error", "an input takes an output that its node does not have",
    "`n:k` is output k of node n, counted from 0; in a function's body it is written `n:out:i`. TensorFlow refuses "
    "to import the graph.",
    "Save the model again; a tool that edited the graph has lost an output.",
)  # fmt: skip
INPUT_COUNT = Code(
    "input-count", "error", "a node has more or fewer inputs than its op takes",
    "TensorFlow refuses to import the graph.",
    "Save the model again; a tool that edited the graph has lost or added an input.",
)  # fmt: skip
INPUT_DTYPE = Code(
    "input-dtype", "error", "an input has another dtype than the op takes",
    "Nothing is ever cast on an edge: TensorFlow refuses to import the graph.",
    "Look at the node that gives the value; a cast between the two was lost, or an attr is wrong.",
)  # fmt: skip
INPUT_ORDER = Code(
    "input-order", "error", "a data input stands after a control input",
    "In NodeDef.input all control inputs (`^n`) come last; TensorFlow refuses another order.",
    "Save the model again.",
)  # fmt: skip
BODY_INPUT = Code(
    "function-input", "error", "an input in a function's body names no argument and no node of it",
    "The function can't be instantiated: whatever calls it fails.",
    "Save the model again; a tool that edited the function has lost a node.",
)  # fmt: skip
CYCLE = Code(
    "cycle", "error", "nodes feed each other in a circle that is no while loop",
    "Only the edge out of NextIteration may lead back, in TF1's while loops. No loader takes another circle.",
    "Save the model again; a tool that wired the graph has led an output back.",
)  # fmt: skip


def check(body: Body, found: Found) -> None:
    """Check the edges of a body."""
    for name, node in body.nodes.items():
        types = _edges(body, name, node, found)
        if types is not None:
            _against_op(body, name, node, types, found)
    cycle = body.adjacency.find_cycle()
    if cycle is not None:
        path = " → ".join(show(name, 60) for name in [*cycle[:6], cycle[0]])
        found.add(CYCLE, body.where(cycle[0]), f"{len(cycle)} nodes feed each other: {path}.")


def _edges(body: Body, name: str, node: NodeDef, found: Found) -> list[Types] | None:
    """Return the dtypes of each data input, or None if one does not exist."""
    given: list[Types] | None = []
    control = False
    for entry in node.input:
        if entry.startswith("^"):
            control = True
            if entry[1:] not in body.nodes and entry[1:] not in body.arguments:
                _dangling(body, name, entry, Dangling("node"), found)
            continue
        if control:
            message = f"Its data input {show(entry)!r} stands after a control input."
            found.add(INPUT_ORDER, body.where(name), message)
            control = False
        try:
            types = body.types(entry)
        except Dangling as problem:
            _dangling(body, name, entry, problem, found)
            given = None
            continue
        if given is not None:
            given.append(types)
    return given


def _dangling(body: Body, name: str, entry: str, problem: Dangling, found: Found) -> None:
    source = entry.removeprefix("^").partition(":")[0]
    if problem.part == "output":
        have = ""
        if problem.have is not None:
            have = f", which has {problem.have} output{'' if problem.have == 1 else 's'}"
        elif source in body.nodes:
            ranges = body.output_ranges(source) or {}
            have = f", whose outputs are {', '.join(map(show, ranges)) or 'none'}"
        found.add(OUTPUT_INDEX, body.where(name), f"Its input is {show(entry)!r}{have}.")
    else:
        main = body.function is None
        what = "no node of the graph" if main else "no argument and no node of the function"
        found.add(
            DANGLING_INPUT if main else BODY_INPUT,
            body.where(name),
            f"Its input {show(entry)!r} names {what}.",
            lambda: did_you_mean(source, [*body.arguments, *body.nodes], noun="nodes"),
        )


def _against_op(body: Body, name: str, node: NodeDef, given: list[Types], found: Found) -> None:
    wanted = wanted_types(body, node)
    if wanted is None:
        return
    flat = [dtype for types in given for dtype in types]
    if len(flat) != len(wanted):
        if _may_be_list(body, node):
            return
        message = f"{show(node.op)} takes {len(wanted)} here, and it is given {len(flat)}."
        found.add(INPUT_COUNT, body.where(name), message)
        return
    for position, (have, want) in enumerate(zip(flat, wanted, strict=True)):
        if have == dtypes.INVALID or want == dtypes.INVALID or have == want or fits(have, want):
            continue
        entry = [text for text in node.input if not text.startswith("^")]
        source = f" ({show(entry[position])})" if len(entry) == len(flat) else ""
        found.add(
            INPUT_DTYPE,
            body.where(name),
            f"Input {position}{source} is {dtypes.name(have)}; {show(node.op)} takes {dtypes.name(want)} there.",
        )


def fits(have: int, want: int) -> bool:
    """Return whether a tensor of one dtype fits an input of another: a reference fits as its value."""
    return dtypes.base(have) == dtypes.base(want) and (dtypes.is_ref(have) or not dtypes.is_ref(want))


def wanted_types(body: Body, node: NodeDef) -> list[int] | None:
    """Return the dtypes a node's data inputs must have, by its op or function; None if unknown."""
    function = body.meta.functions.get(node.op)
    if function is not None:
        args = function.signature.input_arg
        if any(arg.number_attr or arg.type_list_attr for arg in args):
            return None
        return [arg.type or dtypes.INVALID for arg in args]
    op_def = body.meta.op_table.get(node.op)
    return None if op_def is None else optable.input_types(node, op_def)


def _may_be_list(body: Body, node: NodeDef) -> bool:
    """Return whether an input may be several tensors: a polymorphic function's argument."""
    return any(
        arg.number_attr or arg.type_list_attr
        for arg in body.arguments.values()
        if any(entry.partition(":")[0] == arg.name for entry in node.input)
    )
