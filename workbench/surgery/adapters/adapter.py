"""An adapter: one step of a chain, as data with a type, a way to build itself, and a reference."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, ClassVar, TypeVar, cast

from workbench.errors import DamagedFile, UsageError
from workbench.names import brief, show
from workbench.surgery.adapters.arguments import Parameter, Unreadable, did_you_mean
from workbench.surgery.adapters.fragment import Fragment, Tensor
from workbench.surgery.adapters.language import Call, Word
from workbench.surgery.adapters.reference import Json, Tolerance
from workbench.surgery.adapters.tensor_type import Problem, State, TensorType


@dataclass(frozen=True, slots=True)
class Adapter(ABC):
    """One step of a chain. Pure data: its fields are what is written behind its name."""

    NAME: ClassVar[str]
    TAKES: ClassVar[str]
    """What it takes, for messages."""
    TOLERANCE: ClassVar[Tolerance] = Tolerance()
    """How far its result may be from its reference."""
    BY_ROW: ClassVar[bool] = True
    """Whether it may work on one image at a time, where those of a batch have different sizes."""

    def needs(self, have: TensorType) -> tuple[Adapter, ...]:
        """Return the conversions that follow by necessity before this one; none of them loses anything."""
        return ()

    @abstractmethod
    def result(self, have: TensorType) -> TensorType | Problem:
        """Return the type of what it makes of a tensor, or why it does not take it."""

    def source(self, made: TensorType) -> TensorType | None:
        """Return what a new input is, for the adapter to make a tensor of it; None where that is open."""
        return None

    def apply(self, state: State) -> State | Problem:
        """Return the types of all tensors after this adapter."""
        found = self.result(state.main)
        return found if isinstance(found, Problem) else State(found, state.companions)

    @abstractmethod
    def build(self, graph: Fragment, tensor: Tensor, have: TensorType) -> Tensor:
        """Add the nodes of this adapter; return its result.

        Args:
            graph: gains the nodes, under a scope of the adapter's own.
            tensor: what it works on, of a type that `result` takes.
            have: its type.
        """

    def build_all(self, graph: Fragment, tensors: Mapping[str, Tensor], state: State) -> dict[str, Tensor]:
        """Add the nodes of this adapter; return all tensors of the chain by name, `""` for the main one."""
        return {**tensors, "": self.build(graph, tensors[""], state.main)}

    @abstractmethod
    def reference(self, have: TensorType) -> Json:
        """Return what computes the same by functions of TensorFlow, never by our own nodes; see `reference.py`."""

    def reference_all(self, state: State) -> dict[str, Json]:
        """Return the references of all tensors that this adapter makes, by name."""
        return {"": self.reference(state.main)}

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of the files that the adapter reads, as written."""
        return ()

    @property
    def loses(self) -> str | None:
        """What of its input has no effect on the result and is easily overlooked, as a sentence; or None."""
        return None

    def check_files(self, state: State) -> Iterator[str]:
        """Yield what is wrong with the content of the files, as sentences. Reads them."""
        return iter(())

    def call(self) -> Call:
        """Return the adapter as it is written."""
        values: list[Word] = []
        named: list[tuple[str, Word]] = []
        by_position = True
        for field, parameter in parameters(type(self)):
            value = getattr(self, field.name)
            if parameter.many:
                if by_position:
                    values += map(parameter.kind.write, value)
            elif value == field.default:
                by_position = False
            elif parameter.positional and by_position:
                values.append(parameter.kind.write(value))
            else:
                named.append((written(field.name), parameter.kind.write(value)))
        return Call(self.NAME, tuple(values), tuple(named))

    def __str__(self) -> str:
        return str(self.call())

    def as_json(self) -> Json:
        """Return the adapter as it stands in a recipe: its name and the fields that differ from their defaults."""
        found: Json = {"adapter": self.NAME}
        for field, parameter in parameters(type(self)):
            value = getattr(self, field.name)
            if value != field.default:
                one = parameter.kind.as_json
                found[written(field.name)] = [one(item) for item in value] if parameter.many else one(value)
        return found


def written(name: str) -> str:
    """Return the name of a field as it is written: with dashes."""
    return name.rstrip("_").replace("_", "-")


def parameters(kind: type[Adapter]) -> list[tuple[Field[Any], Parameter]]:
    """Return the fields of an adapter and how each is written."""
    return [(field, field.metadata["parameter"]) for field in fields(kind)]


def usage(kind: type[Adapter]) -> str:
    """Return how an adapter is written: `resize HEIGHT WIDTH [method=…]`."""
    parts = [kind.NAME]
    for field, parameter in parameters(kind):
        name = written(field.name)
        text = (name.upper() + (" …" if parameter.many else "")) if parameter.positional else f"{name}=…"
        parts.append(text if field.default is MISSING else f"[{text}]")
    return " ".join(parts)


def bind(kind: type[Adapter], call: Call) -> Adapter:
    """Make an adapter of what was written.

    Raises:
        UsageError: a value is missing, unknown, too many, written twice, or of another kind. Names the adapter, what
            it takes and what was found.
    """
    given: dict[str, Any] = {}
    waiting = list(call.values)
    known = {written(field.name): (field, parameter) for field, parameter in parameters(kind)}
    for name, (_, parameter) in known.items():
        if not parameter.positional or not waiting:
            continue
        if parameter.many:
            given[name] = tuple(_read(kind, name, parameter, word) for word in waiting)
            waiting = []
        else:
            given[name] = _read(kind, name, parameter, waiting.pop(0))
    if waiting:
        raise _wrong(kind, call, f"{brief([str(word) for word in waiting])} is more than it takes")
    for name, word in call.named:
        if name not in known:
            raise _wrong(kind, call, f"it has no argument {show(name)!r}", did_you_mean(name, known))
        if name in given:
            raise _wrong(kind, call, f"{name} is given twice")
        parameter = known[name][1]
        value = _read(kind, name, parameter, word)
        given[name] = (value,) if parameter.many else value
    for name, (field, _) in known.items():
        if name not in given and field.default is MISSING:
            raise _wrong(kind, call, f"{name.upper()} is missing")
    return _made(kind, {known[name][0].name: value for name, value in given.items()})


def _read(kind: type[Adapter], name: str, parameter: Parameter, word: Word) -> Any:
    try:
        return parameter.kind.read(word)
    except Unreadable:
        raise UsageError(
            f"{name} of `{kind.NAME}` takes {parameter.kind.takes}; found {show(str(word))!r}.",
            hint=f"Write {usage(kind)}.",
        ) from None


def _wrong(kind: type[Adapter], call: Call, what: str, hint: str = "") -> UsageError:
    return UsageError(
        f"`{show(str(call))}` can't be read: {what}.",
        hint=" ".join(filter(None, [hint, f"Write {usage(kind)}."])),
    )


def _made(kind: type[Adapter], values: Mapping[str, Any]) -> Adapter:
    return cast(Any, kind)(**values)  # type: ignore[no-any-return]


def from_json(kind: type[Adapter], item: Mapping[str, Any]) -> Adapter:
    """Make an adapter of what stands in a recipe.

    Raises:
        DamagedFile: a field is missing, unknown, or of another kind.
    """
    known = {written(field.name): (field, parameter) for field, parameter in parameters(kind)}
    values: dict[str, Any] = {}
    for name, value in item.items():
        if name == "adapter":
            continue
        if name not in known:
            raise DamagedFile(f"Adapter `{kind.NAME}` has no field {show(str(name))!r}.")
        field, parameter = known[name]
        try:
            if not parameter.many:
                values[field.name] = parameter.kind.from_json(value)
            elif isinstance(value, list):
                values[field.name] = tuple(map(parameter.kind.from_json, value))
            else:
                raise Unreadable
        except Unreadable:
            raise DamagedFile(
                f"{name} of adapter `{kind.NAME}` takes {parameter.kind.takes}; found {show(repr(value))}."
            ) from None
    for name, (field, _) in known.items():
        if field.default is MISSING and field.name not in values:
            raise DamagedFile(f"Adapter `{kind.NAME}` has no {name}.")
    return _made(kind, values)


KINDS: dict[str, type[Adapter]] = {}
"""Adapters by name, of the modules that were imported; `registry.adapters()` imports all."""

_A = TypeVar("_A", bound=type[Adapter])


def register(kind: _A) -> _A:
    """Make an adapter known by its name."""
    assert kind.NAME not in KINDS or KINDS[kind.NAME].__qualname__ == kind.__qualname__
    KINDS[kind.NAME] = kind
    return kind
