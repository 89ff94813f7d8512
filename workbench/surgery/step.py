"""Steps of a plan as pure data: their base class, registry, JSON and written form.

A step is a frozen dataclass in a module of its own below `workbench.surgery.operations`, named like the
step, with `_` for `-`. The module's docstring begins `Name: what it does.`, which is listed without importing it.
Its fields are made with `option`, which says what values they take; recipes, commands, their help and the forms of the
terminal UI are made from that. Modules are found by name and imported when one is needed.
"""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from workbench.errors import DamagedFile, UsageError
from workbench.findings import Action, Hint
from workbench.names import did_you_mean, show
from workbench.surgery import values
from workbench.surgery.values import Kind, WrongValue

_BETWEEN_MODELS = frozenset({"connect", "share"})
"""Operations that need several models: steps of a join, and no commands."""
_REGISTERED: dict[str, type[Step]] = {}
_FOLDER = Path(__file__).parent / "operations"
Type = TypeVar("Type", bound="type[Step]")
Data = TypeVar("Data")


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a plan: pure data, which may be saved, compared and undone.

    Attributes:
        NAME: what it is called in recipes and on the command line, and the name of its module.
        EXAMPLES: steps as `parse_step` reads them, which a help shows in the form of its face.
        PAIRED: two fields that are written `KEY=VALUE` on the command line; each such word is a step of its own.
        KEEPS_SIGNATURES: whether the signatures keep their keys, and their inputs dtypes and shapes.
        REST: the field that takes words of a step whose name is no field, as `KEY=VALUE`; empty for none.
    """

    NAME: ClassVar[str]
    EXAMPLES: ClassVar[tuple[str, ...]] = ()
    PAIRED: ClassVar[tuple[str, str] | None] = None
    KEEPS_SIGNATURES: ClassVar[bool] = False
    REST: ClassVar[str] = ""

    def __post_init__(self) -> None:
        normalise(self)

    @classmethod
    def parts(cls) -> Mapping[str, str]:
        """Return what values of its fields are made of, each with what it is, for a help; empty where that is plain."""
        return {}

    @property
    def empty(self) -> bool:
        """Whether no change is requested."""
        return False


class Joining(Step):
    """A step that connects models: it is done before the other steps of a plan."""

    __slots__ = ()


def option(
    kind: Kind,
    help: str,
    *,
    metavar: str = "VALUE",
    default: Any = dataclasses.MISSING,
    flag: str = "",
    short: str = "",
    positional: bool = False,
    words: int = 1,
    keys: str = "",
    refers: bool = False,
    many: bool = False,
) -> Any:
    """Make a field of an operation or of a plan's options.

    Args:
        kind: which values it takes.
        help: one line for `--help`, without a full stop.
        metavar: represents its value in a help.
        default: its value where none is given; a field without one is required.
        flag: its name on the command line, without dashes; empty for that of the field with `-` for `_`.
        short: one letter that is a flag, too; empty for none.
        positional: whether the command line takes it behind the model, without a flag.
        words: 2 for pairs that are given as two words, `KEY VALUE`, since the value is long.
        keys: which keys of the model may stand left in its pairs: `signatures`, `inputs`, `outputs`; empty for others.
        refers: whether it names tensors or nodes, its keys aside; those of a joined model begin with its handle.
        many: whether its flag takes several words, and not one each time.
    """
    metadata = {"kind": kind, "help": help, "metavar": metavar, "flag": flag, "short": short}
    metadata |= {"positional": positional, "words": words, "keys": keys, "refers": refers, "many": many}
    return dataclasses.field(default=default, metadata=metadata)


def chosen_signature_field() -> Any:
    """Make the field for the signature that an operation changes."""
    help = "the signature to change (default: serving_default, else the only one)"
    return option(values.Text(optional=True), help, metavar="KEY", default=None)


def added_signature_field() -> Any:
    """Make the field for a signature that an operation adds, so that the chosen one stays."""
    help = "add a signature with this key, and leave the other"
    return option(values.Text(optional=True), help, metavar="KEY", default=None, flag="as")


def register(operation: Type) -> Type:
    """Register an operation under its name: the decorator of its class."""
    _REGISTERED[operation.NAME] = operation
    return operation


def operation_names() -> tuple[str, ...]:
    """Return the names of all operations, without importing one."""
    return tuple(sorted({*_module_names(), *_REGISTERED}))


@cache
def _module_names() -> frozenset[str]:
    return frozenset(file.stem.replace("_", "-") for file in _FOLDER.glob("[a-z]*.py"))


def commands() -> tuple[str, ...]:
    """Return the operations that are commands of their own, without importing one."""
    return tuple(name for name in operation_names() if name not in _BETWEEN_MODELS)


@cache
def summary(name: str) -> str:
    """Return what an operation does, without importing it: `convert variables to constants`.

    Args:
        name: one of `operation_names`.
    """
    path = _FOLDER / f"{name.replace('-', '_')}.py"
    if not path.exists():  # registered from elsewhere
        return described(name)[0]
    with path.open(encoding="utf-8") as source:
        first = source.readline()
    return first.strip().strip('"').partition(": ")[2].rstrip(".")


def operation(name: str) -> type[Step] | None:
    """Return the operation with a name; None if there is none.

    Args:
        name: as in a recipe; it may be any text.
    """
    if name not in _REGISTERED and name in _module_names():
        import_module(f"workbench.surgery.operations.{name.replace('-', '_')}")
    return _REGISTERED.get(name)


# -- fields as JSON


def kind_of(field: dataclasses.Field[Any]) -> Kind:
    """Return which values a field takes."""
    kind: Kind = field.metadata["kind"]
    return kind


def is_required(field: dataclasses.Field[Any]) -> bool:
    """Return whether a field has no default."""
    return field.default is dataclasses.MISSING


def fields_to_json(data: Any) -> dict[str, Any]:
    """Return the fields that differ from their defaults, as JSON values."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(data):
        value = getattr(data, field.name)
        if is_required(field) or value != field.default:
            found[field.name] = kind_of(field).write(value)
    return found


def fields_from_json(cls: type[Data], value: Mapping[str, Any], what: str, where: str) -> Data:
    """Return an operation or options read from untrusted JSON values.

    Args:
        cls: its dataclass.
        value: the fields that are given.
        what: what it is called in an error: `step 2`.
        where: the recipe's file.

    Raises:
        DamagedFile: a field is missing, not known, or of another kind.
    """
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in value:
        if key not in fields:
            raise DamagedFile(
                f"This is not a recipe: {what} has no field {show(key)!r}.",
                where=where,
                hint=did_you_mean(key, fields, noun="fields"),
            )
    found = {}
    for name, field in fields.items():
        if name in value:
            try:
                found[name] = kind_of(field).read(value[name])
            except WrongValue as wrong:
                raise DamagedFile(
                    f"This is not a recipe: {name!r} of {what} is {values.shown(value[name])}; it has to be "
                    f"{wrong.expected}.",
                    where=where,
                ) from None
        elif is_required(field):
            raise DamagedFile(f"The recipe lacks {name!r} ({what}).", where=where)
    return cls(**found)


def normalise(data: Any) -> None:
    """Make the values of a frozen dataclass immutable, when it is made.

    So lists and dicts may be given.
    """
    for field in dataclasses.fields(data):
        object.__setattr__(data, field.name, kind_of(field).normal(getattr(data, field.name)))


def to_json(step: Step) -> dict[str, Any]:
    """Return an operation as a step of a recipe."""
    return {"operation": step.NAME, **fields_to_json(step)}


def from_json(value: object, what: str, where: str) -> Step:
    """Return the operation that a step of a recipe means.

    Args:
        value: the step, of any kind: it may be from anybody.
        what: what it is called in an error: `step 2`.
        where: the recipe's file.

    Raises:
        DamagedFile: it is no operation, or one that is not known here, or a field is wrong.
    """
    if not isinstance(value, dict):
        raise DamagedFile(f"This is not a recipe: {what} is no JSON object.", where=where)
    if "operation" not in value:
        raise DamagedFile(f"The recipe lacks 'operation' ({what}).", where=where)
    name = value["operation"]
    cls = operation(name) if isinstance(name, str) else None
    if cls is None:
        shown = values.shown(name)
        raise DamagedFile(
            f"The recipe names an operation {shown}, which this version of workbench does not know ({what}).",
            where=where,
            hint=did_you_mean(name, operation_names(), noun="operations") if isinstance(name, str) else None,
        )
    given = {key: one for key, one in value.items() if key != "operation"}
    return fields_from_json(cls, given, what, where)


class Record(Kind):
    """A list of objects with fields of their own.

    Args:
        cls: their dataclass, whose fields are made with `option`.
    """

    several = True

    def __init__(self, cls: type[Any]) -> None:
        self.cls = cls
        names = ", ".join(field.name for field in dataclasses.fields(cls))
        self.expected = f"a list of objects with the fields {names}"

    def normal(self, value: Any) -> Any:
        """Return a value made immutable; see `Kind`."""
        return tuple(value)

    def read(self, value: object) -> Any:
        """Return a value read from JSON; see `Kind`."""
        if not isinstance(value, list):
            raise WrongValue(self.expected)
        fields = {field.name: kind_of(field) for field in dataclasses.fields(self.cls)}
        found = []
        for one in value:
            if not isinstance(one, dict) or one.keys() != fields.keys():
                raise WrongValue(self.expected)
            try:
                found.append(self.cls(**{name: kind.read(one[name]) for name, kind in fields.items()}))
            except WrongValue as wrong:
                raise WrongValue(f"{self.expected}, each {wrong.expected}") from None
        return tuple(found)

    def write(self, value: Any) -> Any:
        """Return a value as JSON; see `Kind`."""
        return [fields_to_json(one) for one in value]

    def with_texts(self, value: Any, change: values.Change) -> Any:
        """Return changed records; see `Kind`."""
        first, *others = dataclasses.fields(self.cls)
        return tuple(
            dataclasses.replace(
                one,
                **{first.name: change(getattr(one, first.name), True)},
                **{
                    other.name: kind_of(other).with_texts(getattr(one, other.name), change)
                    for other in others
                },
            )
            for one in value
        )

    def parse(self, words: Sequence[str]) -> Any:
        """Return a value parsed from words; see `Kind`."""
        found: list[Any] = []
        for word in words:
            value = values.from_text(word)
            found += value if isinstance(value, list) else [value]
        return found


# -- steps as words


def print_step(step: Step) -> str:
    """Return an operation as `parse_step` reads it: `flatten format=tf1`."""
    words = [step.NAME]
    for field in dataclasses.fields(step):
        value = getattr(step, field.name)
        if is_required(field) or value != field.default:
            kind = kind_of(field)
            texts = kind.print(kind.write(value))
            if field.name == step.REST and _are_rest(type(step), texts):
                words += texts
            else:
                words += (f"{field.name}={text}" for text in texts)
    return shlex.join(words)


def _are_rest(cls: type[Step], texts: Iterable[str]) -> bool:
    """Return whether words of the field `REST` are read as such without its name before them."""
    known = {field.name for field in dataclasses.fields(cls)}
    return all("=" in text and text.partition("=")[0] not in known for text in texts)


def parse_step(text: str) -> Step:
    """Return the operation written `NAME field=value …`, quoted as in a POSIX shell.

    A value is JSON where it parses as such and the field takes more than text. A field that is given several times is
    a list. A word whose name is no field belongs to the operation's field `REST`, if it has one.

    Raises:
        UsageError: the words name no operation, or a field is missing, not known, or of another kind.
    """
    try:
        name, *words = shlex.split(text)
    except ValueError as problem:
        reason = "it is empty" if not text.strip() else str(problem)[:1].lower() + str(problem)[1:]
        raise UsageError(f"The step {show(text)!r} can't be read: {reason}.", hint=_FORM) from None
    cls = operation(name)
    if cls is None:
        raise UsageError(
            f"There is no operation {show(name)!r}.",
            hint=did_you_mean(name, operation_names(), noun="operations"),
        )
    return cls(**_parsed(cls, name, words))


_FORM = Hint("Write NAME field=value …; ", Action("list-operations"))


def _parsed(cls: type[Step], name: str, words: Iterable[str]) -> dict[str, Any]:
    fields = {field.name: field for field in dataclasses.fields(cls)}
    given: dict[str, list[str]] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"{show(word)!r} in a step {name} is not field=value.", hint=_FORM)
        if key not in fields and cls.REST:
            key, value = cls.REST, word
        if key not in fields:
            raise UsageError(
                f"The operation {name} has no field {show(key)!r}.",
                hint=did_you_mean(key, fields, noun="fields"),
            )
        given.setdefault(key, []).append(value)
    return {key: parse_field(name, field, given.get(key, ())) for key, field in fields.items()}


def parse_field(name: str, field: dataclasses.Field[Any], words: Sequence[str]) -> Any:
    """Return the value that words give a field; its default if there are none.

    Args:
        name: of the operation.
        field: one of its fields.
        words: its values as written behind `field=`.

    Raises:
        UsageError: the field is required and no word is given, or the value is of another kind.
    """
    if not words:
        if is_required(field):
            raise UsageError(
                f"The operation {name} needs {field.name}={field.metadata['metavar']}.", hint=_FORM
            )
        return field.default
    kind = kind_of(field)
    try:
        return kind.read(kind.parse(words))
    except WrongValue as wrong:
        text = show(" ".join(words), 60)
        raise UsageError(
            f"The field {field.name!r} of {name} is {text}; it has to be {wrong.expected}."
        ) from None


def described(name: str) -> tuple[str, list[tuple[str, str]]]:
    """Return what an operation does in one line, and each of its fields with its help.

    Args:
        name: one of `operation_names`.
    """
    cls = operation(name)
    assert cls is not None
    lines = [
        (
            ("" if field.name == cls.REST else f"{field.name}=") + field.metadata["metavar"],
            str(field.metadata["help"]),
        )
        for field in dataclasses.fields(cls)
    ]
    return (cls.__doc__ or "").partition("\n")[0].rstrip("."), lines
