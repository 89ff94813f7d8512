"""Several checkpoints read as the one that joining them would give, without writing it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from workbench.disk.checkpoint.bundle_entries import Entry
from workbench.disk.checkpoint.bundle_read import Bundle

if TYPE_CHECKING:
    from workbench.disk.checkpoint.bundle_write import JoinPart


class JoinedBundle(Bundle):
    """A view of the tensors of several checkpoints under their keys in a join.

    Args:
        parts: the checkpoints, as `bundle_write.join` takes them.
    """

    def __init__(self, parts: Sequence[JoinPart]) -> None:
        self.parts = tuple(parts)
        self.prefix = parts[0].bundle.prefix
        self._places: dict[str, tuple[Bundle, str]] = {}
        for part in parts:
            for key in part.bundle:
                new = part.new_key(key)
                if new is not None:
                    self._places[new] = (part.bundle, key)
            for alias in part.aliases:
                if alias.extents is None:
                    self._places[alias.key] = (part.bundle, alias.of)

    @property
    def missing_shards(self) -> list[str]:
        """The names of the data files that are not there."""
        return [name for part in self.parts for name in part.bundle.missing_shards]

    @cached_property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        return sum(part.nbytes for part in self.parts)

    def keys(self) -> list[str]:
        """Return the keys, sorted."""
        return sorted(self._places)

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self._places)

    def entry(self, key: str) -> Entry:
        """Return what is said of a tensor in the checkpoint it is in."""
        bundle, own = self._places[key]
        return bundle.entry(own)

    def piece(self, key: str, start: tuple[int, ...], length: tuple[int, ...]) -> Entry | None:
        """Return a slice of a tensor in the checkpoint it is in, or None."""
        bundle, own = self._places[key]
        return bundle.piece(own, start, length)

    def raw(self, key: str) -> bytes:
        """Return the bytes of a tensor."""
        bundle, own = self._places[key]
        return bundle.raw(own)

    def strings(self, key: str) -> list[bytes]:
        """Return the elements of a tensor of strings."""
        bundle, own = self._places[key]
        return bundle.strings(own)

    def array(self, key: str) -> Any:
        """Return a tensor as an array."""
        bundle, own = self._places[key]
        return bundle.array(own)
