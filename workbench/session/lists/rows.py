"""Rows of a list, and those of the things that a model has: inputs, variables, assets, arguments, results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from workbench.describe.text import size
from workbench.disk import dtypes
from workbench.model import shapes
from workbench.names import show
from workbench.session.lists.spots import Spot

if TYPE_CHECKING:
    from workbench.model import Port

Kind = Literal[
    "model", "section", "signature", "input", "output", "callable", "variable", "asset", "function", "body",
    "argument", "captures", "result", "node", "scope",
]  # fmt: skip
Key = tuple[str, ...]
"""What a row is known by: its kind, then names."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        kind: what it is.
        key: what it is known by while the list changes around it.
        depth: how far it is indented.
        text: its name, safe to print.
        columns: what stands in the right columns: dtype and shape, or the op, or counts and bytes.
        open: whether it is unfolded; None if there is nothing to unfold.
        aside: what may stand after the name, quieter.
        spot: the node it is about, or None.
        ref: the view it is about (`Port`, `Signature`, `Variable`, …), or None.
        quiet: whether it is drawn quieter, as what only saving and restoring need.
    """

    kind: Kind
    key: Key
    depth: int
    text: str
    columns: tuple[str, ...] = ()
    open: bool | None = None
    aside: str = ""
    spot: Spot | None = None
    ref: Any = None
    quiet: bool = False


def port_row(signature: str, side: Literal["input", "output"], port: Port, depth: int) -> Row:
    """Return the row of an input or output of a signature."""
    columns = (dtypes.shown(port.dtype), shapes.text(port.shape))
    aside = "optional" if port.default is not None else "" if port.kind == "dense" else str(port.kind)
    return Row(
        side, ("port", signature, side, port.key), depth, show(port.key), columns, None, aside, ref=port
    )


def variable_row(variable: Any) -> Row:
    """Return the row of a variable."""
    columns = (dtypes.shown(variable.dtype), shapes.text(variable.shape), size(variable.nbytes))
    aside = show(variable.title) if variable.title and variable.title != variable.name else ""
    if variable.key is None:
        aside = "not restored"
    return Row(
        "variable", ("variable", variable.name), 1, show(variable.name), columns, None, aside,
        Spot("", variable.name), variable,
    )  # fmt: skip


def asset_row(asset: Any) -> Row:
    """Return the row of an asset."""
    nbytes = size(asset.nbytes) if asset.nbytes is not None else "missing"
    return Row(
        "asset", ("asset", asset.filename, asset.tensor), 1, show(asset.filename), (nbytes,), ref=asset
    )


def argument_row(level: str, tensor: Any, depth: int) -> Row:
    """Return the row of an argument of a function."""
    columns = (dtypes.shown(tensor.dtype), shapes.text(tensor.shape))
    key = ("argument", level, tensor.name)
    return Row("argument", key, depth, show(tensor.name), columns, None, "", Spot(level, tensor.name), tensor)


def result_row(level: str, result: tuple[str, int, str], depth: int) -> Row:
    """Return the row of a result of a function."""
    name, dtype, source = result
    spot = Spot(level, source.partition(":")[0])
    return Row(
        "result",
        ("result", level, name),
        depth,
        show(name),
        (dtypes.shown(dtype),),
        None,
        show(source),
        spot,
        source,
    )
