"""References of a result's signatures: what a verification compares them with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from workbench.model import MetaGraph
from workbench.model.signature import Signature
from workbench.surgery.adapters.reference import Tolerance

if TYPE_CHECKING:
    from workbench.surgery.resolve.callables import Prepared


class SourceTensors(NamedTuple):
    """The component tensors of an input or output, in the source they come from.

    Attributes:
        handle: of the source.
        tensors: `node:k` of its main graph, under its own names; one for a dense input or output.
        steps: references of the adapters before an input, or after an output.
        part: which result of the steps it is; `""` for the main one.
        tolerance: how far the steps' results may be from that.
        axis: the dimension of the value that counts the rows of `Reference.rows`; None if none does.
        stacked: whether it is one row without a dimension for it, which the result has in front.
    """

    handle: str
    tensors: tuple[str, ...]
    steps: tuple[Mapping[str, Any], ...] = ()
    part: str = ""
    tolerance: Tolerance = Tolerance()
    axis: int | None = None
    stacked: bool = False

    def origins(self) -> Iterator[SourceTensors]:
        """Yield the tensors it follows from: these."""
        yield self

    def renamed(self, inputs: Mapping[str, str]) -> SourceTensors:
        """Return the same where inputs have other keys."""
        return self


class Combined(NamedTuple):
    """A value that is computed from several values of sources.

    Attributes:
        values: by the name that the steps give each.
        steps: what is computed from them; see `adapters/reference.py`.
        part: which result of the steps it is; `""` for the main one.
        tolerance: how far the steps' results may be from that.
    """

    values: Mapping[str, Derived]
    steps: tuple[Mapping[str, Any], ...]
    part: str = ""
    tolerance: Tolerance = Tolerance()

    def origins(self) -> Iterator[SourceTensors]:
        """Yield the tensors it follows from."""
        for one in self.values.values():
            yield from one.origins()

    def renamed(self, inputs: Mapping[str, str]) -> Combined:
        """Return the same where inputs have other keys, given as old to new key."""
        return self._replace(values={name: one.renamed(inputs) for name, one in self.values.items()})


class PassedThrough(NamedTuple):
    """An output that is an input of the result, unchanged.

    Attributes:
        key: of the input.
        value: a constant that a step set the input to, as an array; or None.
    """

    key: str
    value: Any = None

    def origins(self) -> Iterator[SourceTensors]:
        """Yield the tensors of sources it follows from: none."""
        return iter(())

    def renamed(self, inputs: Mapping[str, str]) -> PassedThrough:
        """Return the same where inputs have other keys, given as old to new key."""
        return self._replace(key=inputs.get(self.key, self.key))


Derived: TypeAlias = SourceTensors | Combined | PassedThrough
"""Where an output's value comes from."""


def after_steps(
    value: Derived, steps: tuple[Mapping[str, Any], ...], tolerance: Tolerance, part: str = ""
) -> Derived:
    """Return what a value is after further steps, of which it is the main tensor."""
    if (
        isinstance(value, PassedThrough) or value.part
    ):  # the steps it has already go on with their main tensor
        return Combined({"": value}, steps, part, tolerance)
    return value._replace(steps=(*value.steps, *steps), part=part, tolerance=value.tolerance | tolerance)


def with_axis(value: Derived, axis: int | None, *, stacked: bool = False) -> Derived:
    """Return the same with the dimension that counts the rows of `Reference.rows`."""
    if isinstance(value, SourceTensors):
        return value._replace(axis=axis, stacked=stacked)
    if isinstance(value, Combined):
        values = {name: with_axis(one, axis, stacked=stacked) for name, one in value.values.items()}
        return value._replace(values=values)
    return value


@dataclass(frozen=True, slots=True)
class Reference:
    """The tensors or callable of sources that a signature must agree with.

    Attributes:
        inputs: key of the result to the tensors that take its value, of one source or of several.
        outputs: key of the result to what gives it.
        prepared: the callable of a source that gives them, whose tensors these are; or None.
        inlined: a copy of a source in which calls are inlined, whose tensors these are; or None.
        constants: tensors that are fed with a constant, each with its value as an array.
        opened: path of each call that is inlined in `inlined` to the scope of its body there.
        rows: how many rows the source takes at once, where the result takes any number: it is run on so many at a
            time, along the axis of each input, and its outputs are joined along theirs. None for whole values.
        defaults: by key of an input the value that is fed where it is left out, as an array.
    """

    inputs: Mapping[str, tuple[SourceTensors, ...]]
    outputs: Mapping[str, Derived]
    prepared: Prepared | None = None
    inlined: MetaGraph | None = None
    constants: tuple[tuple[SourceTensors, Any], ...] = ()
    opened: tuple[tuple[str, str], ...] = ()
    rows: int | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, signature: Signature, handle: str) -> Reference:
        """Return the reference of a signature of a source that is to agree with itself."""
        return cls(
            {key: (SourceTensors(handle, port.tensors),) for key, port in signature.inputs.items()},
            {key: SourceTensors(handle, port.tensors) for key, port in signature.outputs.items()},
        )

    def renamed(self, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> Reference:
        """Return the same under other keys, given as old to new key."""
        return replace(
            self,
            inputs={inputs.get(key, key): found for key, found in self.inputs.items()},
            outputs={outputs.get(key, key): found.renamed(inputs) for key, found in self.outputs.items()},
            defaults={inputs.get(key, key): value for key, value in self.defaults.items()},
        )

    def without(self, inputs: Iterable[str], outputs: Iterable[str]) -> Reference:
        """Return the same without some inputs, which no output needs, and without some outputs."""
        gone, ended = set(inputs), set(outputs)
        return replace(
            self,
            inputs={key: found for key, found in self.inputs.items() if key not in gone},
            outputs={key: found for key, found in self.outputs.items() if key not in ended},
            defaults={key: value for key, value in self.defaults.items() if key not in gone},
        )

    def with_outputs(self, outputs: Mapping[str, Derived]) -> Reference:
        """Return the same with other outputs."""
        return replace(self, outputs=outputs)

    def with_constant(self, key: str, value: Any) -> Reference:
        """Return the same without an input, whose tensors are fed with a constant."""
        rest = {name: found for name, found in self.inputs.items() if name != key}
        constants = tuple((found, value) for found in self.inputs[key])
        outputs = {
            name: found._replace(value=value) if found == PassedThrough(key) else found
            for name, found in self.outputs.items()
        }
        defaults = {name: one for name, one in self.defaults.items() if name != key}
        return replace(
            self, inputs=rest, outputs=outputs, constants=(*self.constants, *constants), defaults=defaults
        )

    def of_tensors(self) -> Reference:
        """Return the same by tensors: those of a callable in the copy of the source that calls it in its main graph."""
        if self.prepared is None:
            return self
        return replace(self, prepared=None, inlined=self.prepared.meta, opened=())

    def takers(self) -> Iterator[tuple[str, SourceTensors]]:
        """Yield each key of an input with each of the tensors that take its value."""
        for key, taking in self.inputs.items():
            for found in taking:
                yield key, found

    def givers(self) -> Iterator[SourceTensors]:
        """Yield the tensors that outputs follow from."""
        for found in self.outputs.values():
            yield from found.origins()


@dataclass(slots=True)
class References:
    """The references of a result's signatures.

    Attributes:
        known: by key as it is now, every signature whose reference is known.
        verified: keys of those that are run, in this order. The values a user gives for a verification are for the
            first.
    """

    known: dict[str, Reference] = field(default_factory=dict)
    verified: list[str] = field(default_factory=list)

    @property
    def to_verify(self) -> dict[str, Reference]:
        """Return the references to verify, in their order."""
        return {key: self.known[key] for key in self.verified if key in self.known}

    def verify(self, keys: Iterable[str]) -> None:
        """Mark signatures for verification, except those without a reference."""
        self.verified += [
            key for key in dict.fromkeys(keys) if key in self.known and key not in self.verified
        ]

    def drop(self, key: str) -> None:
        """Forget a removed signature."""
        self.known.pop(key, None)
        if key in self.verified:
            self.verified.remove(key)

    def rename(self, renames: Mapping[str, str]) -> None:
        """Follow renamed signatures, given as old to new key, all at once."""
        self.known = {renames.get(key, key): found for key, found in self.known.items()}
        self.verified = [renames.get(key, key) for key in self.verified]
