"""Make example values of a model's inputs, written for the shell, for Python and for REST.

Values come from a verification, where there was one: a key of a table, an index below the gathered size, a picture
where a decoder follows. Otherwise they are zeros and words of the right dtype and shape.
"""

from __future__ import annotations

import base64
import binascii
import json
import shlex
from collections.abc import Sequence
from typing import Any, NamedTuple

from workbench import names
from workbench.disk import dtypes
from workbench.graph.adjacency import Adjacency
from workbench.graph.functions import reachable
from workbench.model import MetaGraph, Shape, Signature
from workbench.model.op_classes import CALLS, IMAGE_DECODERS
from workbench.runtime.component_tensors import ComponentTensor

_SMALL = 12  # values that are still written out in an example
_WRITTEN_OUT = 1000  # numbers in the body of a request; of more, one represents its row
_ROWS = 8  # of such
_LONG = 160  # bytes of a string that are still written out
_IMAGE_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8")
_NATIVE = frozenset({"float32", "float64", "float16", "bool", "complex64", "complex128"})


class Value(NamedTuple):
    """One value of an example, in the three languages.

    Attributes:
        shell: what stands after `KEY=`.
        python: an expression that makes a tensor.
        plain: one that makes what `workbench.run` takes.
        rest: JSON; a batch of one where the first size is free.
        setup: a line for the shell that writes the file which `shell` names, or None.
        modules: what `python` imports beside TensorFlow.
    """

    shell: str
    python: str
    plain: str
    rest: Any
    setup: str | None = None
    modules: tuple[str, ...] = ()


def example(component: ComponentTensor, array: Any, kind: str | None, picture: str, declared: Shape) -> Value:
    """An example of one component: of `array` if there is one, else made up; `declared` is the shape of its key."""
    shape = _sizes(component) if array is None else [int(size) for size in array.shape]
    if component.is_string:
        return _string(component, shape, array, kind, picture)
    dtype = dtypes.name(component.dtype) if component.dtype else "float32"
    total = _product(shape)
    part = component.name[len(component.key) + 1 :]
    if array is None and part and part not in ("indices", "values", "0"):
        if part == "dense_shape":
            sizes = [size or 1 for size in declared or [None] * total]
            return _number(sizes, [len(sizes)], dtype)
        return _number([0, 1], [2], dtype)  # the splits of a ragged value of one element
    if total > _SMALL:
        kept = dtype if dtype in _NATIVE or dtype.lstrip("u").startswith("int") else "float32"
        zeros = f"numpy.zeros({shape}, '{kept}')"
        if total > _WRITTEN_OUT:  # one "…" represents a whole row
            rest = _nest(["…"], [min(shape[0], _ROWS), *([1] * (len(shape) - 1))])
        else:
            rest = _nest([_zero(dtype)], shape)
        return Value(
            f"@{_file(component)}.npy",
            f"tf.zeros({shape}, tf.{dtype})",
            zeros,
            rest,
            _program(f"import numpy; numpy.save('{_file(component)}.npy', {zeros})"),
            ("numpy",),
        )
    flat: list[Any] = (
        [_zero(dtype)] * total if array is None else [_rounded(x) for x in array.ravel().tolist()]
    )
    if dtype.startswith("complex"):
        nested = _nest([complex(item) for item in flat], shape)
        write = f"import numpy; numpy.save('{_file(component)}.npy', numpy.array({nested!r}, '{dtype}'))"
        text = f"tf.constant({nested!r}, tf.{dtype})"
        return Value(f"@{_file(component)}.npy", text, repr(nested), "…", _program(write))
    return _number(flat, shape, dtype)


def _number(flat: list[Any], shape: list[int], dtype: str) -> Value:
    """A few numbers, written out."""
    nested = _nest(flat, shape)
    python = f"tf.constant({nested!r}, tf.{dtype}" + (")" if _product(shape) else f", {shape})")
    return Value(json.dumps(nested, separators=(",", ":")), python, repr(nested), nested)


def _string(
    component: ComponentTensor, shape: list[int], array: Any, kind: str | None, picture: str
) -> Value:
    """An example of a component that takes strings."""
    flat: list[bytes] = [] if array is None else [_bytes(item) for item in array.ravel().tolist()]
    if flat:
        kind = kind_of(flat[0])
    if kind is not None and len(shape) < 2:
        return _picture([1] * len(shape), kind, picture)
    total = _product(shape)
    texts = [_as_text(item) for item in flat or [b"text"]]
    if None not in texts and total <= _SMALL and sum(map(len, flat)) <= _LONG:
        nested = _nest(texts, shape)
        python = f"tf.constant({nested!r}, tf.string" + (")" if total else f", {shape})")
        return Value(_string_word(nested), python, repr(nested), nested)
    first = flat[0] if flat and len(flat[0]) <= _LONG else None
    if first is None or None in texts:
        return _binary(component, shape, first)
    text = first.decode()
    full = f"numpy.full({shape}, {text!r})"
    return Value(
        f"@{_file(component)}.npy",
        f"tf.fill({shape}, {text!r})",
        full,
        _nest([text], shape),
        _program(f"import numpy; numpy.save('{_file(component)}.npy', {full})"),
        ("numpy",),
    )


def _picture(shape: list[int], kind: str, picture: str) -> Value:
    """A picture from a file, as its bytes or as base64: a batch of one where there is a batch."""
    read = f"open({picture!r}, 'rb').read()"
    if kind == "base64 image":
        plain = _brackets(f"base64.urlsafe_b64encode({read})", shape)
        rest = _nest(["<web-safe base64 of a PNG>"], shape)
        return Value(f"base64url:@{picture}", f"tf.constant({plain})", plain, rest, None, ("base64",))
    plain = _brackets(read, shape)
    rest = _nest([{"b64": "<base64 of a PNG or JPEG>"}], shape)
    return Value(f"@{picture}", f"tf.constant({plain})", plain, rest)


def _binary(component: ComponentTensor, shape: list[int], data: bytes | None) -> Value:
    """Strings that are no text, such as a serialised Example: a batch of one, from a file."""
    shape = [1] * len(shape)
    file = f"{_file(component)}.bin"
    plain = _brackets(f"open('{file}', 'rb').read()" if data is None else repr(data), shape)
    encoded = "…" if data is None else base64.b64encode(data).decode()
    write = f"import base64; open('{file}', 'wb').write(base64.b64decode('{encoded}'))"
    return Value(
        f"@{file}",
        f"tf.constant({plain})",
        plain,
        _nest([{"b64": encoded}], shape),
        None if data is None else _program(write),
    )


def _program(text: str) -> str:
    """A line for the shell that runs a little Python."""
    if any(char in text for char in '"$`\\!'):
        return shlex.join(["python", "-c", text])
    return f'python -c "{text}"'


def kind_of(data: bytes) -> str | None:
    """`image`, `base64 image`, or None, by how a value begins."""
    if data.startswith(_IMAGE_STARTS):
        return "image"
    try:
        head = base64.urlsafe_b64decode(data[:16])
    except (binascii.Error, ValueError):
        return None
    return "base64 image" if head.startswith(_IMAGE_STARTS) else None


def string_kinds(meta: MetaGraph, signature: Signature) -> dict[str, str]:
    """What a string input means, as far as the ops behind it tell: `base64 image`, `image`."""
    found: dict[str, str] = {}
    for key, port in signature.inputs.items():
        if port.kind == "dense" and dtypes.name(port.dtype) == "string":
            ops = _ops_behind(meta, port.tensor)
            if ops & IMAGE_DECODERS:
                found[key] = "base64 image" if "DecodeBase64" in ops else "image"
    return found


def takes_base64(meta: MetaGraph, signature: Signature, key: str) -> bool:
    """Return whether the op right behind a string input decodes web-safe base64."""
    port = signature.inputs.get(key)
    if port is None or port.kind != "dense":
        return False
    near = Adjacency(meta.nodes).consumers(names.input_node(port.tensor))
    return any(meta.nodes[name].op == "DecodeBase64" for name, _ in near)


def _ops_behind(meta: MetaGraph, tensor: str) -> set[str]:
    below = Adjacency(meta.nodes).descendants([names.input_node(tensor)])
    nodes = [meta.nodes[name] for name in below]
    calls = [node for node in nodes if node.op in CALLS]
    functions = reachable(meta.graph, calls) if calls else ()
    bodies = [node.op for name in functions for node in meta.functions[name].node_def]
    return {node.op for node in nodes} | set(bodies)


def _sizes(component: ComponentTensor) -> list[int]:
    """A full shape: 1 for every size that is free."""
    return [1 if size is None else size for size in component.likely or ()]


def _product(shape: Sequence[int]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def _zero(dtype: str) -> Any:
    return False if dtype == "bool" else 0 if "int" in dtype else 0.0


def _rounded(item: Any) -> Any:
    if isinstance(item, complex):
        return complex(_rounded(item.real), _rounded(item.imag))
    return float(f"{item:.3g}") if isinstance(item, float) else item


def _bytes(item: Any) -> bytes:
    return item if isinstance(item, bytes) else str(item).encode()


def _as_text(data: bytes) -> str | None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None


def _string_word(nested: Any) -> str:
    """A string as the command line takes it: bare where nothing in it means something else."""
    if isinstance(nested, str) and nested[:1].isalpha() and nested not in ("true", "false", "null"):
        return nested if not nested.startswith("base64url:") else json.dumps(nested)
    return json.dumps(nested, ensure_ascii=False, separators=(",", ":"))


def _nest(flat: Sequence[Any], shape: Sequence[int]) -> Any:
    """Values in row-major order as nested lists; a single one is repeated to fill the shape."""
    total = _product(shape)
    values = list(flat) if len(flat) == total else list(flat[:1]) * total
    if not shape:
        return values[0]
    for size in reversed(shape[1:]):
        values = [values[at : at + size] for at in range(0, len(values), size)] if size else []
    return values


def _brackets(text: str, shape: Sequence[int]) -> str:
    return "[" * len(shape) + text + "]" * len(shape)


def _file(component: ComponentTensor) -> str:
    return "".join(char if char.isascii() and char.isalnum() else "_" for char in component.name)[:40]
