"""What objects show of themselves in a notebook: a base class, and who writes the HTML.

The classes that can be shown are in rooms far below pictures and explanations. They know only that there is somebody
who writes HTML; the package says who that is, by name, so that nothing is imported before a notebook asks.
"""

from __future__ import annotations

from importlib import import_module

_writers: list[str] = []


def set_writer(module: str) -> None:
    """Set the module whose function `to_html(item)` writes the HTML of an object.

    Args:
        module: its full name; it is imported when the first object is shown.
    """
    _writers[:] = [module]


class Shown:
    """The base of what shows itself in a notebook, as HTML that needs nothing else and has every name escaped."""

    __slots__ = ()

    def _repr_html_(self) -> str | None:
        if not _writers:
            return None
        found: str | None = import_module(_writers[0]).to_html(self)
        return found
