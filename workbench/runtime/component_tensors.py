"""Component tensors of signature keys, by the names that values are given under.

A dense input has one component, named like its key. A sparse one has three, `KEY.indices`, `KEY.values` and
`KEY.dense_shape`; another composite (a ragged tensor) has `KEY.0`, `KEY.1`, … in the order of its components.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from workbench.disk import dtypes, tensor_proto
from workbench.disk.schema import TensorProto
from workbench.model import MetaGraph, Port, Shape, Signature, shapes
from workbench.names import parse_tensor

SPARSE_PARTS = ("indices", "values", "dense_shape")


class ComponentTensor(NamedTuple):
    """One tensor that takes or gives a value: an input, an output, or a component of one.

    Attributes:
        name: the name of its value: the key, or the key and the component.
        key: the signature's key.
        tensor: `n:k`.
        dtype: enum of `types.proto`, without ref; 0 if unknown.
        shape: the placeholder's own; what the signature declares only where the graph knows no rank.
        likely: `shape`, with sizes that only the signature knows; it may lie, but is the best guess.
        default: a `TensorProto` used when no value is given, or None.
        optional: whether the graph itself has a value for it: a v1 Session need not be given one.
    """

    name: str
    key: str
    tensor: str
    dtype: int
    shape: Shape
    likely: Shape
    default: TensorProto | None = None
    optional: bool = False

    @property
    def is_string(self) -> bool:
        """Return whether it holds strings."""
        return self.dtype == dtypes.STRING

    def describe(self) -> str:
        """Return its dtype and shape: `float32 [?,784]`."""
        return shapes.typed(self.dtype, self.shape)


def component_names(port: Port) -> tuple[str, ...]:
    """Return the names of a port's components, in the order of its tensors."""
    if port.kind == "dense":
        return (port.key,)
    if port.kind == "sparse":
        return tuple(f"{port.key}.{part}" for part in SPARSE_PARTS)
    return tuple(f"{port.key}.{number}" for number in range(len(port.tensors)))


def input_components(meta: MetaGraph, signature: Signature) -> dict[str, ComponentTensor]:
    """Return the components of a signature's inputs by name."""
    found = {}
    for port in signature.inputs.values():
        for position, (name, tensor) in enumerate(zip(component_names(port), port.tensors, strict=True)):
            dtype, declared = _declared(port, position)
            actual = meta.node_tensor(tensor)
            shape = declared
            if actual is not None:
                dtype = dtypes.base(actual.dtype) or dtype
                shape = declared if actual.shape is None else actual.shape
            default = port.default if port.kind == "dense" else None
            at = parse_tensor(tensor)
            node = meta.nodes.get(at.node) if at is not None else None
            optional = node is not None and node.op == "PlaceholderWithDefault"
            found[name] = ComponentTensor(
                name, port.key, tensor, dtype, shape, _likely(shape, declared), default, optional
            )
    return found


def port_json(ports: Mapping[str, Port]) -> dict[str, Any]:
    """Return ports as the child takes them."""
    found: dict[str, Any] = {}
    for key, port in ports.items():
        found[key] = {
            "kind": port.kind,
            "tensors": list(port.tensors),
            "slots": list(component_names(port)),
        }
        default = tensor_proto.to_array(port.default) if port.default is not None else None
        if default is not None:
            from workbench.runtime.child_process.codec import encode

            found[key]["default"] = encode(default)
    return found


def _declared(port: Port, position: int) -> tuple[int, Shape]:
    if port.kind == "dense":
        return port.dtype, port.shape
    if port.kind == "composite":
        return (port.dtype, None) if position == 0 else (0, None)
    rank = len(port.shape) if port.shape is not None else None
    by_part: tuple[tuple[int, Shape], ...] = (
        (dtypes.INT64, (None, rank)),
        (port.dtype, (None,)),
        (dtypes.INT64, (rank,)),
    )
    return by_part[position]


def _likely(shape: Shape, declared: Shape) -> Shape:
    if shape is None or declared is None or len(shape) != len(declared):
        return shape
    return tuple(mine if mine is not None else theirs for mine, theirs in zip(shape, declared, strict=True))
