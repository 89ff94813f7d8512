"""Attributes of a node in words: those that say what it computes, not dtypes and hints."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.describe.attributes import attribute_text
from workbench.disk import optable
from workbench.disk.schema import NodeDef, OpDef
from workbench.explaining.explanation import Line
from workbench.explaining.view import View, quoted
from workbench.graph.level import Level

_HIDDEN = frozenset(
    [
        "T",
        "Tidx",
        "Tindices",
        "Tparams",
        "Taxis",
        "Tshape",
        "Tpaddings",
        "Tmultiples",
        "Tdim",
        "Tperm",
        "Tlen",
        "Tk",
        "Index",
        "SrcT",
        "Tin",
        "Tout",
        "N",
        "index_type",
        "use_cudnn_on_gpu",
        "config",
        "config_proto",
        "executor_type",
        "container",
        "shared_name",
        "use_locking",
        "parallel_iterations",
        "incompatible_shape_error",
        "grad_a",
        "grad_b",
        "grad_x",
        "grad_y",
        "debug_name",
        "allowed_devices",
        "validate_shape",
        "f",
        "cond",
        "body",
        "then_branch",
        "else_branch",
        "branches",
        "output_shapes",
    ]
)
_AXES = {"NHWC": ("batch", "height", "width", "channels"), "NCHW": ("batch", "channels", "height", "width")}
_PADDING = {
    "SAME": "the edges are filled with zeros, so that a step of 1 keeps the size",
    "VALID": "nothing is added at the edges, so that the result is smaller by the window",
    "EXPLICIT": "the edges are filled as `explicit_paddings` says",
}
_FLAGS = {
    ("transpose_a", True): "the first matrix is transposed before the product",
    ("transpose_b", True): "the second matrix is transposed before the product",
    ("adj_x", True): "the matrices of the first input are transposed before the product",
    ("adj_y", True): "the matrices of the second input are transposed before the product",
    ("keep_dims", True): "the dimensions that are reduced stay, with size 1",
    ("keep_dims", False): "the dimensions that are reduced are removed",
    ("is_training", False): "it uses the stored mean and variance: the op is in inference",
    ("is_training", True): "it uses mean and variance of the batch itself: the op is in training",
    ("half_pixel_centers", True): "the centre of a pixel is at a half number, as in most image libraries",
    ("align_corners", True): "the corners of the image stay where they are",
}
_COLUMNS = {-2: "the whole line", -1: "the number of the line, from 0"}
_SKIP_FALSE = frozenset(
    {"transpose_a", "transpose_b", "adj_x", "adj_y", "align_corners", "half_pixel_centers"}
)


def attribute_lines(view: View, level: Level, node: NodeDef) -> Iterator[Line]:
    """Yield the attributes of a node that matter, each in words."""
    op_def = view.meta.op_table.get(node.op)
    for name in sorted(node.attr):
        if name.startswith("_") or name in _HIDDEN:
            continue
        text = _words(node, op_def, name)
        if text is not None:
            yield Line(text)
    yield from _constants(view, level, node)


def _words(node: NodeDef, op_def: OpDef | None, name: str) -> str | None:
    value = node.attr[name]
    kind = value.WhichOneof("value")
    shown = f"{quoted(name)} is {attribute_text(value)}"
    if kind == "type":
        return f"{shown}."
    if kind == "b":
        if not value.b and name in _SKIP_FALSE:
            return None
        words = _FLAGS.get((name, value.b))
        return f"{shown}: {words}." if words else f"{shown}."
    if name == "padding" and kind == "s":
        words = _PADDING.get(value.s.decode("utf-8", "replace"))
        return f"{shown}: {words}." if words else f"{shown}."
    if name in ("strides", "ksize", "dilations") and kind == "list":
        return _window(node, op_def, name, list(value.list.i))
    if name in ("key_index", "value_index") and kind == "i":
        return f"{shown}: {_COLUMNS.get(value.i, f'column {value.i} of the line')}."
    if kind == "list" and not value.list.ListFields():
        return None
    return f"{shown}."


def _window(node: NodeDef, op_def: OpDef | None, name: str, numbers: list[int]) -> str | None:
    """Return strides and the like by the names of the dimensions."""
    layout = optable.attr(node, op_def, "data_format")
    axes = _AXES.get(layout.s.decode("utf-8", "replace")) if layout is not None else None
    if axes is None or len(numbers) != len(axes):
        return f"{quoted(name)} is {numbers}."
    found = dict(zip(axes, numbers, strict=True))
    if name == "dilations" and set(numbers) == {1}:
        return None
    what = {"strides": "the window moves {} at a time", "ksize": "the window is {}", "dilations": "{} apart"}[
        name
    ]
    return f"{quoted(name)} is {numbers}: {what.format('{} × {} pixels'.format(found['height'], found['width']))}."


def _constants(view: View, level: Level, node: NodeDef) -> list[Line]:
    """Return the inputs that are axes, shapes and sizes, where they are constants."""
    op_def = view.meta.op_table.get(node.op)
    ranges = optable.input_args(node, op_def) if op_def is not None else None
    named = {
        "axis",
        "dim",
        "shape",
        "size",
        "perm",
        "paddings",
        "multiples",
        "reduction_indices",
        "split_dim",
        "k",
    }
    lines = []
    for one in ranges or ():
        numbers = view.numbers(level.input(node, one.first)) if one.size == 1 and one.arg in named else None
        if numbers is not None and len(numbers) <= 16:
            what = str(numbers[0]) if len(numbers) == 1 else f"[{','.join(map(str, numbers))}]"
            lines.append(Line(f"The input {quoted(one.arg)} is the constant {what}."))
    return lines
