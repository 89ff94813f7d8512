"""The page of changed signatures: each as it was before and as it is after."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from workbench.cli.output import DTYPE, NAME, TEXT, Output
from workbench.disk import dtypes
from workbench.model import shapes
from workbench.names import show

if TYPE_CHECKING:
    from workbench.model import MetaGraph, Port
    from workbench.surgery.draft import Draft


def signature_page(draft: Draft, out: Output) -> tuple[Callable[[], None], dict[str, Any]]:
    """Return what writes the changed signatures of a draft, and all of them as data.

    Args:
        draft: the changed model.
        out: where they are written.
    """
    before, after = draft.source.meta, draft.meta
    changed = [key for key in after.signatures if _data(after, key) != _data(before, key)]
    gone = [key for key in before.signatures if key not in after.signatures]

    def page() -> None:
        for word, meta, keys in (("Before", before, [*gone, *changed]), ("After", after, changed)):
            for key in keys:
                if key in meta.signatures:
                    found = meta.signatures[key]
                    out.heading(f"{word}: {show(key)}", show(found.method_name))
                    rows = _rows(found.inputs.values(), found.outputs.values())
                    out.table(rows, [TEXT, NAME, DTYPE, NAME])
                    out.line()

    return page, {"signatures": {key: _data(after, key) for key in after.signatures}}


def _data(meta: MetaGraph, key: str) -> dict[str, Any] | None:
    """Return a signature as JSON."""
    if key not in meta.signatures:
        return None
    found = meta.signatures[key]
    return {
        "method_name": found.method_name,
        **{
            side: {
                name: {
                    "tensor": port.tensor,
                    "dtype": dtypes.name(port.dtype),
                    "shape": shapes.as_json(port.shape),
                }
                for name, port in ports.items()
            }
            for side, ports in (("inputs", found.inputs), ("outputs", found.outputs))
        },
    }


def _rows(inputs: Iterable[Port], outputs: Iterable[Port]) -> list[tuple[str, str, str, str]]:
    return [
        (
            word,
            show(port.key),
            shapes.typed(port.dtype, port.shape),
            show(port.tensor),
        )
        for word, ports in (("in", inputs), ("out", outputs))
        for port in ports
    ]
