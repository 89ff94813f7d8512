"""All adapters by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from workbench.errors import DamagedFile, UsageError
from workbench.names import did_you_mean, show
from workbench.surgery.adapters import adapter as adapter_
from workbench.surgery.adapters.adapter import Adapter
from workbench.surgery.adapters.language import Call

_MODULES = ("decoding", "geometry", "channels", "numeric", "reshaping", "text", "outputs")


@cache
def adapters() -> Mapping[str, type[Adapter]]:
    """Return the adapters by name, by topic."""
    rooms = [f"workbench.surgery.adapters.steps.{module}" for module in _MODULES]
    for room in rooms:
        import_module(room)
    return dict(sorted(adapter_.KINDS.items(), key=lambda item: rooms.index(item[1].__module__)))


def make(call: Call) -> Adapter:
    """Make the adapter that is written.

    Raises:
        UsageError: there is no adapter of that name, or its arguments are wrong.
    """
    kind = adapters().get(call.name)
    if kind is None:
        raise UsageError(
            f"There is no adapter {show(call.name)!r}.",
            hint=did_you_mean(call.name, adapters(), noun="adapters"),
        )
    return adapter_.bind(kind, call)


def from_json(item: object) -> Adapter:
    """Make the adapter that stands in a recipe.

    Raises:
        DamagedFile: it is none.
    """
    if isinstance(item, dict) and isinstance(item.get("adapter"), str) and item["adapter"] in adapters():
        return adapter_.from_json(adapters()[item["adapter"]], item)
    raise DamagedFile(f"{show(repr(item))} is not an adapter: it takes `adapter` with a known name.")
