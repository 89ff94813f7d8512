"""Signatures: inputs and outputs by key, with their tensors.

Source: `meta_graph.proto`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from workbench import names
from workbench.disk import dtypes
from workbench.disk.dtypes import DType
from workbench.disk.schema import MetaGraphDef, TensorInfo, TensorProto, TypeSpecProto
from workbench.model import shapes
from workbench.model.shapes import Shape

PortKind = Literal["dense", "sparse", "composite"]
DEFAULT = "serving_default"
INIT_OP = "__saved_model_init_op"
TRAIN_OP = "__saved_model_train_op"
HIDDEN_SIGNATURES = frozenset({INIT_OP, TRAIN_OP})
"""Keys that only loaders look for: nobody calls these, and no face shows them."""
PREDICT = "tensorflow/serving/predict"


@dataclass(frozen=True, slots=True)
class Port:
    """One input or output of a signature.

    Attributes:
        key: its name in the signature.
        kind: `dense` is one tensor; `sparse` is three (indices, values, dense shape); `composite` is the
            components of a type spec such as a ragged tensor.
        tensors: names of the component tensors, `n:k`; one for `dense`.
        dtype: of the values, `float32`; `invalid` (0) if unknown.
        shape: the *declared* shape of the dense value; real models lie here, the graph knows better.
        default: a `TensorProto` that is used when the input is not given, or None.
        spec: name of a composite's type spec (`RaggedTensorSpec`), or None.
    """

    key: str
    kind: PortKind
    tensors: tuple[str, ...]
    dtype: DType
    shape: Shape
    default: TensorProto | None = None
    spec: str | None = None

    @property
    def tensor(self) -> str:
        """The tensor of a dense port; the first component of another."""
        return self.tensors[0] if self.tensors else ""

    def __repr__(self) -> str:
        default = ", with a default" if self.default is not None else ""
        return f"<Port {self}{default}, {names.brief(self.tensors) or 'no tensor'}>"

    def __str__(self) -> str:
        kind = "" if self.kind == "dense" else f" {names.show(self.spec or self.kind, 60)}"
        return f"{names.show(self.key, 60)}:{kind} {shapes.typed(self.dtype, self.shape)}"


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature: `inputs` and `outputs` by key, each sorted by key."""

    key: str
    method_name: str
    inputs: Mapping[str, Port]
    outputs: Mapping[str, Port]

    def __repr__(self) -> str:
        return f"<Signature {self}>"

    def __str__(self) -> str:
        inputs, outputs = (
            names.brief([str(port) for port in ports.values()], 8, 200)
            for ports in (self.inputs, self.outputs)
        )
        return f"{names.show(self.key, 60)}({inputs}) -> ({outputs})"


def read_signatures(meta: MetaGraphDef) -> dict[str, Signature]:
    """Return the signatures of a `MetaGraphDef`, `serving_default` first."""
    found = {}
    for key in sorted(meta.signature_def, key=lambda key: (key != DEFAULT, key)):
        proto = meta.signature_def[key]
        inputs = {name: read_port(name, proto.inputs[name]) for name in sorted(proto.inputs)}
        for name in proto.defaults:
            if name in inputs:
                default = TensorProto()
                default.CopyFrom(proto.defaults[name])  # a part of a message keeps all of it in memory
                inputs[name] = read_port(name, proto.inputs[name], default)
        outputs = {name: read_port(name, proto.outputs[name]) for name in sorted(proto.outputs)}
        found[key] = Signature(key, proto.method_name, inputs, outputs)
    return found


def read_port(key: str, info: TensorInfo, default: TensorProto | None = None) -> Port:
    """Return a `TensorInfo` as an input or output of a signature."""
    encoding = info.WhichOneof("encoding")
    if encoding == "coo_sparse":
        sparse = info.coo_sparse
        tensors: tuple[str, ...] = (
            sparse.indices_tensor_name,
            sparse.values_tensor_name,
            sparse.dense_shape_tensor_name,
        )
        return Port(
            key, "sparse", tensors, dtypes.dtype(info.dtype), shapes.from_proto(info.tensor_shape), default
        )
    if encoding == "composite_tensor":
        composite = info.composite_tensor
        tensors = tuple(part.name for part in composite.components)
        dtype, shape = _type_spec(composite.type_spec)
        if not dtype and composite.components:
            dtype = composite.components[0].dtype
        return Port(
            key,
            "composite",
            tensors,
            dtypes.dtype(dtype),
            shape,
            default,
            composite.type_spec.type_spec_class_name or None,
        )
    return Port(
        key, "dense", (info.name,), dtypes.dtype(info.dtype), shapes.from_proto(info.tensor_shape), default
    )


def _type_spec(spec: TypeSpecProto) -> tuple[int, Shape]:
    """Return dtype and shape of a `TypeSpecProto`: the first of each in its state.

    Source: `struct.proto`.
    """
    dtype: int = 0
    shape: Shape = None
    for value in spec.type_state.tuple_value.values:
        kind = value.WhichOneof("kind")
        if kind == "tensor_dtype_value" and not dtype:
            dtype = value.tensor_dtype_value
        elif kind == "tensor_shape_value" and shape is None:
            shape = shapes.from_proto(value.tensor_shape_value)
    return dtype, shape
