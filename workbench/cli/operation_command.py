"""A command for each operation that changes one model, made from the operation's class and fields.

`surgery` knows no command line: a field carries as data how it is given (`workbench.surgery.operation.option`), and
here it becomes an argument and, read back, a step of a plan.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import inspect
import shlex
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.cli import editing
from workbench.cli.arguments import keys_of, pairs
from workbench.cli.output import Output
from workbench.errors import UsageError
from workbench.names import show
from workbench.surgery.step import (
    Record,
    Step,
    is_required,
    kind_of,
    operation,
    parse_field,
    parse_step,
)
from workbench.surgery.values import Flag, Pairs, Tensors, Text, Texts

if TYPE_CHECKING:
    from collections.abc import Container

    from workbench.model import Model

Field = dataclasses.Field[Any]


class OperationCommand:
    """The command of an operation; what a module of `commands/` gives.

    Args:
        name: of the operation.
    """

    def __init__(self, name: str) -> None:
        found = operation(name)
        assert found is not None, name
        self.cls: type[Step] = found
        self.__doc__ = (inspect.getdoc(found) or "").partition("\nAttributes:")[0].rstrip()
        paired = found.PAIRED or ()
        self._fields = [one for one in dataclasses.fields(found) if one.name not in paired]

    @functools.cached_property
    def EXAMPLES(self) -> str:
        """Return the examples of the help, with what chains are made of."""
        return _examples(self.cls) + _parts(self.cls)

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the arguments: a single option stands among the others, more in a group."""
        options = [field for field in self._fields if not field.metadata["positional"]]
        if len(options) > 1:
            group = parser.add_argument_group("changes")
            for field in options:
                _add(group, field)
            editing.configure(parser)
        else:
            editing.configure(parser)
            for field in options:
                _add(parser, field)
        if self.cls.PAIRED is not None:
            key, value = self._paired()
            parser.add_argument(
                "pairs",
                nargs="+",
                metavar=_pair(key, value),
                help=f"{key.metadata['help']}, and {value.metadata['help']}",
            )
        for field in self._fields:
            if field.metadata["positional"]:
                _add_positional(parser, field)

    def run(self, args: argparse.Namespace, out: Output) -> int:
        """Change the model and return the exit code."""
        model = editing.open_it(args)
        plan = editing.edit_plan(args, *self.steps(args, model))
        return editing.change_and_report(plan, {plan.handles[0]: model}, args, out)

    def steps(self, args: argparse.Namespace, model: Model) -> list[Step]:
        """Return the steps that the arguments ask for: one, or one for each pair.

        Raises:
            UsageError: an argument is not of its form, or no change is requested.
        """
        given = {field.name: self._value(field, args, model) for field in self._fields}
        if self.cls.PAIRED is None:
            steps = [self.cls(**given)]
        else:
            key, value = self._paired()
            form = _pair(key, value)
            read = pairs(form, args.pairs, form, known=_known(key, model))
            steps = []
            for left, right in read.items():
                steps.append(
                    self.cls(
                        **{key.name: left, value.name: parse_field(self.cls.NAME, value, [right])}, **given
                    )
                )
                if given.get("as_key") is not None:  # the signature that the first pair adds
                    given |= {"signature": given["as_key"], "as_key": None}
        if any(step.empty for step in steps):
            first = next(field for field in self._fields if not is_required(field))
            raise UsageError(
                "No changes requested.",
                hint=f"Add a change, such as --{_flag(first)} {' '.join(_metavars(first))}; "
                f"see workbench {self.cls.NAME} --help.",
            )
        return steps

    def _paired(self) -> tuple[Field, Field]:
        assert self.cls.PAIRED is not None
        fields = {field.name: field for field in dataclasses.fields(self.cls)}
        key, value = self.cls.PAIRED
        return fields[key], fields[value]

    def _value(self, field: Field, args: argparse.Namespace, model: Model) -> Any:
        """Return the value of a field for what was given to its argument."""
        given = getattr(args, _dest(field))
        kind = kind_of(field)
        name = str(field.metadata["metavar"]) if field.metadata["positional"] else f"--{_flag(field)}"
        if isinstance(kind, Flag):
            return bool(given)
        if given is None or given == []:
            return parse_field(self.cls.NAME, field, ())
        if isinstance(kind, Record):
            return tuple(_record(kind, one) for one in given)
        if isinstance(kind, Pairs) and not isinstance(kind, Tensors):
            if field.metadata["words"] == 2:
                return _two_words(name, given)
            return pairs(name, given, field.metadata["metavar"], known=_known(field, model))
        if isinstance(kind, Texts):
            return tuple(dict.fromkeys(given))
        return parse_field(self.cls.NAME, field, given if isinstance(given, list) else [given])


# -- arguments


def _flag(field: Field) -> str:
    return str(field.metadata["flag"] or field.name.replace("_", "-"))


def _dest(field: Field) -> str:
    return f"field_{field.name}"


def _metavars(field: Field) -> tuple[str, ...]:
    """Return the metavars of a value, one for each word."""
    metavar = str(field.metadata["metavar"])
    return tuple(metavar.split("=")) if field.metadata["words"] == 2 else (metavar,)


def _pair(key: Field, value: Field) -> str:
    return f"{key.metadata['metavar']}={value.metadata['metavar']}"


def _add(parser: argparse._ActionsContainer, field: Field) -> None:
    """Add the option of a field."""
    kind, data = kind_of(field), field.metadata
    short = [f"-{data['short']}"] if data["short"] else []
    common: dict[str, Any] = {"dest": _dest(field), "help": data["help"]}
    if isinstance(kind, Flag):
        on = field.default is not True
        action = "store_true" if on else "store_false"
        parser.add_argument(*short, f"--{'' if on else 'no-'}{_flag(field)}", action=action, **common)
        return
    if isinstance(kind, Record):
        _add_record(parser, field, kind)
        return
    common["required"] = is_required(field)
    names = (*short, f"--{_flag(field)}")
    if data["words"] == 2:
        parser.add_argument(*names, action="append", nargs=2, metavar=_metavars(field), **common)
    elif kind.several:
        how: dict[str, Any] = {"action": "extend", "nargs": "+"} if data["many"] else {"action": "append"}
        parser.add_argument(*names, metavar=data["metavar"], **how, **common)
    else:
        choices = list(kind.choices) if isinstance(kind, Text) and kind.choices else None
        parser.add_argument(*names, choices=choices, metavar=data["metavar"], **common)


def _add_positional(parser: argparse.ArgumentParser, field: Field) -> None:
    several: Mapping[str, Any] = {}
    if kind_of(field).several:
        several = {"nargs": "+" if is_required(field) else "*"}
    elif not is_required(field):
        several = {"nargs": "?"}
    parser.add_argument(
        _dest(field), metavar=field.metadata["metavar"], help=field.metadata["help"], **several
    )


class _RecordAction(argparse.Action):
    """Begin a record at the flag of its field, which owns the options behind it."""

    def __init__(self, *args: Any, part: str = "", begins: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.part = part
        self.begins = begins

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Add a record, or words to the last one."""
        records = list(getattr(namespace, self.dest) or [])
        if not self.part:
            records.append((values, {}))
        elif not records:
            parser.error(f"{option_string} must follow the {self.begins} it belongs to")
        else:
            records[-1][1].setdefault(self.part, []).extend(values or ())
        setattr(namespace, self.dest, records)


def _add_record(parser: argparse._ActionsContainer, field: Field, kind: Record) -> None:
    """Add a flag that begins a record with its first field, and one for each other field."""
    first, *others = dataclasses.fields(kind.cls)
    metavar = first.metadata["metavar"]
    begins = f"--{_flag(field)} {metavar}"
    parser.add_argument(
        f"--{_flag(field)}", dest=_dest(field), action=_RecordAction, begins=begins, metavar=metavar,
        help=field.metadata["help"],
    )  # fmt: skip
    for one in others:
        parser.add_argument(
            f"--{_flag(one)}", dest=_dest(field), action=_RecordAction, begins=begins, part=one.name, nargs="+",
            metavar=one.metadata["metavar"], help=one.metadata["help"],
        )  # fmt: skip


# -- values


def _record(kind: Record, given: tuple[str, dict[str, list[str]]]) -> Any:
    first, *others = dataclasses.fields(kind.cls)
    key, words = given
    parts = {
        one.name: pairs(f"--{_flag(one)}", words.get(one.name, ()), one.metadata["metavar"]) for one in others
    }
    return kind.cls(**{first.name: key}, **parts)


def _two_words(name: str, given: Sequence[Sequence[str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in given:
        if key in found:
            raise UsageError(f"{name} names {show(key)!r} twice.")
        found[key] = value
    return found


def _known(field: Field, model: Model) -> Container[str]:
    """Return the keys that may stand left in a pair: they may contain `=`."""
    signatures = model.meta.signatures
    match field.metadata["keys"]:
        case "signatures":
            return signatures
        case "inputs":
            return keys_of(signatures.values())[0]
        case "outputs":
            return keys_of(signatures.values())[1]
    return ()


# -- help


def _examples(cls: type[Step]) -> str:
    """Return the examples of a help, from steps as `parse_step` reads them."""
    lines = [shlex.join(words_of(parse_step(text))) for text in cls.EXAMPLES]
    lines = lines or [f"workbench {cls.NAME} ./model"]
    return "".join(
        ("examples:\n", *(f"  {line} -o ./changed\n" for line in lines), f"  {lines[0]} --dry-run\n")
    )


def _parts(cls: type[Step]) -> str:
    """Return a list of what values are made of; an empty text where that is plain."""
    found = cls.parts()
    if not found:
        return ""
    lines = ["", "chains are made of:"]
    for written, what in found.items():
        lines.append(f"  {written}")
        lines += textwrap.wrap(what, 76, initial_indent="      ", subsequent_indent="      ")
    return "\n".join((*lines, ""))


def words_of(step: Step, model: str = "./model") -> list[str]:
    """Return the words of the command that applies one step to a model."""
    cls = type(step)
    words = ["workbench", cls.NAME, model]
    fields = dataclasses.fields(step)
    if cls.PAIRED is not None:
        texts = [
            kind_of(field).print(kind_of(field).write(getattr(step, field.name)))[0]
            for field in sorted((one for one in fields if one.name in cls.PAIRED), key=_order(cls.PAIRED))
        ]
        words.append("=".join(texts))
        fields = tuple(field for field in fields if field.name not in cls.PAIRED)
    for field in sorted(fields, key=lambda one: not one.metadata["positional"]):
        value = getattr(step, field.name)
        if is_required(field) or value != field.default:
            words += _words(field, value)
    return words


def _order(names: tuple[str, str]) -> Any:
    return lambda field: names.index(field.name)


def _words(field: Field, value: Any) -> Iterator[str]:
    """Yield the words that give a field a value."""
    kind, flag = kind_of(field), f"--{_flag(field)}"
    if isinstance(kind, Flag):
        yield flag if value else f"--no-{_flag(field)}"
    elif isinstance(kind, Record):
        first, *others = dataclasses.fields(kind.cls)
        for one in value:
            yield from (flag, getattr(one, first.name))
            for part in others:
                pairs = dict(getattr(one, part.name))
                yield from (f"--{_flag(part)}", *(f"{left}={right}" for left, right in pairs.items()))
    elif field.metadata["words"] == 2:
        for key, text in dict(value).items():
            yield from (flag, key, text)
    else:
        if isinstance(kind, Pairs):
            texts = [f"{left}={right}" for left, right in dict(value).items()]
        else:
            texts = list(value) if isinstance(kind, Texts) else kind.print(kind.write(value))
        for text in texts:
            yield from (text,) if field.metadata["positional"] else (flag, text)


# -- pages
