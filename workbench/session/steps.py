"""Steps other than wires: the operations to choose from, the form of each.

Everything comes from the registry of operations: none is named here but the one that wires are made of.
"""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.errors import UsageError
from workbench.names import count
from workbench.surgery.operations.connect import Connect
from workbench.surgery.step import (
    Step,
    described,
    is_required,
    kind_of,
    operation,
    operation_names,
    parse_field,
)
from workbench.surgery.values import Flag, from_text


@dataclass(frozen=True, slots=True)
class FormField:
    """A line of a form.

    Attributes:
        name: of the operation's field.
        help: one line.
        metavar: represents its value in a help.
        required: whether it has no default.
        flag: whether it is a checkbox; else it is a line of text.
        ticked: whether the checkbox is ticked at first.
        several: whether it takes several values.
    """

    name: str
    help: str
    metavar: str
    required: bool
    flag: bool
    ticked: bool
    several: bool


@dataclass(frozen=True, slots=True)
class Filled:
    """What a filled form means.

    Attributes:
        step: the operation; None if a field is wrong.
        problems: what is wrong, by the name of the field; "" is for all of them together.
    """

    step: Step | None
    problems: Mapping[str, str]


def choices() -> list[tuple[str, str]]:
    """Return name and one-line help of each operation that does not connect models."""
    return [(name, described(name)[0]) for name in operation_names() if name != Connect.NAME]


def form_fields(name: str) -> tuple[FormField, ...]:
    """Return the lines of the form of an operation."""
    return tuple(
        FormField(
            name=field.name,
            help=str(field.metadata["help"]),
            metavar=str(field.metadata["metavar"]),
            required=is_required(field),
            flag=isinstance(kind_of(field), Flag),
            ticked=field.default is True,
            several=kind_of(field).several,
        )
        for field in dataclasses.fields(_class(name))
    )


def fill(name: str, typed: Mapping[str, str | bool]) -> Filled:
    """Return the operation that a filled form means, or what is wrong with its fields.

    A line is read as `--step` reads what stands behind `field=`. Where a field takes several values, they are
    separated by spaces, quoted as in a POSIX shell, or one JSON value.

    Args:
        name: of the operation.
        typed: lines and ticks by field; an empty line is the default.
    """
    cls = _class(name)
    found: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for field in dataclasses.fields(cls):
        try:
            found[field.name] = parse_field(name, field, _words(field, typed.get(field.name, "")))
        except UsageError as error:
            problems[field.name] = error.message
    if problems:
        return Filled(None, problems)
    try:
        return Filled(cls(**found), {})
    except UsageError as error:
        return Filled(None, {"": error.message})


def _class(name: str) -> type[Step]:
    cls = operation(name)
    assert cls is not None, name
    return cls


def _words(field: dataclasses.Field[Any], typed: str | bool) -> list[str]:
    """Return the words that are given for a field.

    Raises:
        UsageError: a quotation is not closed.
    """
    if isinstance(typed, bool):
        return [str(typed).lower()]
    text = typed.strip()
    if not text:
        return []
    if not kind_of(field).several or isinstance(from_text(text), (list, dict)):
        return [text]
    try:
        return shlex.split(text)
    except ValueError:
        raise UsageError(f"The field {field.name!r} can't be read: a quotation is not closed.") from None


def counted(wires: int, steps: int) -> str:
    """Return how many wires and other steps a plan has: `1 wire and 2 steps`.

    What it has none of is left out.
    """
    found = [count(number, noun) for number, noun in ((wires, "wire"), (steps, "step")) if number]
    return " and ".join(found)
