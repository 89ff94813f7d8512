"""Changes to protobuf messages: through their fields, as wire format with lengths that fit, and as bytes."""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import cache
from typing import Any

from google.protobuf.message import DecodeError, EncodeError

from workbench.disk import schema
from workbench.disk.serialized.wire import encode_varint

TEXTS = (
    "", "^", "^x", ":", ":0", "x:1", "a:b", "x:" + "9" * 5000, "a::b", "w:0:0", "/", "..", "../../etc/passwd",
    "/etc/passwd", "C:\\x", "a\0b", "a\nb", "\x1b[1m\x1b]0;t\x07", "[bold]x[/bold]", "\u202ex", "\u2066\u200e",
    "é\U0001f600", "x" * 300, "a/" * 400, "n" * 10_000, "serve", "serving_default", "x", "y", "PartitionedCall",
    "StatefulPartitionedCall", "VarHandleOp", "Const", "RestoreV2", "SaveV2", "Placeholder", "Unpack", "Split",
    "While", "If", "AssignVariableOp", "Identity", "8 4 0,3:0,4", "8 4 0,3:-", "-", "4,x:", "__saved_model_init_op",
    "save/restore_all", "variables", "trainable_variables", "saved_model_assets", "SparseTensorSpec", "args",
)  # fmt: skip
NUMBERS = (
    -(2**63), -(2**31), -2, -1, 0, 1, 2, 3, 7, 20, 63, 64, 100, 255, 999, 65_536, 1_000_000, 1 << 26, 2**31 - 1,
    2**32, 2**62, 2**63 - 1,
)  # fmt: skip
BYTES = (
    b"",
    b"\0",
    b"\xff\xfe",
    b"x" * 100,
    b"\x0a\x80\x80\x80\x80\x08",
    b"\x08\x01",
    b"y" * 4000,
    b"\x80" * 11,
)
FLOATS = (0.0, -1.0, float("inf"), float("nan"), 1e308)

Pool = dict[str, list[Any]]
"""Messages by the full name of their type, to put in elsewhere."""


@cache
def _is_map(field: Any) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


@cache
def _is_repeated(field: Any) -> bool:
    found = getattr(field, "is_repeated", None)
    return bool(found) if found is not None else field.label == field.LABEL_REPEATED


def gather(messages: Iterable[Any], most: int = 400) -> Pool:
    """A pool of the messages inside some messages, `most` of each type."""
    pool: Pool = {}
    todo = list(messages)
    while todo:
        message = todo.pop()
        kept = pool.setdefault(message.DESCRIPTOR.full_name, [])
        if len(kept) < most:
            kept.append(message)
        for field, value in message.ListFields():
            todo.extend(_children(field, value))
    return pool


def _children(field: Any, value: Any) -> list[Any]:
    if field.message_type is None:
        return []
    if _is_map(field):
        found = [value[key] for key in value]
        return found if found and hasattr(found[0], "ListFields") else []
    return list(value) if _is_repeated(field) else [value]


def change(message: Any, rng: random.Random, pool: Pool) -> None:
    """One change somewhere in a message, in place."""
    if rng.random() < 0.04:
        _nest(message, rng)
        return
    parent = _somewhere(message, rng)
    fields = parent.ListFields()
    known = parent.DESCRIPTOR.fields
    if known and (not fields or rng.random() < 0.2):
        field = rng.choice(known)
        _set(parent, field, rng, pool, message)
        return
    if not fields:
        return
    field, value = rng.choice(fields)
    if rng.random() < 0.12:
        parent.ClearField(field.name)
    elif _is_map(field):
        _change_map(parent, field, value, rng, pool, message)
    elif _is_repeated(field):
        _change_repeated(parent, field, value, rng, pool, message)
    else:
        _set(parent, field, rng, pool, message)


def changed(message: Any, rng: random.Random, times: int, pool: Pool) -> bytes | None:
    """The bytes of a message after some changes; None if it got nested more deeply than protobuf can go."""
    try:
        for _ in range(times):
            change(message, rng, pool)
        data = bytes(message.SerializeToString())
        type(message).FromString(data)
    except (DecodeError, EncodeError):
        return None
    return data


def _somewhere(message: Any, rng: random.Random, stop: float = 0.12) -> Any:
    """A message inside a message; no field is likelier for having more in it."""
    while rng.random() > stop:
        fields = [(field, value) for field, value in message.ListFields() if field.message_type is not None]
        if not fields:
            break
        field, value = rng.choice(fields)
        if _is_map(field):
            key = rng.choice(list(value))
            if not hasattr(value[key], "ListFields"):
                break
            message = value[key]
        else:
            message = value[rng.randrange(len(value))] if _is_repeated(field) else value
    return message


def _text(message: Any, rng: random.Random) -> str:
    """A hostile text, or one that stands elsewhere in the message: that is how cycles are made."""
    if rng.random() < 0.55:
        for _ in range(3):
            parent = _somewhere(message, rng, 0.05)
            found = [
                value
                for field, value in parent.ListFields()
                if field.type == field.TYPE_STRING and not _is_repeated(field)
            ]
            if found:
                return str(rng.choice(found))
    return rng.choice(TEXTS)


def _scalar(field: Any, rng: random.Random, message: Any) -> Any:
    kind = field.type
    if kind == field.TYPE_STRING:
        return _text(message, rng)
    if kind == field.TYPE_BYTES:
        return rng.choice(BYTES) if rng.random() < 0.6 else _text(message, rng).encode()
    if kind == field.TYPE_BOOL:
        return rng.random() < 0.5
    if kind in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return rng.choice(FLOATS)
    number = rng.choice(NUMBERS) if rng.random() < 0.6 else rng.randrange(-3, 60)
    if kind in (field.TYPE_INT32, field.TYPE_ENUM, field.TYPE_SINT32, field.TYPE_SFIXED32):
        return (number + 2**31) % 2**32 - 2**31
    if kind in (field.TYPE_UINT32, field.TYPE_FIXED32):
        return number % 2**32
    if kind in (field.TYPE_UINT64, field.TYPE_FIXED64):
        return number % 2**64
    return number


def _set(parent: Any, field: Any, rng: random.Random, pool: Pool, root: Any) -> None:
    """Gives a field a value, whether it has one or not."""
    if _is_map(field):
        _change_map(parent, field, getattr(parent, field.name), rng, pool, root)
    elif _is_repeated(field):
        _add(getattr(parent, field.name), field, rng, pool, root)
    elif field.message_type is not None:
        target = getattr(parent, field.name)
        target.SetInParent()
        kept = pool.get(field.message_type.full_name)
        if kept and rng.random() < 0.8:
            target.CopyFrom(rng.choice(kept))
    else:
        setattr(parent, field.name, _scalar(field, rng, root))


def _add(value: Any, field: Any, rng: random.Random, pool: Pool, root: Any) -> None:
    if field.message_type is None:
        value.append(_scalar(field, rng, root))
        return
    target = value.add()
    kept = pool.get(field.message_type.full_name)
    if kept and rng.random() < 0.85:
        target.CopyFrom(rng.choice(kept))


def _change_repeated(parent: Any, field: Any, value: Any, rng: random.Random, pool: Pool, root: Any) -> None:
    index = rng.randrange(len(value))
    what = rng.random()
    if what < 0.25:
        del value[index]
    elif what < 0.5:
        _add(value, field, rng, pool, root)
    elif what < 0.65 and len(value) > 1:
        other = rng.randrange(len(value))
        items = list(value)
        items[index], items[other] = items[other], items[index]
        if field.message_type is None:
            value[:] = items
        else:
            copies = [type(item).FromString(item.SerializeToString()) for item in items]
            parent.ClearField(field.name)
            value.extend(copies)
    elif what < 0.75:  # many of one
        copy = value[index]
        times = rng.choice((2, 10, 100, 500))
        size = copy.ByteSize() if field.message_type is not None else len(str(copy))
        value.extend([copy] * min(times, 40_000 // (size + 2) + 1))
    elif field.message_type is None:
        value[index] = _scalar(field, rng, root)
    else:
        kept = pool.get(field.message_type.full_name)
        if kept:
            value[index].CopyFrom(rng.choice(kept))


def _change_map(parent: Any, field: Any, value: Any, rng: random.Random, pool: Pool, root: Any) -> None:
    key_field = field.message_type.fields_by_name["key"]
    value_field = field.message_type.fields_by_name["value"]
    keys = list(value)
    if keys and rng.random() < 0.3:
        del value[rng.choice(keys)]
        return
    new = _scalar(key_field, rng, root)
    if value_field.message_type is None:
        value[new] = _scalar(value_field, rng, root)
        return
    kept = pool.get(value_field.message_type.full_name)
    if keys and rng.random() < 0.5:
        copy = type(value[keys[0]])()
        copy.CopyFrom(value[rng.choice(keys)])
        value[new].CopyFrom(copy)
    elif kept:
        value[rng.choice(keys) if keys and rng.random() < 0.5 else new].CopyFrom(rng.choice(kept))


def _nest(message: Any, rng: random.Random) -> None:
    """Something that can hold itself does, many times."""
    depth = rng.choice((5, 30, 33, 45, 90))
    parent = message
    for _ in range(30):
        parent = _somewhere(message, rng)
        name = parent.DESCRIPTOR.name
        if name == "StructuredValue":
            copy = type(parent)()
            copy.CopyFrom(parent)
            for _ in range(depth):
                outer = type(parent)()
                kind = rng.randrange(4)
                if kind == 0:
                    outer.list_value.values.add().CopyFrom(copy)
                elif kind == 1:
                    outer.tuple_value.values.add().CopyFrom(copy)
                elif kind == 2:
                    outer.dict_value.fields["k"].CopyFrom(copy)
                else:
                    outer.type_spec_value.type_state.CopyFrom(copy)
                copy = outer
            parent.CopyFrom(copy)
            return
        if name == "AttrValue":
            copy = type(parent)()
            copy.CopyFrom(parent)
            for _ in range(depth):
                outer = type(parent)()
                outer.func.name = "f"
                outer.func.attr["f"].CopyFrom(copy)
                copy = outer
            parent.CopyFrom(copy)
            return


def change_wire(data: bytes, rng: random.Random, depth: int = 0) -> bytes:
    """One change of a serialised message, the lengths around it put right; other bytes are changed as bytes."""
    fields = _fields(data)
    if not fields:
        return change_bytes(data, rng)
    index = rng.randrange(len(fields))
    start, body, end, kind = fields[index]
    if kind == 2 and depth < 12 and rng.random() < 0.8:
        inner = change_wire(data[body:end], rng, depth + 1)
        tag = data[start : _varint_end(data, start)]
        return data[:start] + tag + encode_varint(len(inner)) + inner + data[end:]
    field = data[start:end]
    what = rng.randrange(9)
    if what == 0:
        return data[:start] + data[end:]
    if what == 1:
        return data[:end] + field * rng.choice((1, 2, 50)) + data[end:]
    if what == 2:  # another field number, known or not
        return (
            data[:start]
            + encode_varint(rng.choice((1, 2, 3, 4, 5, 15, 99, 2**28)) << 3 | kind)
            + data[_varint_end(data, start) :]
        )
    if what == 3:  # an unknown field
        return (
            data[:start]
            + encode_varint(rng.choice((1, 3, 9, 500)) << 3)
            + encode_varint(rng.choice(NUMBERS) % 2**64)
            + data[start:]
        )
    if what == 4:
        return data[:start] + b"\x0b" * rng.choice((1, 30, 101)) + data[start:]
    if what == 5:  # itself in itself
        inner = data
        for _ in range(rng.choice((2, 20, 99, 101, 300))):
            inner = data[start : _varint_end(data, start)] + encode_varint(len(inner)) + inner
            if len(inner) > 60_000:
                break
        return inner
    if what == 6:
        other = rng.choice(fields)
        return data[:start] + data[other[0] : other[2]] + data[end:]
    if what == 7 and kind == 0:
        return data[:body] + encode_varint(rng.choice(NUMBERS) % 2**64) + data[end:]
    return data[:body] + change_bytes(data[body:end], rng) + data[end:]


def _fields(data: bytes) -> list[tuple[int, int, int, int]]:
    """(start, start of the content, end, wire type) of each field; empty if the bytes are no message."""
    found = []
    at = 0
    while at < len(data):
        body = _varint_end(data, at)
        kind = data[at] & 7
        if kind == 0:
            end = _varint_end(data, body)
        elif kind == 2:
            size, shift, place = 0, 0, body
            stop = _varint_end(data, body)
            while place < stop:
                size |= (data[place] & 127) << shift
                shift += 7
                place += 1
            body, end = stop, stop + size
        elif kind in (1, 5):
            end = body + (8 if kind == 1 else 4)
        else:
            return []
        if end > len(data) or end <= at or data[at] < 8:
            return []
        found.append((at, body, end, kind))
        at = end
    return found


def _varint_end(data: bytes, at: int) -> int:
    while at < len(data) and data[at] >= 128:
        at += 1
    return min(at + 1, len(data))


def change_bytes(data: bytes, rng: random.Random) -> bytes:
    """One change of plain bytes."""
    what = rng.randrange(7)
    at = rng.randrange(len(data) + 1)
    to = min(len(data), at + rng.choice((1, 1, 2, 8, 100)))
    if what == 0 and data:
        changed = bytearray(data)
        changed[min(at, len(data) - 1)] ^= 1 << rng.randrange(8)
        return bytes(changed)
    if what == 1:
        return data[:at]
    if what == 2:
        return data[:at] + rng.randbytes(to - at) + data[to:]
    if what == 3:
        return data[:at] + rng.choice(BYTES) + data[at:]
    if what == 4:
        return data[:at] + data[to:]
    if what == 5:
        return data[:at] + data[at:to] * rng.choice((2, 10)) + data[to:]
    return data[:at] + encode_varint(rng.choice(NUMBERS) % 2**64) + data[at:]


def change_text(data: bytes, rng: random.Random) -> bytes:
    """One change of a text in text format."""
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    what = rng.randrange(8)
    if what == 0:
        del lines[at]
    elif what == 1:
        lines[at:at] = [rng.choice(_LINES)]
    elif what == 2:
        lines[at:at] = [rng.choice(lines)] * rng.choice((1, 2, 100))
    elif what == 3:
        to = at + rng.randrange(20)
        where = rng.randrange(len(lines))
        lines[where:where] = lines[at:to]
    elif what == 4:
        head, colon, _ = lines[at].partition(b":")
        lines[at] = head + colon + b" " + rng.choice(_VALUES)
    elif what == 5:
        word = lines[at].split(b" ")
        word[rng.randrange(len(word))] = rng.choice(_VALUES)
        lines[at] = b" ".join(word)
    elif what == 6:
        lines = [b" ".join(lines)]
    else:
        lines[at] = change_bytes(lines[at], rng)
    return b"\n".join(lines)


_LINES = (
    b"}", b"{", b"node {", b"node < name: 'x' op: 'NoOp' >", b"attr { key: 'a' value { func { attr {" * 50,
    b"{" * 2000, b"# " + b"c" * 3000, b"[type.googleapis.com/tensorflow.AssetFileDef] { filename: 'x' }",
    b"[type.googleapis.com/nothing.At.All] { }", b"unknown_field: 1", b"name: 'a' 'b' 'c'", b"\xff\xfe", b"\0",
    b"saved_model_schema_version: 99999999999999999999999", b"tags: ['a', 'b']", b"tags: [", b";,;", b"a" * 5000,
    b"meta_graphs { " * 300, b"size: 0x7fffffffffffffff", b"name: \"\\377\\0\\x1b\"", b"name: \"\\u202e\"",
    b"name: \"open",
)  # fmt: skip
_VALUES = (
    b"''", b"\"\\377\"", b"\"\\n\\033[1m\"", b"-1", b"1e400", b"nan", b"inf", b"-inff", b"true", b"DT_FLOAT", b"999999",
    b"9" * 5000, b"0x" + b"f" * 40, b"07777", b"{", b"<", b"[1, 2]", b"\"" + b"n" * 10_000 + b"\"", b"'\\", b"$", b"..",
    b"-9223372036854775808", b"18446744073709551615",
)  # fmt: skip


def parsed(kind: str, data: bytes) -> Any:
    """A message of package `tensorflow`, or None if the bytes are none."""
    try:
        return getattr(schema, kind).FromString(data)
    except DecodeError:
        return None
