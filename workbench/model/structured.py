"""Python values in a SavedModel (`struct.proto`): as text, as tensor specs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from workbench.disk import dtypes
from workbench.disk.dtypes import DType
from workbench.disk.schema import StructuredValue
from workbench.model import shapes
from workbench.model.shapes import Shape
from workbench.names import show

SpecKind = Literal["dense", "sparse", "ragged", "composite"]
_KINDS: dict[str, SpecKind] = {"SparseTensorSpec": "sparse", "RaggedTensorSpec": "ragged"}
_MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Spec:
    """One tensor argument or result of a callable.

    Attributes:
        key: what it is called: an argument's name, a result's key; nested parts are joined by `/`.
        kind: `dense` is one tensor of the function, the others are `count` of them.
        dtype: `float32`; `invalid` (0) if unknown.
        shape: as traced.
        first: index among the function's flat arguments (or results).
        count: how many of them it takes.
        type_name: the type spec's name where it is not a plain tensor (`RaggedTensorSpec`), else None.
    """

    key: str
    kind: SpecKind
    dtype: DType
    shape: Shape
    first: int
    count: int = 1
    type_name: str | None = None

    def __repr__(self) -> str:
        return f"<Spec {show(self.key, 60)}: {spec_text(self)}>"


Leaf = tuple[tuple[str, ...], StructuredValue]


def leaves(value: StructuredValue, path: tuple[str, ...] = (), depth: int = 0) -> Iterator[Leaf]:
    """Yield the leaves of a structured value with their paths.

    In the order of `tf.nest.flatten`: dicts by sorted key.
    """
    if depth > _MAX_DEPTH:
        return
    kind = value.WhichOneof("kind")
    if kind in ("list_value", "tuple_value"):
        for index, item in enumerate(getattr(value, kind).values):
            yield from leaves(item, (*path, str(index)), depth + 1)
    elif kind == "dict_value":
        fields = value.dict_value.fields
        for key in sorted(fields):
            yield from leaves(fields[key], (*path, key), depth + 1)
    elif kind == "named_tuple_value":
        for pair in value.named_tuple_value.values:
            yield from leaves(pair.value, (*path, pair.key), depth + 1)
    else:
        yield path, value


def spec(value: StructuredValue, key: str, first: int) -> Spec | None:
    """Return a leaf as a tensor spec, or None for a plain Python value.

    Args:
        value: the `StructuredValue`.
        key: what to call it.
        first: index of its (first) tensor among the flat ones.
    """
    kind = value.WhichOneof("kind")
    if kind in ("tensor_spec_value", "bounded_tensor_spec_value"):
        dense = getattr(value, kind)
        return Spec(key, "dense", dtypes.dtype(dense.dtype), shapes.from_proto(dense.shape), first)
    if kind != "type_spec_value":
        return None
    proto = value.type_spec_value
    name = proto.type_spec_class_name
    dtype, shape = _state(proto.type_state)
    # files from before TF 2.4 have no count: a sparse tensor has three parts, a ragged one two and more
    count = proto.num_flat_components or {"SparseTensorSpec": 3, "RaggedTensorSpec": 2}.get(name, 1)
    return Spec(key, _KINDS.get(name, "composite"), dtypes.dtype(dtype), shape, first, count, name or None)


def _state(state: StructuredValue) -> tuple[int, Shape]:
    dtype: int = 0
    shape: Shape = None
    for _, leaf in leaves(state):
        kind = leaf.WhichOneof("kind")
        if kind == "tensor_dtype_value" and not dtype:
            dtype = leaf.tensor_dtype_value
        elif kind == "tensor_shape_value" and shape is None:
            shape = shapes.from_proto(leaf.tensor_shape_value)
    return dtype, shape


def text(value: StructuredValue, depth: int = 0) -> str:
    """Return a structured value as Python text; tensors as `float32 [?,784]`."""
    kind = value.WhichOneof("kind")
    if depth > _MAX_DEPTH:
        return "…"
    match kind:
        case None | "none_value":
            return "None"
        case "string_value":
            return repr(show(value.string_value))
        case "int64_value" | "bool_value" | "float64_value":
            return repr(getattr(value, kind))
        case "list_value":
            return f"[{', '.join(text(item, depth + 1) for item in value.list_value.values)}]"
        case "tuple_value":
            items = [text(item, depth + 1) for item in value.tuple_value.values]
            return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
        case "dict_value":
            fields = value.dict_value.fields
            items = [f"{show(key)!r}: {text(fields[key], depth + 1)}" for key in sorted(fields)]
            return f"{{{', '.join(items)}}}"
        case "named_tuple_value":
            named = value.named_tuple_value
            items = [f"{show(pair.key)}={text(pair.value, depth + 1)}" for pair in named.values]
            return f"{show(named.name)}({', '.join(items)})"
        case "tensor_spec_value" | "bounded_tensor_spec_value" | "type_spec_value":
            found = spec(value, "", 0)
            return spec_text(found) if found else "?"
        case "tensor_shape_value":
            return shapes.text(shapes.from_proto(value.tensor_shape_value))
        case "tensor_dtype_value":
            return dtypes.name(value.tensor_dtype_value)
        case _:
            return f"<{kind.removesuffix('_value')}>"


def spec_text(found: Spec) -> str:
    """Return a spec as text: `float32 [?,784]`, `ragged int64 [?,?]`."""
    name = "" if found.kind == "dense" else f"{found.kind} " if found.kind != "composite" else ""
    if found.kind == "composite" and found.type_name:
        name = f"{show(found.type_name)} "
    dtype = dtypes.name(found.dtype) if found.dtype else ""
    if not dtype and found.shape is None:
        return name.strip()
    return f"{name}{dtype} {shapes.text(found.shape)}" if dtype else f"{name}{shapes.text(found.shape)}"
