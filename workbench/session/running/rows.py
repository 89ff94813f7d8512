"""The values of a run as rows of a list: outputs, inputs, then the steps in the order in which they ran."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from workbench.names import CALL_SEPARATOR, count, show
from workbench.picture.values import TensorValue
from workbench.session.running.run import KeptRun

_OUT, _IN = "#out#", "#in#"
_MAIN = "in the main graph"
_FEW = 2  # steps from which a scope is said above them


@dataclass(frozen=True, slots=True)
class ValueRow:
    """A row.

    Attributes:
        text: the name, safe to print; of a heading, the heading.
        depth: how far it is indented.
        value: of the tensor; None for a heading.
        op: that makes it; empty for an input or output.
        answer: what an output answers, in words; empty for others.
    """

    text: str
    depth: int = 1
    value: TensorValue | None = None
    op: str = ""
    answer: str = ""


def value_rows(run: KeptRun) -> list[ValueRow]:
    """Return the rows of a run."""
    ends: dict[str, list[ValueRow]] = {_OUT: [], _IN: []}
    inner: list[TensorValue] = []
    for value in run.layer.values:
        side = next((one for one in ends if value.address.startswith(one)), None)
        if side is None:
            inner.append(value)
            continue
        key = value.address.removeprefix(side)
        answer = "; ".join(run.answers.get(key, ())) if side == _OUT else ""
        ends[side].append(ValueRow(show(key), value=value, answer=answer))
    steps = [row for calls, values in groupby(inner, _calls) for row in _body(run, calls, list(values))]
    if steps and steps[0].text == _MAIN:
        del steps[0]  # without a call above, every row is of the main graph
    found = [ValueRow("Outputs", 0), *ends[_OUT]]
    if ends[_IN]:
        found += [ValueRow("Inputs", 0), *ends[_IN]]
    if steps:
        found += [ValueRow(f"Steps  {count(len(inner), 'tensor')}, in the order they ran", 0), *steps]
    return found


def _calls(value: TensorValue) -> str:
    return value.address.rpartition(CALL_SEPARATOR)[0]


def _body(run: KeptRun, calls: str, values: list[TensorValue]) -> Iterator[ValueRow]:
    """Yield the steps that follow each other in one body, without the scope that all of them are in."""
    names = [value.address.rpartition(CALL_SEPARATOR)[2] for value in values]
    scope = _common_scope(names) if len(names) > _FEW else ""
    if calls or scope:
        place = f"in {show(calls, 200)}" if calls else "in"
        yield ValueRow(f"{place} {show(scope, 80)}/" if scope else place)
    else:
        yield ValueRow(_MAIN)
    for name, value in zip(names, values, strict=True):
        text = name[len(scope) + 1 :] if scope else name
        yield ValueRow(show(text), 1 + bool(calls or scope), value, run.ops.get(value.address, ""))


def _common_scope(names: list[str]) -> str:
    """Return the scope that all names begin with; empty if they have none in common."""
    first, last = min(names), max(names)
    pairs = zip(first, last, strict=False)
    same = next((at for at, (one, other) in enumerate(pairs) if one != other), len(first))
    return first[:same].rpartition("/")[0]


def first_odd(rows: list[ValueRow]) -> int | None:
    """Return the position of the first step with a NaN or an infinity, or None."""
    odd = [at for at, row in enumerate(rows) if row.value is not None and row.value.trouble]
    steps = [at for at in odd if (value := rows[at].value) is not None and not value.address.startswith("#")]
    return next(iter(steps or odd), None)
