"""Steps other than wires: the operations to choose from, the form of each.

Everything comes from the registry of operations: none is named here but the one that wires are made of.
"""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.errors import UsageError
from workbench.names import count
from workbench.surgery.operations.connect import Connect
from workbench.surgery.step import (
    Step,
    commands,
    is_required,
    kind_of,
    operation,
    operation_names,
    parse_field,
    summary,
)
from workbench.surgery.values import Flag, Pairs, Text, Texts, from_text

if TYPE_CHECKING:
    from workbench.session.lists.rows import Row


class FormField(NamedTuple):
    """A line of a form.

    Attributes:
        name: of the operation's field.
        help: one line.
        metavar: represents its value in a help.
        required: whether it has no default.
        flag: whether it is a checkbox; else it is a line of text.
        ticked: whether the checkbox is ticked at first.
        several: whether it takes several values, separated by spaces.
        pair: whether it takes one pair, whose value may contain spaces.
    """

    name: str
    help: str
    metavar: str
    required: bool
    flag: bool
    ticked: bool
    several: bool
    pair: bool


class Filled(NamedTuple):
    """What a filled form means.

    Attributes:
        step: the operation; None if a field is wrong.
        problems: what is wrong, by the name of the field; "" is for all of them together.
    """

    step: Step | None
    problems: Mapping[str, str]


class About(NamedTuple):
    """What a new step is about: what is under the cursor.

    Attributes:
        kind: `inputs`, `outputs` or `signatures` for a key; `tensors` for a node; empty for anything else.
        text: the key, or the tensor as a step writes it.
        signature: the signature that has the key, where it is not the chosen one; else empty.
    """

    kind: str = ""
    text: str = ""
    signature: str = ""

    @property
    def noun(self) -> str:
        """What it is, in the singular."""
        return self.kind.removesuffix("s")


def about(row: Row | None, chosen: str | None) -> About:
    """Return what a step on a row of a model is about.

    Args:
        row: the row under the cursor, or None.
        chosen: key of the chosen signature.
    """
    if row is None:
        return About()
    if row.kind in ("input", "output") and row.key[0] == "port":
        return About(f"{row.kind}s", row.key[3], "" if row.key[1] == chosen else row.key[1])
    if row.kind == "signature":
        return About("signatures", row.key[1])
    if row.kind == "node" and row.spot is not None:
        return About("tensors", f"{row.spot}:0")
    return About()


def takes(name: str, about: About) -> bool:
    """Return whether an operation has a field for what a step is about."""
    return any(_field_for(field, about) for field in dataclasses.fields(_class(name)))


def _field_for(field: dataclasses.Field[Any], about: About) -> bool:
    if about.kind == "tensors":
        return bool(field.metadata["refers"]) and not field.metadata["keys"]
    return bool(about.kind) and field.metadata["keys"] == about.kind


def beginning(name: str, about: About) -> dict[str, str | bool]:
    """Return the lines of an operation's form that follow from what the step is about.

    A key stands in the first field for such keys, with `=` behind it where a value follows.
    """
    fields = dataclasses.fields(_class(name))
    field = next((one for one in fields if _field_for(one, about)), None)
    if field is None:
        return {}
    kind = kind_of(field)
    if isinstance(kind, Pairs):
        before = "KEY=" if about.kind == "tensors" else ""
        text = f"{before}{about.text}" if before else f"{about.text}="
        typed: dict[str, str | bool] = {field.name: text if _is_long(field) else shlex.quote(text)}
    elif isinstance(kind, (Text, Texts)):
        typed = {field.name: shlex.quote(about.text) if kind.several else about.text}
    else:
        return {}
    if about.signature and any(one.name == "signature" for one in fields):
        typed["signature"] = about.signature
    return typed


def typed(step: Step) -> dict[str, str | bool]:
    """Return the lines and ticks of a form that mean a step: the inverse of `fill`."""
    found: dict[str, str | bool] = {}
    for field in dataclasses.fields(step):
        value, kind = getattr(step, field.name), kind_of(field)
        if isinstance(kind, Flag):
            found[field.name] = bool(value)
        elif is_required(field) or value != field.default:
            words = kind.print(kind.write(value))
            found[field.name] = (
                words[0] if len(words) == 1 and _is_read_whole(field, words[0]) else shlex.join(words)
            )
    return found


def _is_long(field: dataclasses.Field[Any]) -> bool:
    """Return whether the line of a field is one value, which may contain spaces."""
    return not kind_of(field).several or field.metadata["words"] == 2


def _is_read_whole(field: dataclasses.Field[Any], word: str) -> bool:
    return _is_long(field) or isinstance(from_text(word), (list, dict))


def choices(*, several: bool = True) -> list[tuple[str, str]]:
    """Return name and one-line help of each operation besides wires.

    Args:
        several: whether the plan has several models; else those between models are left out.
    """
    names = operation_names() if several else commands()
    return [(name, summary(name)) for name in names if name != Connect.NAME]


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
            several=kind_of(field).several and not _is_long(field),
            pair=kind_of(field).several and _is_long(field),
        )
        for field in dataclasses.fields(_class(name))
    )


def fill(name: str, typed: Mapping[str, str | bool]) -> Filled:
    """Return the operation that a filled form means, or what is wrong with its fields.

    A line is read as `--step` reads what stands behind `field=`. Where a field takes several values, they are
    separated by spaces, quoted as in a POSIX shell, or one JSON value. A chain of adapters is read whole: its line has
    one pair, or a JSON object.

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
    if _is_read_whole(field, text):
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
