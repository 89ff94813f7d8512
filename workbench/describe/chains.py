"""Say what a chain of adapters does: each adapter with what it makes. Every face draws the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.names import show

if TYPE_CHECKING:
    from workbench.surgery.adapters.checked import Checked


class AdapterText(NamedTuple):
    """One adapter of a chain.

    Attributes:
        text: the adapter as written, safe to print.
        makes: dtype and shape of what it makes: `float32 [?,28,28,1]`, for each row where it works on rows.
        inserted: whether it was inserted, because it follows by necessity.
    """

    text: str
    makes: str
    inserted: bool

    @property
    def remark(self) -> str:
        """`inserted`, or an empty text."""
        return "inserted" if self.inserted else ""


def adapter_texts(chain: Checked | None) -> tuple[AdapterText, ...]:
    """Return the adapters of a chain, those inserted included; none for no chain."""
    if chain is None:
        return ()
    return tuple(
        AdapterText(
            show(str(step), 200),
            f"{step.after.main}{', each row' if step.by_row else ''}",
            step.implied,
        )
        for step in chain.steps
    )


def adapters_json(chain: Checked | None) -> list[dict[str, Any]]:
    """Return the same as data."""
    return [
        {"adapter": one.text, "makes": one.makes, "inserted": one.inserted} for one in adapter_texts(chain)
    ]
