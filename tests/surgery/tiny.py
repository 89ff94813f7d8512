"""Models made by hand, without TensorFlow: a few nodes and a signature, for what a checker has to say of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.disk import dtypes, schema
from workbench.model import shapes
from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import Plan, ResultOptions, Source

Shape = tuple[int | None, ...] | None


class Tiny:
    """A SavedModel of one MetaGraph. `save` writes it to `folder`."""

    def __init__(self, folder: Path, tags: tuple[str, ...] = ("serve",)) -> None:
        self.folder = folder
        self.proto = schema.SavedModel(saved_model_schema_version=1)
        self.meta = self.proto.meta_graphs.add()
        self.meta.meta_info_def.tags.extend(tags)
        self.meta.graph_def.versions.producer = 1882

    def node(self, name: str, op: str, *inputs: str, **attrs: Any) -> Tiny:
        """A node. An attribute is a dtype by name, a shape as a tuple, a text or a number."""
        node = self.meta.graph_def.node.add(name=name, op=op)
        node.input.extend(inputs)
        for key, value in attrs.items():
            if key == "shape":
                node.attr[key].shape.CopyFrom(shapes.to_proto(value))
            elif isinstance(value, bool):
                node.attr[key].b = value
            elif isinstance(value, int):
                node.attr[key].i = value
            elif isinstance(value, bytes):
                node.attr[key].s = value
            else:
                node.attr[key].type = dtypes.enum(value)
        return self

    def placeholder(self, name: str = "x", dtype: str = "float32", shape: Shape = (None, 4)) -> Tiny:
        return self.node(name, "Placeholder", dtype=dtype, shape=shape)

    def const(self, name: str, value: float) -> Tiny:
        self.node(name, "Const", dtype="float32")
        tensor = self.meta.graph_def.node[-1].attr["value"].tensor
        tensor.dtype = dtypes.enum("float32")
        tensor.float_val.append(value)
        return self

    def signature(self, key: str = "serving_default", **ends: Any) -> Tiny:
        """`x_in="x:0"` is an input `x`, `y_out="y:0"` an output `y`; with dtype and shape as a tuple of three."""
        signature = self.meta.signature_def[key]
        signature.method_name = "tensorflow/serving/predict"
        for text, end in ends.items():
            name, _, side = text.rpartition("_")
            tensor, dtype, shape = end if isinstance(end, tuple) else (end, "float32", (None, 4))
            info = (signature.inputs if side == "in" else signature.outputs)[name]
            info.name, info.dtype = tensor, dtypes.enum(dtype)
            info.tensor_shape.CopyFrom(shapes.to_proto(shape))
        return self

    def save(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "saved_model.pb").write_bytes(self.proto.SerializeToString(deterministic=True))
        return self.folder


def doubler(folder: Path) -> Tiny:
    """`x` float32 [?,4] → `y` = x + x."""
    return (
        Tiny(folder)
        .placeholder()
        .node("y", "AddV2", "x", "x", T="float32")
        .signature(x_in="x:0", y_out="y:0")
    )


def typed(folder: Path, dtype: str, shape: Shape = (None, 4)) -> Path:
    """`x` → `y`, the same, of any dtype and shape."""
    made = Tiny(folder).placeholder("x", dtype, shape).node("y", "Identity", "x", T=dtype)
    return made.signature(x_in=("x:0", dtype, shape), y_out=("y:0", dtype, shape)).save()


def plan(a: Path, b: Path, *wires: str, **options: Any) -> Plan:
    """Handles `a` and `b`; `OUT=IN` split at ` = ` if there is one."""
    made = []
    for text in wires or ("y=x",):
        left, _, right = text.partition(" = ") if " = " in text else text.partition("=")
        made.append(Connect(left, right))
    return Plan((Source("a", a), Source("b", b)), tuple(made), ResultOptions(**options))
