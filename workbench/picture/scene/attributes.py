"""The attributes of a node in words, for a detail pane."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from workbench.disk import dtypes
from workbench.disk.schema import AttrValue, NodeDef, TensorProto
from workbench.model import shapes
from workbench.names import show
from workbench.picture.scene.flat import Flattener, Item, Ref, type_text
from workbench.picture.scene.fold import scalar_text

_MAX_OUTPUTS = 8
_MAX_LISTED = 16
_MAX_TEXT = 200
_MAX_KNOWN = 1000  # bytes of an attribute whose words are kept
_FIRST = ("ksize", "strides", "padding", "explicit_paddings", "dilations", "data_format")
_CONVOLUTIONS = ("Conv2D", "Conv3D", "DepthwiseConv", "Dilation2D", "_FusedConv")


Rows = tuple[tuple[str, str], ...]


class Attributes:
    """The attributes of nodes in words, put together once for all nodes that are alike.

    Args:
        flat: the graph that they are of.
    """

    def __init__(self, flat: Flattener) -> None:
        self._flat = flat
        self._known: dict[tuple[bytes, str], Rows] = {}

    def rows(self, item: Item) -> Rows:
        """Return the outputs' shapes of a node, then its attributes, those that shape the result first.

        Attributes that begin with `_` are notes of tools and are left out.
        """
        if item.node is None:
            return ()
        alike = self._flat.alike(item), self._kernel(item)
        if not alike[0]:
            return self._rows(item, item.node, alike[1])
        if alike not in self._known:
            self._known[alike] = self._rows(item, item.node, alike[1])
        return self._known[alike]

    def _kernel(self, item: Item) -> str:
        """Return the size of a convolution's kernel; empty for other nodes."""
        if not item.op.startswith(_CONVOLUTIONS) or len(item.inputs) < 2:
            return ""
        kernel = self._flat.tensor(item.inputs[1])
        if kernel is None or kernel.shape is None or len(kernel.shape) < 3:
            return ""
        return "×".join("?" if size is None else str(size) for size in kernel.shape[:-2])

    def _rows(self, item: Item, node: NodeDef, kernel: str) -> Rows:
        rows = []
        outputs = item.level.body.output_types(node.name) or ()
        for number in range(min(len(outputs), _MAX_OUTPUTS)):
            tensor = self._flat.declared(Ref(item.key, number))
            if tensor is None or not (text := type_text(tensor)):
                break
            rows.append((f"output {number}", text))
        if kernel:
            rows.append(("kernel size", kernel))
        attrs = node.attr
        names = sorted(name for name in attrs if not name.startswith("_"))
        if any(name in _FIRST for name in names):
            names.sort(key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))
        rows += [_row(name, attrs[name]) for name in names]
        if node.device:
            rows.append(("device", show(node.device)))
        return tuple(rows)


def _row(name: str, value: AttrValue) -> tuple[str, str]:
    """Return the row of an attribute; most of a large graph are alike, and are put into words once."""
    data = value.SerializeToString()
    return _known_row(name, data) if len(data) <= _MAX_KNOWN else (show(name), attribute_text(value))


@lru_cache(maxsize=2000)
def _known_row(name: str, data: bytes) -> tuple[str, str]:
    return show(name), attribute_text(AttrValue.FromString(data))


def attribute_text(value: AttrValue) -> str:
    """Return an attribute's value in a few words: `SAME`, `[1, 2, 2, 1]`, `float32`."""
    kind = value.WhichOneof("value")
    if kind == "list":
        field = next((field for field, _ in value.list.ListFields()), None)
        values = getattr(value.list, field.name) if field is not None else ()
        return f"[{_listed(field.name if field is not None else 's', values)}]"
    return _one(kind, getattr(value, kind)) if kind is not None else ""


def _listed(kind: str, values: Iterable[object]) -> str:
    every = list(values)
    words = [_one(kind, value) for value in every[:_MAX_LISTED]]
    return ", ".join([*words, "…"] if len(every) > _MAX_LISTED else words)


def _one(kind: str, value: object) -> str:
    if isinstance(value, bytes):
        return show(value.decode("utf-8", "replace"), _MAX_TEXT)
    if kind == "type" and isinstance(value, int):
        return dtypes.name(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, TensorProto):
        dims = ",".join(str(dim.size) for dim in value.tensor_shape.dim)
        return f"{dtypes.name(value.dtype)} [{dims}] {scalar_text(value)}".rstrip()
    if kind == "shape":
        return shapes.text(shapes.from_proto(value))  # type: ignore[arg-type]
    return show(str(getattr(value, "name", value)), _MAX_TEXT)
