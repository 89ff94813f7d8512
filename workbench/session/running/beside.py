"""Values of a run beside what is browsed: a row of a list, a box of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.names import count, show
from workbench.picture.values import TensorValue, ValueLayer
from workbench.session.running.run import KeptRun
from workbench.session.texts.detail import Detail, Span
from workbench.session.texts.value_detail import Drawing, add_value

if TYPE_CHECKING:
    from workbench.picture.scene.scene import Frame, Node
    from workbench.session.lists.rows import Row

_LISTED = 12
_END = {"input": "#in#", "output": "#out#"}


def values_of_row(row: Row, run: KeptRun) -> tuple[TensorValue, ...]:
    """Return the values of what a row of a list is about; none if it is no tensor of the run."""
    if row.kind in _END:
        if row.key[1] != run.name:
            return ()
        place = f"{_END[row.kind]}{row.key[-1]}"
        return tuple(one for one in run.layer.values if one.place in (place,) or _is_part(one, place))
    if row.spot is None or row.kind == "variable":
        return ()
    return run.layer.at(str(row.spot))


def add_row_value(out: Detail, row: Row, run: KeptRun, drawing: Drawing) -> None:
    """Put the values of a row behind the title of its detail, with what the model was run on."""
    values = values_of_row(row, run)
    if not values:
        return
    found = Detail(("value",), "", "")
    for value in values:
        found.add(
            Span("Value" if len(values) == 1 else f"Value of {show(_name(value), 60)}", "heading"),
            Span(f"  for {show(run.told, 80)}", "dim"),
        )
        for line in run.answers.get(_name(value), ()) if row.kind == "output" else ():
            found.add(Span(f"  {line}", "good"))
        array = (run.outputs if row.kind == "output" else run.inputs).get(_name(value))
        add_value(found, value, drawing, array if row.kind in _END else None)
    found.add("")
    out.lines[1:1] = found.lines


def add_box_values(out: Detail, item: Node | Frame, layer: ValueLayer, drawing: Drawing) -> None:
    """Add the values of a box, or of what is inside a closed one."""
    from workbench.picture.scene.scene import Frame

    own = layer.of(item)
    for value in own:
        out.add(Span("Value" if len(own) == 1 else f"Value {show(value.address, 60)}", "heading"))
        add_value(out, value, drawing)
    if own:
        out.add("")
    if own or isinstance(item, Frame):
        return
    inside = layer.inside(item)
    if inside:
        out.add(Span("Values inside", "heading"), Span(f"  {count(len(inside), 'tensor')}", "dim"))
    for value in inside[:_LISTED]:
        trouble = Span(f"  ! {value.trouble}", "bad") if value.trouble else Span(f"  {value.range}")
        out.add(
            Span(f"  {show(value.address.rpartition('/')[2], 40)}"), Span(f"  {value.type}", "dtype"), trouble
        )
    if len(inside) > _LISTED:
        out.add(Span(f"  and {len(inside) - _LISTED:,} more", "dim"))


def _name(value: TensorValue) -> str:
    return value.address.rpartition("#")[2] if value.address.startswith("#") else value.address


def _is_part(value: TensorValue, place: str) -> bool:
    """Return whether a value is a component of a sparse or ragged input or output."""
    return value.address.startswith(f"{place}.")
