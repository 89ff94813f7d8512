"""Write calls of a model for the shell, for Python and for REST, with its own keys, shapes and values.

Values come from its verification, where there was one: a key of a table, an index below the gathered size, a picture
where a decoder follows. Otherwise they are zeros and words of the right dtype and shape.
"""

from __future__ import annotations

import base64
import binascii
import json
import keyword
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.disk import dtypes
from workbench.model import MetaGraph, Port, Shape, Signature
from workbench.model.signature import DEFAULT
from workbench.runtime.component_tensors import SPARSE_PARTS, Slot, input_slots, slot_names

if TYPE_CHECKING:
    from workbench.runtime.chain import Sample

WIDTH = 78
"""Columns after which a command goes on in the next line."""
_SMALL = 12  # values that are still written out in an example
_WRITTEN_OUT = 1000  # numbers in the body of a request; of more one stands for its row
_ROWS = 8  # of such
_LONG = 160  # bytes of a string that are still written out
_IMAGE_OPS = frozenset(
    {"DecodePng", "DecodeJpeg", "DecodeImage", "DecodeBmp", "DecodeGif", "DecodeAndCropJpeg"}
)
_IMAGE_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8")
_NATIVE = frozenset({"float32", "float64", "float16", "bool", "complex64", "complex128"})


@dataclass(frozen=True, slots=True)
class Value:
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


@dataclass(frozen=True, slots=True)
class Call:
    """How a signature of a model is called.

    Attributes:
        shell: lines for a shell.
        python: lines of a Python program.
        rest_path: where TensorFlow Serving takes the request.
        rest: its body, or None if it can't be asked this way.
        rest_note: why not, or what to put into it; or None.
    """

    shell: tuple[str, ...]
    python: tuple[str, ...]
    rest_path: str
    rest: dict[str, Any] | None
    rest_note: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As `merge --json` shows it."""
        rest = {"path": self.rest_path, "body": self.rest, "note": self.rest_note}
        return {"shell": "\n".join(self.shell), "python": "\n".join(self.python), "rest": rest}


@dataclass(frozen=True, slots=True)
class Needs:
    """What has to be there for a model to run at all.

    Attributes:
        unsafe: it reaches ops that run only with the user's word.
        imports: modules with custom ops.
        op_libraries: shared objects with custom ops.
        python: another interpreter that has its TensorFlow; None for the running one.
    """

    unsafe: bool = False
    imports: tuple[str, ...] = ()
    op_libraries: tuple[str, ...] = ()
    python: str | None = None

    def words(self) -> list[str]:
        """Flags of `workbench run`."""
        found = ["--allow-unsafe"] if self.unsafe else []
        for flag, values in (("--import", self.imports), ("--op-library", self.op_libraries)):
            for value in values:
                found += [flag, value]
        return [*found, *(["--python", self.python] if self.python else [])]

    def keywords(self) -> str:
        """Arguments of `workbench.run`."""
        given = {
            "allow_unsafe": self.unsafe,
            "imports": list(self.imports),
            "op_libraries": list(self.op_libraries),
            "python": self.python,
        }
        return "".join(f", {name}={value!r}" for name, value in given.items() if value)


_NONE = Needs()


def how_to_call(
    path: Path,
    meta: MetaGraph,
    signature: Signature,
    sample: Sample | None = None,
    picture: str | None = None,
    *,
    loads: bool = True,
    needs: Needs = _NONE,
) -> Call:
    """The call of a signature.

    Args:
        path: where the model is.
        meta: its MetaGraph.
        signature: what is called.
        sample: values by slot it is known to run on, or None.
        picture: an image file that is there, or None.
        loads: whether `tf.saved_model.load` loads it; if not, `workbench.run` calls it.
        needs: what has to be there for it.
    """
    slots = input_slots(meta, signature)
    kinds = {} if sample is not None else string_kinds(meta, signature)
    values = {
        name: _value(
            slot,
            (sample or {}).get(name),
            kinds.get(name),
            picture or "image.png",
            signature.inputs[slot.key].shape,
        )
        for name, slot in slots.items()
    }
    name = path.parent.name if path.name.isdecimal() else path.name
    body, note = _rest(signature, slots, values)
    return Call(
        tuple(_shell(path, signature, values, needs)),
        tuple(
            _python(path, signature, values, needs)
            if loads and _loadable(signature)
            else _python_run(path, signature, values, needs)
        ),
        f"/v1/models/{name}:predict",
        body,
        note,
    )


def command(words: Sequence[str]) -> list[str]:
    """A command as lines that a shell takes as they stand: a long one goes on after a backslash."""
    whole = shlex.join(words)
    if len(whole) <= WIDTH:
        return [whole]
    groups: list[str] = []
    for word in words:
        quoted = shlex.quote(word)
        last = groups[-1] if groups else ""
        value_of_flag = last.startswith("-") and " " not in last
        if value_of_flag or (
            len(groups) == 1 and len(last) + len(quoted) < WIDTH and not word.startswith("-")
        ):
            groups[-1] = f"{last} {quoted}"
        else:
            groups.append(quoted)
    lines = [groups[0]]
    for group in groups[1:]:
        if len(lines[-1]) + len(group) + 3 <= WIDTH:
            lines[-1] += f" {group}"
        else:
            lines[-1] += " \\"
            lines.append(f"  {group}")
    return lines


# -- values


def _value(slot: Slot, array: Any, kind: str | None, picture: str, declared: Shape) -> Value:
    """An example of one slot: of `array` if there is one, else made up; `declared` is the shape of its key."""
    shape = _sizes(slot) if array is None else [int(size) for size in array.shape]
    if slot.is_string:
        return _string(slot, shape, array, kind, picture)
    dtype = dtypes.name(slot.dtype) if slot.dtype else "float32"
    total = _product(shape)
    part = slot.name[len(slot.key) + 1 :]
    if array is None and part and part not in ("indices", "values", "0"):
        if part == "dense_shape":
            sizes = [size or 1 for size in declared or [None] * total]
            return _number(sizes, [len(sizes)], dtype)
        return _number([0, 1], [2], dtype)  # the splits of a ragged value of one element
    if total > _SMALL:
        kept = dtype if dtype in _NATIVE or dtype.lstrip("u").startswith("int") else "float32"
        zeros = f"numpy.zeros({shape}, '{kept}')"
        if total > _WRITTEN_OUT:  # one "…" stands for all of a row
            rest = _nest(["…"], [min(shape[0], _ROWS), *([1] * (len(shape) - 1))])
        else:
            rest = _nest([_zero(dtype)], shape)
        return Value(
            f"@{_file(slot)}.npy",
            f"tf.zeros({shape}, tf.{dtype})",
            zeros,
            rest,
            _program(f"import numpy; numpy.save('{_file(slot)}.npy', {zeros})"),
            ("numpy",),
        )
    flat: list[Any] = (
        [_zero(dtype)] * total if array is None else [_rounded(x) for x in array.ravel().tolist()]
    )
    if dtype.startswith("complex"):
        nested = _nest([complex(item) for item in flat], shape)
        write = f"import numpy; numpy.save('{_file(slot)}.npy', numpy.array({nested!r}, '{dtype}'))"
        text = f"tf.constant({nested!r}, tf.{dtype})"
        return Value(f"@{_file(slot)}.npy", text, repr(nested), "…", _program(write))
    return _number(flat, shape, dtype)


def _number(flat: list[Any], shape: list[int], dtype: str) -> Value:
    """A few numbers, written out."""
    nested = _nest(flat, shape)
    python = f"tf.constant({nested!r}, tf.{dtype}" + (")" if _product(shape) else f", {shape})")
    return Value(json.dumps(nested, separators=(",", ":")), python, repr(nested), nested)


def _string(slot: Slot, shape: list[int], array: Any, kind: str | None, picture: str) -> Value:
    """An example of a slot that takes strings."""
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
        return _binary(slot, shape, first)
    text = first.decode()
    full = f"numpy.full({shape}, {text!r})"
    return Value(
        f"@{_file(slot)}.npy",
        f"tf.fill({shape}, {text!r})",
        full,
        _nest([text], shape),
        _program(f"import numpy; numpy.save('{_file(slot)}.npy', {full})"),
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


def _binary(slot: Slot, shape: list[int], data: bytes | None) -> Value:
    """Strings that are no text, such as a serialised Example: a batch of one, from a file."""
    shape = [1] * len(shape)
    file = f"{_file(slot)}.bin"
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
            if ops & _IMAGE_OPS:
                found[key] = "base64 image" if "DecodeBase64" in ops else "image"
    return found


def _ops_behind(meta: MetaGraph, tensor: str) -> set[str]:
    from workbench import names
    from workbench.graph.adjacency import Adjacency
    from workbench.graph.functions import reachable
    from workbench.model.op_classes import CALLS

    below = Adjacency(meta.nodes).descendants([names.input_node(tensor)])
    nodes = [meta.nodes[name] for name in below]
    calls = [node for node in nodes if node.op in CALLS]
    functions = reachable(meta.graph, calls)
    bodies = [node.op for name in functions for node in meta.functions[name].node_def]
    return {node.op for node in nodes} | set(bodies)


def _sizes(slot: Slot) -> list[int]:
    """A full shape: 1 for every size that is free."""
    return [1 if size is None else size for size in slot.likely or ()]


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


def _file(slot: Slot) -> str:
    return "".join(char if char.isascii() and char.isalnum() else "_" for char in slot.name)[:40]


# -- the three languages


def _shell(path: Path, signature: Signature, values: Mapping[str, Value], needs: Needs) -> list[str]:
    words = ["workbench", "run", str(path)]
    if signature.key != DEFAULT:
        words += ["--signature", signature.key]
    for name, value in values.items():
        words += ["--input", f"{name}={value.shell}"]
    words += needs.words()
    return [*(value.setup for value in values.values() if value.setup), *command(words)]


def _python(path: Path, signature: Signature, values: Mapping[str, Value], needs: Needs) -> list[str]:
    modules = {module for value in values.values() for module in value.modules} - {"numpy"}
    lines = [f"import {module}" for module in sorted(modules)]
    lines.append("import tensorflow as tf")
    lines += [f"import {module}  # its custom ops" for module in needs.imports]
    lines += [f"tf.load_op_library({library!r})" for library in needs.op_libraries]
    lines += [f"model = tf.saved_model.load({str(path)!r})"]
    arguments, odd = [], []
    for port in signature.inputs.values():
        for name, text in _python_arguments(port, values):
            if name.isidentifier() and not keyword.iskeyword(name):
                arguments.append(f"{name}={text}")
            else:
                odd.append(f"{name!r}: {text}")
    if odd:
        arguments.append(f"**{{{', '.join(odd)}}}")
    call = f"model.signatures[{signature.key!r}]"
    if len(call) + len(", ".join(arguments)) + 9 <= WIDTH:
        return [*lines, f"print({call}({', '.join(arguments)}))"]
    return [
        *lines,
        f"outputs = {call}(",
        *(f"    {argument}," for argument in arguments),
        ")",
        "print(outputs)",
    ]


def _python_run(path: Path, signature: Signature, values: Mapping[str, Value], needs: Needs) -> list[str]:
    """The same for a model that only a v1 Session runs."""
    modules = {module for value in values.values() for module in value.modules} | {"workbench"}
    lines = [f"import {module}" for module in sorted(modules)]
    lines += ["inputs = {", *(f"    {name!r}: {value.plain}," for name, value in values.items()), "}"]
    key = "" if signature.key == DEFAULT else f", {signature.key!r}"
    return [*lines, f"print(workbench.run({str(path)!r}, inputs{key}{needs.keywords()}))"]


def _python_arguments(port: Port, values: Mapping[str, Value]) -> list[tuple[str, str]]:
    """Keyword arguments of an input: the loader takes the parts of a composite one by one."""
    slots = slot_names(port)
    if port.kind == "dense":
        return [(port.key, values[slots[0]].python)]
    parts = SPARSE_PARTS if port.kind == "sparse" else [f"component_{at}" for at in range(len(slots))]
    return [(f"{port.key}_{part}", values[slot].python) for part, slot in zip(parts, slots, strict=True)]


def _loadable(signature: Signature) -> bool:
    """Whether keys stay apart when `tf.saved_model.load` makes them names of parameters."""
    names = {"".join(char if char.isalnum() else "_" for char in key) for key in signature.inputs}
    return len(names) == len(signature.inputs)


def _rest(
    signature: Signature, slots: Mapping[str, Slot], values: Mapping[str, Value]
) -> tuple[dict[str, Any] | None, str | None]:
    """TensorFlow Serving's REST request: its body or None, and a note.

    `instances` sends a batch, so it fits only where every input has a first dimension of free size; all else takes
    `inputs`, the columns as they are.
    """
    if any(port.kind != "dense" for port in signature.inputs.values()):
        return None, "The REST API of TensorFlow Serving has no sparse or ragged inputs; use gRPC."
    if any(dtypes.name(slot.dtype).startswith("complex") for slot in slots.values() if slot.dtype):
        return None, "The REST API of TensorFlow Serving has no complex numbers; use gRPC."
    head: dict[str, Any] = {} if signature.key == DEFAULT else {"signature_name": signature.key}
    columns = {key: value.rest for key, value in values.items()}
    single = len(columns) == 1
    free = all(slot.shape and slot.shape[0] is None for slot in slots.values())
    counts = {len(value) for value in columns.values() if isinstance(value, list)}
    if columns and free and len(counts) == 1 and 0 not in counts:
        rows = [{key: value[at] for key, value in columns.items()} for at in range(counts.pop())]
        return {**head, "instances": [next(iter(row.values())) for row in rows] if single else rows}, None
    return {**head, "inputs": next(iter(columns.values())) if single else columns}, None
