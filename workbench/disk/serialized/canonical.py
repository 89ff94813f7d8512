"""Messages serialised as C++ does it deterministically: maps sorted by key.

Python's upb has an order of its own, in which numbers go down and `Tidx` comes before `T`. Hashes that TensorFlow made
are of what C++ writes. Nothing but the order of entries differs, so that every length stays what it is.
"""

from __future__ import annotations

from typing import Any

from workbench.disk.serialized import wire
from workbench.errors import DamagedFile

_CACHED = 4096  # equal small messages (the attrs of two nodes of one op) are sorted once
_STRING = 9  # FieldDescriptor.TYPE_STRING


class _Plan:
    """The maps of a message type: its submessages and maps by field number."""

    __slots__ = ("maps", "messages")

    def __init__(self) -> None:
        self.messages: dict[int, _Plan] = {}
        self.maps: dict[int, tuple[bool, _Plan | None]] = {}  # whether the key is text; plan of the value


_plans: dict[str, _Plan] = {}


def canonical(data: bytes, descriptor: Any) -> bytes:
    """Return a message with the entries of every map sorted by key.

    Bytes that can't be parsed as such a message are returned unchanged.

    Args:
        data: a serialised message.
        descriptor: of its type.
    """
    plan = _plan(descriptor)
    try:
        return _sorted(data, plan, {})
    except DamagedFile:
        return data


def _plan(descriptor: Any) -> _Plan:
    known = _plans.get(descriptor.full_name)
    if known is not None:
        return known
    plan = _plans[descriptor.full_name] = _Plan()
    for field in descriptor.fields:
        inner = field.message_type
        if inner is None:
            continue
        if inner.GetOptions().map_entry:
            key, value = inner.fields_by_number[1], inner.fields_by_number[2]
            below = None if value.message_type is None else _plan(value.message_type)
            plan.maps[field.number] = (key.type == _STRING, below)
        else:
            plan.messages[field.number] = _plan(inner)
    return plan


def _sorted(data: bytes, plan: _Plan, cache: dict[tuple[int, bytes], bytes]) -> bytes:
    if not (plan.maps or plan.messages) or not data:
        return data
    key = (id(plan), data)
    if len(data) <= _CACHED and key in cache:
        return cache[key]
    parts: list[bytes] = []
    run: list[tuple[Any, bytes]] = []
    running = copied = 0  # the map whose entries are in `run`; up to where `data` is in `parts`
    for field in wire.fields(data):
        number = field.number
        if running and number != running:
            parts += [entry for _, entry in sorted(run)]
            run, running, copied = [], 0, field.start
        if field.kind != wire.BYTES:
            continue
        if number in plan.maps:
            if not running:
                parts.append(data[copied : field.start])
                running = number
            textual, below = plan.maps[number]
            run.append(_entry(data, field, textual, below, cache))
            copied = field.end
        elif number in plan.messages:
            parts.append(data[copied : field.body])
            parts.append(_sorted(data[field.body : field.end], plan.messages[number], cache))
            copied = field.end
    parts += [entry for _, entry in sorted(run)]
    parts.append(data[copied:])
    found = b"".join(parts)
    if len(data) <= _CACHED:
        cache[key] = found
    return found


def _entry(
    data: bytes, field: wire.Field, textual: bool, below: _Plan | None, cache: dict[tuple[int, bytes], bytes]
) -> tuple[Any, bytes]:
    """Return an entry of a map with its key: tag and length, key, value."""
    key: Any = b"" if textual else 0
    parts = [data[field.start : field.body]]
    for one in wire.fields(data, field.body, field.end):
        if one.number == 1:
            key = data[one.body : one.end] if textual else one.value
        if one.number == 2 and below is not None and one.kind == wire.BYTES:
            parts += (data[one.start : one.body], _sorted(data[one.body : one.end], below, cache))
        else:
            parts.append(data[one.start : one.end])
    return key, b"".join(parts)
