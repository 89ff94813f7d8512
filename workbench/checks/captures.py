"""Captures: what a concrete function is bound to, against the arguments it has for that.

A function's arguments are those that Python gives, then one for each object it captured (`bound_inputs`). Source:
`function_deserialization.setup_bare_concrete_function`, `load.py: get_tensor_from_node`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.checks.codes import Code, Found
from workbench.checks.objects import OBJECT_ID
from workbench.disk import dtypes
from workbench.disk.schema import Message
from workbench.model import structured
from workbench.names import show

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph

CAPTURE_COUNT = Code(
    "capture-count", "error", "a function has not one argument for each thing it captures",
    "Arguments and captures are brought together by their order: with one too few or too many a variable is taken "
    "for an input, and calling fails.",
    "Save the model again; a tool that edited the function has lost a capture.",
)  # fmt: skip
CAPTURE_KIND = Code(
    "capture-kind", "error", "a function captures something that does not fit its argument",
    "A variable or a table is captured as a resource, an asset as a string, a constant with its own dtype: with "
    "anything else calling fails.",
    "Save the model again; a tool that renumbered the objects did not renumber bound_inputs.",
)  # fmt: skip

_DTYPES = {
    "variable": (dtypes.RESOURCE,),
    "asset": (dtypes.STRING,),
    "resource": (dtypes.RESOURCE, dtypes.VARIANT),
}
_NO_TENSOR = ("function", "bare_concrete_function")


def check(meta: MetaGraph, found: Found) -> None:
    """The captures of every concrete function."""
    if meta.objects is None:
        return
    concrete = meta.objects.proto.concrete_functions
    for name in sorted(concrete):
        function = meta.functions.get(name)
        if function is not None:
            _function(meta, name, function, concrete[name], found)


def _function(meta: MetaGraph, name: str, function: Message, concrete: Message, found: Found) -> None:
    arguments = list(function.signature.input_arg)
    bound = list(concrete.bound_inputs)
    given = _given(concrete)
    if len(bound) > len(arguments) or (given is not None and given + len(bound) != len(arguments)):
        given_text = "what" if given is None else str(given)
        message = (
            f"It has {len(arguments)} arguments, for {given_text} from the caller and {len(bound)} captured."
        )
        found.add(CAPTURE_COUNT, show(name), message)
        return
    nodes = meta.proto.object_graph_def.nodes
    for argument, number in zip(arguments[len(arguments) - len(bound) :], bound, strict=True):
        if not 0 <= number < len(nodes):
            message = (
                f"Its capture {show(argument.name)!r} is object {number}; there are {len(nodes)}, from 0."
            )
            found.add(OBJECT_ID, show(name), message)
            continue
        wrong = _wrong(meta, nodes[number], argument)
        if wrong:
            message = f"Its argument {show(argument.name)!r} is bound to object {number}, {wrong}."
            found.add(CAPTURE_KIND, show(name), message)


def _given(concrete: Message) -> int | None:
    """How many tensors the caller gives; None if the stored signature does not tell it for certain."""
    signature = concrete.canonicalized_input_signature
    if signature.WhichOneof("kind") != "tuple_value":
        return None
    total = 0
    for _, leaf in structured.leaves(signature):
        kind = leaf.WhichOneof("kind")
        if kind in ("tensor_spec_value", "bounded_tensor_spec_value"):
            total += 1
        elif kind == "type_spec_value":
            if not leaf.type_spec_value.num_flat_components:
                return None
            total += leaf.type_spec_value.num_flat_components
    return total


def _wrong(meta: MetaGraph, node: Message, argument: Message) -> str | None:
    """What does not fit between an object and an argument, or None."""
    kind = node.WhichOneof("kind")
    if kind in _NO_TENSOR or kind is None:
        return "which is a function" if kind else "which is nothing that has a tensor"
    if kind == "constant":
        operation = meta.nodes.get(node.constant.operation)
        dtype = operation.attr["dtype"].type if operation is not None and "dtype" in operation.attr else 0
        wanted: tuple[int, ...] = (dtype,) if dtype else ()
    else:
        wanted = _DTYPES.get(kind, ())
    if not wanted or not argument.type or argument.type in wanted:
        return None
    what = f"which is a {kind}, of dtype {dtypes.name(wanted[0])}"
    return f"{what}; the argument is {dtypes.name(argument.type)}"
