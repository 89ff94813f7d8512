"""Wires as the session writes them."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import split_handle


def write_wire(
    handles: Sequence[str], source: tuple[str, str], target: tuple[str, str], through: str = ""
) -> Connect:
    """Return a wire in its shortest form for these (handle, endpoint) pairs.

    Args:
        handles: of the plan's models.
        source: the output.
        target: the input.
        through: the chain of adapters between them; empty for none.
    """
    texts = []
    for position, (handle, endpoint) in enumerate((source, target)):
        default = handles[position] if len(handles) == 2 else None
        bare = handle == default and split_handle(endpoint, handles)[0] is None
        texts.append(endpoint if bare else f"{handle}@{endpoint}")
    return Connect(texts[0], texts[1], through)


def split_wire(wire: Connect, handles: Sequence[str]) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return the (handle, endpoint) pairs of a wire.

    Args:
        wire: the wire.
        handles: of the plan's models.
    """
    first = handles[0] if handles else ""
    second = handles[1] if len(handles) > 1 else first
    left, source = split_handle(wire.source, handles)
    right, target = split_handle(wire.target, handles)
    return (left or first, source), (right or second, target)
