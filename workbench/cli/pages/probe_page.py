"""The page of a probe: each tensor with its range, histogram, first values, iterations and difference."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workbench.cli.output import DIM, DTYPE, NAME, TEXT, Column, Output
from workbench.describe.values import text_of
from workbench.model.shapes import text as shape_text
from workbench.names import CALL_SEPARATOR, count, show
from workbench.picture.render.blocks import Cell, half_blocks, histogram, shades

if TYPE_CHECKING:
    from workbench.picture.values import Image
    from workbench.probing.probe import Probe
    from workbench.probing.probed_tensor import Difference, ProbedTensor, Summary
    from workbench.probing.wires import ProbedWires

_ITERATIONS = 8  # listed, where there are more
_NAME_LENGTH = 300
_VALUE_LENGTH = 40
_LABEL = Column(style="dim", align="right")


def write_probe(found: Probe, out: Output, *, pictures: bool) -> None:
    """Write all tensors of a probe.

    Args:
        found: the probe.
        out: where it is written.
        pictures: whether to draw channels of features too, and pictures where stdout is no terminal.
    """
    for name, note in found.made.items():
        out.line(f"{show(name)} was made: {note}", style="dim")
    for note in found.notes:
        out.line(note, style="dim")
    if found.other_inputs:
        _write_first_difference(found, out)
    path: tuple[str, ...] = ()
    for one in found.tensors:
        if one.path != path:
            path = one.path
            inside = show(CALL_SEPARATOR.join(path), _NAME_LENGTH)
            out.line(f"in {inside}" if path else "in the main graph", style="dim")
        write_tensor(one, out, pictures=pictures, indent=2 if path else 0)


def write_wires(found: ProbedWires, out: Output, *, pictures: bool) -> None:
    """Write what each wire of a merged model carries, and what its source gives alone."""
    for name, note in found.made.items():
        out.line(f"{show(name)} was made: {note}", style="dim")
    for wire in found.wires:
        out.line(show(wire.wire, _NAME_LENGTH), style="bold")
        out.line(f"{show(wire.given.address, _NAME_LENGTH)}, the source alone:", indent=2)
        _write_end(wire.given, out, pictures)
        if wire.is_adapted:
            out.line("after the adapters, by their reference:", indent=2)
            _write_end(wire.expected, out, pictures)
        out.line(f"{show(wire.arrived.address, _NAME_LENGTH)} in the merged model:", indent=2)
        _write_end(wire.arrived, out, pictures)
        equal = wire.difference.is_equal
        told = difference_text(wire.difference) or "Both are equal."
        out.line(told, indent=2, style="" if equal else "yellow")


def _write_end(one: ProbedTensor, out: Output, pictures: bool) -> None:
    """Write one end of a wire: dtype and shape, and what is known of the value."""
    kind = one.dtype if one.shape is None else f"{one.dtype} {shape_text(one.shape)}"
    out.line("   ".join([kind, *range_facts(one)]).strip(), indent=4)
    for text in (first_values(one), one.note):
        if text:
            out.line(text, style="dim", indent=4)
    for image in one.images:
        if pictures or out.terminal:
            _write_image(image, out, 4)


def _write_first_difference(found: Probe, out: Output) -> None:
    first = found.first_difference()
    if first is None:
        out.line("No difference behind the inputs: all tensors are equal on both runs.")
    else:
        out.line(f"First difference behind the inputs: {show(first.address, _NAME_LENGTH)}")


def write_tensor(one: ProbedTensor, out: Output, *, pictures: bool, indent: int = 0) -> None:
    """Write a tensor: name, dtype, shape and op; what is known of its value."""
    name = one.address.split(CALL_SEPARATOR)[-1] if indent else one.address
    kind = one.dtype if one.shape is None else f"{one.dtype} {shape_text(one.shape)}"
    out.table([(show(name, _NAME_LENGTH), kind, show(one.op))], [NAME, DTYPE, TEXT], indent=indent)
    if one.difference is not None:
        _write_two(one, one.difference, out, indent + 2)
    elif one.has_value:
        _write_value(one, out, indent + 2)
    if one.note:
        out.line(one.note, style="dim", indent=indent + 2)
    for image in one.images:
        is_part = image.caption.startswith("channel")
        if pictures or (out.terminal and not is_part):
            _write_image(image, out, indent + 2)


def _write_value(one: ProbedTensor, out: Output, indent: int) -> None:
    facts = [count(one.runs, "iteration")] if one.runs > 1 else []
    facts += range_facts(one)
    if facts:
        out.line("   ".join(facts), indent=indent)
    values = first_values(one)
    if values and not one.iterations:
        out.line(values, indent=indent, style="dim")
    rows = [
        (_index(each.index), ", ".join(range_facts(each)[:1]), first_values(each))
        for each in one.iterations[:_ITERATIONS]
    ]
    out.table(rows, [_LABEL, TEXT, DIM], indent=indent)
    left = len(one.iterations) - _ITERATIONS
    if left > 0:
        out.line(f"… {count(left, 'more iteration')}: use --json or --npz FILE", style="dim", indent=indent)


def _write_two(one: ProbedTensor, difference: Difference, out: Output, indent: int) -> None:
    """Write both values of a tensor, and how far they differ."""
    rows = []
    for label, each in (("first", one), ("second", one.other)):
        if each is not None and each.has_value:
            rows.append((label, "   ".join(range_facts(each)), first_values(each)))
    if difference.is_equal and rows:
        rows = [("both", *rows[0][1:])]
    out.table(rows, [_LABEL, TEXT, DIM], indent=indent)
    told = difference_text(difference)
    if told:
        out.line(told, indent=indent, style="" if difference.is_equal else "yellow")


def difference_text(found: Difference) -> str:
    """Return how far two values differ in words; empty where they are equal and all was compared."""
    if found.shapes is not None:
        return f"The shapes differ: {shape_text(found.shapes[0])} and {shape_text(found.shapes[1])}."
    if not found.differing:
        return found.note
    told = f"{found.differing:,} of {count(found.size, 'element')} differ"
    if found.differing == 1:
        told = told.replace("differ", "differs")
    if found.largest is not None:
        told += f", by at most {found.largest:.4g}"
    if found.at is not None and found.values is not None:
        place = _index(found.at) if found.at else ""
        at = f" at {place}" if place else ""
        at += f" in iteration {_index(found.iteration)}" if found.iteration else ""
        told += f"{at}: {_value(found.values[0])} and {_value(found.values[1])}"
    return f"{told}. {found.note}".rstrip()


def range_facts(one: Summary) -> list[str]:
    """Return range, mean, odd values and histogram as texts; of few numbers only what the first values don't say."""
    facts = []
    listed = one.size <= len(one.first)
    if one.least is not None and one.most is not None and one.size > 1:
        mean = "" if one.mean is None or one.least == one.most else f", mean {one.mean:.4g}"
        span = f"all {one.least:.4g}" if one.least == one.most else f"{one.least:.4g} to {one.most:.4g}"
        facts.append(span + mean if one.dtype != "bool" or one.mean is None else f"{one.mean:.0%} true")
    if one.is_odd:
        facts.append(f"{one.nans:,} NaN, {one.infinities:,} infinite")
    if one.histogram and not listed and one.dtype != "bool":
        facts.append(histogram(one.histogram))
    return facts


def first_values(one: Summary) -> str:
    """Return the first values as text, with a sign where there are more."""
    values = ", ".join(_value(value) for value in one.first)
    return f"{values} …" if one.size > len(one.first) else values


def _value(value: Any) -> str:
    if isinstance(value, bytes):
        text = text_of(value)
        return text if len(text) <= _VALUE_LENGTH else f"{text[:_VALUE_LENGTH]}… ({len(value):,} bytes)"
    if isinstance(value, float):
        return {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}.get(str(value)) or f"{value:.6g}"
    return show(str(value), _VALUE_LENGTH)


def _index(index: Sequence[int]) -> str:
    return f"[{','.join(map(str, index))}]"


# -- pictures


def _write_image(image: Image, out: Output, indent: int) -> None:
    if image.caption:
        out.line(image.caption, style="dim", indent=indent)
    lead = (" " * indent, "")
    if out.terminal and "NO_COLOR" not in os.environ:
        for row in half_blocks(image, (out.width or 80) - indent):
            out.spans([lead, *((cell.text, _style(cell)) for cell in row)])
    else:
        for line in shades(image):
            out.spans([lead, (line.rstrip(), "")])


def _style(cell: Cell) -> str:
    """Return a cell's colours as a style of rich."""
    upper = f"rgb({','.join(map(str, cell.upper))})"
    return upper if cell.lower is None else f"{upper} on rgb({','.join(map(str, cell.lower))})"
