"""Captures: what a concrete function is bound to, against the arguments it has for that.

A function's arguments are those that Python gives, then one for each object it captured (`bound_inputs`). Source:
`function_deserialization.setup_bare_concrete_function`, `load.py: get_tensor_from_node`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.checks.codes import Code, Found
from workbench.checks.graphs.objects import OBJECT_ID
from workbench.disk import dtypes
from workbench.disk.schema import FunctionDef, SavedConcreteFunction, SavedObject
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
    """Check the captures of every concrete function."""
    if meta.objects is None:
        return
    concrete = meta.objects.proto.concrete_functions
    nodes = list(meta.objects.nodes)
    fitting: dict[int, tuple[int, ...] | None] = {}
    for name in sorted(concrete):
        function = meta.functions.get(name)
        if function is not None:
            _function(meta, name, function, concrete[name], nodes, fitting, found)


def _function(
    meta: MetaGraph,
    name: str,
    function: FunctionDef,
    concrete: SavedConcreteFunction,
    nodes: list[SavedObject],
    fitting: dict[int, tuple[int, ...] | None],
    found: Found,
) -> None:
    arguments = list(function.signature.input_arg)
    bound = list(concrete.bound_inputs)
    given = _given(concrete)
    if len(bound) > len(arguments) or (given is not None and given + len(bound) != len(arguments)):
        caller = "what" if given is None else str(given)
        message = (
            f"It has {len(arguments)} arguments, for {caller} from the caller and {len(bound)} captured."
        )
        found.add(CAPTURE_COUNT, show(name), message)
        return
    for argument, number in zip(arguments[len(arguments) - len(bound) :], bound, strict=True):
        if not 0 <= number < len(nodes):
            message = (
                f"Its capture {show(argument.name)!r} is object {number}; there are {len(nodes)}, from 0."
            )
            found.add(OBJECT_ID, show(name), message)
            continue
        if number not in fitting:
            fitting[number] = _dtypes(meta, nodes[number])
        wanted, dtype = fitting[number], argument.type
        if wanted is not None and dtype and dtype not in wanted:
            kind = (nodes[number].WhichOneof("kind") or "nothing").replace("_", " ")
            what = (
                f"a {kind}, of dtype {dtypes.name(wanted[0])}" if wanted else f"{kind}, which has no tensor"
            )
            takes = f"{show(argument.name)!r}, {dtypes.name(dtype)}"
            message = f"Its argument {takes}, is bound to object {number}: {what}."
            found.add(CAPTURE_KIND, show(name), message)


def _given(concrete: SavedConcreteFunction) -> int | None:
    """Return how many tensors the caller gives; None if the stored signature leaves it open."""
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


def _dtypes(meta: MetaGraph, node: SavedObject) -> tuple[int, ...] | None:
    """Return the dtypes of an argument that captures an object; None for any, empty for none."""
    kind = node.WhichOneof("kind")
    if kind is None or kind in _NO_TENSOR:
        return ()
    if kind == "constant":
        operation = meta.nodes.get(node.constant.operation)
        dtype = operation.attr["dtype"].type if operation is not None and "dtype" in operation.attr else 0
        return (dtype,) if dtype else None
    return _DTYPES.get(kind)
