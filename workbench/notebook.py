"""What objects show of themselves in a notebook: a base class, and who writes the HTML.

The classes that can be shown are in rooms far below pictures and explanations. They know only that there is somebody
who writes HTML; the package, above all rooms, says who that is.
"""

from __future__ import annotations

from collections.abc import Callable

Writer = Callable[[object], str | None]
_writers: list[Writer] = []


def set_writer(writer: Writer) -> None:
    """Set what returns the HTML of an object, or None for one that has none."""
    _writers[:] = [writer]


class Shown:
    """The base of what shows itself in a notebook, as HTML that needs nothing else and has every name escaped."""

    __slots__ = ()

    def _repr_html_(self) -> str | None:
        return _writers[0](self) if _writers else None
