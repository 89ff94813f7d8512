"""The values of a run as rows of a list: outputs, inputs, then the steps in the order in which they ran."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.names import CALL_SEPARATOR, count, show
from workbench.picture.values import TensorValue
from workbench.session.running.run import KeptRun

_OUT, _IN = "#out#", "#in#"


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
    steps: list[ValueRow] = []
    place = ""
    for value in run.layer.values:
        side = next((one for one in ends if value.address.startswith(one)), None)
        if side is not None:
            key = value.address.removeprefix(side)
            answer = "; ".join(run.answers.get(key, ())) if side == _OUT else ""
            ends[side].append(ValueRow(show(key), value=value, answer=answer))
            continue
        calls, _, name = value.address.rpartition(CALL_SEPARATOR)
        if calls != place:
            place = calls
            steps.append(ValueRow(f"in {show(calls, 200)}" if calls else "in the main graph"))
        steps.append(ValueRow(show(name), 1 + bool(calls), value, run.ops.get(value.address, "")))
    found = [ValueRow("Outputs", 0), *ends[_OUT]]
    if ends[_IN]:
        found += [ValueRow("Inputs", 0), *ends[_IN]]
    if steps:
        number = sum(row.value is not None for row in steps)
        found += [ValueRow(f"Steps  {count(number, 'tensor')}, in the order they ran", 0), *steps]
    return found


def first_odd(rows: list[ValueRow]) -> int | None:
    """Return the position of the first step with a NaN or an infinity, or None."""
    odd = [at for at, row in enumerate(rows) if row.value is not None and row.value.trouble]
    steps = [at for at in odd if (value := rows[at].value) is not None and not value.address.startswith("#")]
    return next(iter(steps or odd), None)
