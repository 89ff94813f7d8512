"""A verification as pure data: the models one after the other, and the merged model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from workbench.model import MetaGraph, Model, Signature
from workbench.names import count
from workbench.runtime.component_tensors import port_json

if TYPE_CHECKING:
    import numpy as np

Sample = Mapping[str, "np.ndarray[Any, Any]"]
"""One value for each input, by slot name."""


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model on disk as the child loads it: a result where it lies, others as a private copy.

    Attributes:
        path: the SavedModel's folder, or the GraphDef's file, in binary form.
        tags: the tag set of the MetaGraph.
        kind: how it is loaded.
        shown: the path to be shown in its place, absolute; None for `path`.
        inline: whether a Session is to inline what the graph calls (`unoptimised`).
        loadable: False for a reference that is only looked at: the user's own folder is never loaded.
    """

    path: Path
    tags: tuple[str, ...] = ("serve",)
    kind: Literal["saved_model", "graphdef"] = "saved_model"
    shown: Path | None = None
    inline: bool = False
    loadable: bool = True

    @classmethod
    def of(cls, model: Model, meta: MetaGraph | None = None) -> ModelRef:
        """Return the reference to a model in the user's folder; `Copies.of` gives one to load."""
        if model.folder is None:
            return cls(Path(model.location.file), (), "graphdef", loadable=False)
        return cls(Path(model.folder), (meta or model.meta).tags, loadable=False)

    def as_json(self) -> dict[str, Any]:
        """Return it as the child takes it."""
        if not self.loadable:
            raise RuntimeError(f"{self.path} has to be loaded from a private copy")
        path = str(self.path.absolute())
        shown = str(self.shown) if self.shown is not None else path
        return {
            "path": path,
            "shown": shown,
            "kind": self.kind,
            "tags": list(self.tags),
            "inline": self.inline,
        }


@dataclass(frozen=True, slots=True)
class FromInput:
    """A feed from outside, or an output that is one.

    Attributes:
        slot: of the sample.
        adapted: the adapters applied first; or None.
        default: what is fed where a sample lacks the slot; or None.
    """

    slot: str
    adapted: Adapted | None = None
    default: np.ndarray[Any, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as the child takes it."""
        from workbench.runtime.child_process.codec import encode

        default = {} if self.default is None else {"default": encode(self.default)}
        return {"input": self.slot, **default, **(self.adapted.as_json() if self.adapted is not None else {})}

    def origins(self) -> Iterator[FromStage]:
        """Yield the tensors of stages it follows from: none."""
        return iter(())


@dataclass(frozen=True, slots=True)
class FromStage:
    """A tensor that an earlier stage fetched.

    Attributes:
        stage: the number of the stage.
        tensor: the name of the tensor.
        adapted: the adapters applied first; or None.
    """

    stage: int
    tensor: str
    adapted: Adapted | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as the child takes it."""
        adapted = self.adapted.as_json() if self.adapted is not None else {}
        return {"stage": self.stage, "tensor": self.tensor, **adapted}

    def origins(self) -> Iterator[FromStage]:
        """Yield the tensors it follows from: this one."""
        yield self


@dataclass(frozen=True, slots=True)
class FromSeveral:
    """A value that is computed from tensors of several stages.

    Attributes:
        values: by the name that the steps give each.
        adapted: what is computed from them.
    """

    values: Mapping[str, Taken]
    adapted: Adapted

    def as_json(self) -> dict[str, Any]:
        """Return it as the child takes it."""
        return {"of": {name: one.as_json() for name, one in self.values.items()}, **self.adapted.as_json()}

    def origins(self) -> Iterator[FromStage]:
        """Yield the tensors it follows from."""
        for one in self.values.values():
            yield from one.origins()


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far what adapters compute may be from their reference.

    Attributes:
        absolute: in units of their result.
        relative: as a share of the reference.
        jpeg: in units of their result, where a JPEG file is decoded.
    """

    absolute: float = 0.0
    relative: float = 0.0
    jpeg: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Adapted:
    """What adapters on a wire are to compute, evaluated eagerly by functions of TensorFlow.

    Attributes:
        steps: as JSON, see `surgery/adapters/reference.py`.
        part: which of the results is taken: `""` the main one, or a companion of it (`labels`).
        tolerance: how far the result may be from that.
    """

    steps: Sequence[Mapping[str, Any]]
    part: str = ""
    tolerance: Tolerance = Tolerance()

    def as_json(self) -> dict[str, Any]:
        """Return it as the child takes it."""
        return {"steps": list(self.steps), "part": self.part}


@dataclass(frozen=True, slots=True)
class FromConstant:
    """A feed or an output that is the same for every sample.

    Attributes:
        value: what is fed.
        adapted: the adapters applied first; or None.
    """

    value: np.ndarray[Any, Any]
    adapted: Adapted | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as the child takes it."""
        from workbench.runtime.child_process.codec import encode

        adapted = self.adapted.as_json() if self.adapted is not None else {}
        return {"constant": encode(self.value), **adapted}

    def origins(self) -> Iterator[FromStage]:
        """Yield the tensors of stages it follows from: none."""
        return iter(())


Feed: TypeAlias = FromInput | FromStage | FromConstant
Taken: TypeAlias = FromStage | FromSeveral | FromInput | FromConstant
"""Where an output of a chain comes from."""


@dataclass(frozen=True, slots=True)
class Call:
    """A callable of the loaded object that a stage runs: `loaded.__call__(…)`.

    Attributes:
        path: below the object, `layer.serve`.
        index: of the concrete function, from 1, whose structure the arguments have.
        inputs: by the order of its arguments, the names of the tensors that are fed.
        outputs: by the order of its results, the names of the tensors that are fetched.
    """

    path: str
    index: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as the child takes it."""
        return {
            "path": self.path,
            "index": self.index,
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
        }


@dataclass(frozen=True, slots=True)
class Stage:
    """One model of a chain.

    Attributes:
        name: its handle, for messages.
        model: where it is.
        feeds: tensor name to where its value comes from.
        fetches: names of the tensors later stages or the outputs need.
        pure: whether running it changes nothing and gives the same again (`purity.is_pure`); a second run
            then uses the Session of the first.
        call: what of the object is called, for a model that is joined by a callable: it runs in
            `tf.saved_model.load`, and feeds and fetches go by the names the call gives them.
        mended: whether it is a copy whose saver restores what is read, which that of the source does not: no v1
            Session runs the source itself.
    """

    name: str
    model: ModelRef
    feeds: Mapping[str, Feed]
    fetches: tuple[str, ...]
    pure: bool = False
    call: Call | None = None
    mended: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as the child takes it."""
        return {
            "name": self.name,
            "model": self.model.as_json(),
            "feeds": {tensor: feed.as_json() for tensor, feed in self.feeds.items()},
            "fetches": list(self.fetches),
            "pure": self.pure,
            "call": self.call.as_json() if self.call is not None else None,
        }


@dataclass(frozen=True, slots=True)
class Rows:
    """How samples are split for models that take a fixed number of rows at once.

    Attributes:
        size: the number of rows.
        inputs: by slot, the dimension along which a value is split; other values are fed whole.
        outputs: by slot, the dimension along which values are joined; of others the first is taken.
        stacked: slots of outputs that are one row without a dimension for it: they are stacked.
    """

    size: int
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]
    stacked: frozenset[str] = frozenset()

    def split(self, sample: Sample) -> list[Sample]:
        """Return a sample as samples of `size` rows; the last row is repeated where some are missing."""
        import numpy as np

        rows = self._count(sample)
        found: list[Sample] = []
        for start in range(0, max(rows, 1), self.size):
            chosen = np.minimum(np.arange(start, start + self.size), rows - 1)
            found.append(
                {
                    slot: np.take(value, chosen, axis=self.inputs[slot])
                    if rows and slot in self.inputs
                    else value
                    for slot, value in sample.items()
                }
            )
        return found

    def join(self, sample: Sample, parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the outputs of a sample from those of its parts, without the rows that were repeated.

        Raises:
            ValueError: the outputs of the parts have different shapes.
        """
        import numpy as np

        rows = self._count(sample)
        found: dict[str, Any] = {}
        for slot, value in parts[0].items():
            axis = self.outputs.get(slot)
            if slot in self.stacked:
                found[slot] = np.stack([part[slot] for part in parts])
                continue
            if axis is None:
                found[slot] = value
                continue
            whole = np.concatenate([part[slot] for part in parts], axis=axis)
            each = value.shape[axis] // self.size
            found[slot] = np.take(whole, np.arange(rows * each), axis=axis)
        return found

    def _count(self, sample: Sample) -> int:
        """Return how many rows a sample has."""
        return next(
            (int(sample[slot].shape[axis]) for slot, axis in self.inputs.items() if slot in sample), 0
        )


@dataclass(frozen=True, slots=True)
class Chain:
    """The reference of a merge: stages in an order in which sources of a wire come first.

    Attributes:
        stages: one a source.
        outputs: slot of the result's outputs to what gives it.
        name: what it is called in messages, where it is neither the sources of a join nor the original of an edit.
        rows: how samples are split for it; None to run them whole.
    """

    stages: tuple[Stage, ...]
    outputs: Mapping[str, Taken]
    name: str = ""
    rows: Rows | None = None

    def pieces(self, samples: Sequence[Sample]) -> list[list[Sample]]:
        """Return what is run for each sample: the sample itself, or its rows."""
        return [[sample] if self.rows is None else self.rows.split(sample) for sample in samples]

    @property
    def title(self) -> str:
        """Return what the result is compared with, in words."""
        named = self._named()
        return named if self.rows is None else f"{named} ({count(self.rows.size, 'row')} at a time)"

    def _named(self) -> str:
        if self.name or len(self.stages) < 2:
            return self.name or "the original"
        feeds = [feed for stage in self.stages for feed in stage.feeds.values()]
        wired = any(isinstance(feed, FromStage) for feed in feeds)
        return "the sources one after the other" if wired else "the sources side by side"

    @property
    def alone(self) -> str:
        """Return the subject of a sentence about running it: `The sources alone`, `./model alone`."""
        return f"{self.name} alone" if self.name else "The sources alone"

    def as_json(self) -> dict[str, Any]:
        """Return it as the child takes it."""
        return {
            "stages": [stage.as_json() for stage in self.stages],
            "outputs": {slot: source.as_json() for slot, source in self.outputs.items()},
        }


@dataclass(frozen=True, slots=True)
class ResultModel:
    """The model compared with a chain, by one of its signatures, and its name in messages."""

    model: ModelRef
    signature: Signature
    name: str = "the merged model"

    def as_json(self) -> dict[str, Any]:
        """Return it as the child takes it."""
        return {
            "model": self.model.as_json(),
            "signature": self.signature.key,
            "inputs": port_json(self.signature.inputs),
            "outputs": port_json(self.signature.outputs),
        }


@dataclass(frozen=True, slots=True)
class MadeSamples:
    """Samples that were made, not given.

    Attributes:
        samples: to be tried; those that the sources can't run are left out.
        notes: slot to how its values were made, for people.
    """

    samples: tuple[Sample, ...]
    notes: Mapping[str, str] = field(default_factory=dict)


Make = Callable[[int], MadeSamples | None]
"""Variant number, from 0, to samples; None when there are no more variants."""


@dataclass(frozen=True, slots=True)
class SampleSource:
    """Where the inputs of a verification come from.

    Attributes:
        given: the user's; the sources must run on them.
        make: further ones, see `make_inputs.sample_maker`; or None.
        widen: those of a variant (first argument) with values of another range (second, from 1), to look for outputs
            that move; or None.
    """

    given: tuple[Sample, ...] = ()
    make: Make | None = None
    widen: Callable[[int, int], MadeSamples | None] | None = None

    def also_without(self, slots: Collection[str]) -> SampleSource:
        """Return the same, and of the first sample of each kind one that lacks some slots."""

        def more(samples: Sequence[Sample]) -> tuple[Sample, ...]:
            shorter = [
                {slot: value for slot, value in one.items() if slot not in slots} for one in samples[:1]
            ]
            return (*samples, *shorter)

        def made(found: MadeSamples | None) -> MadeSamples | None:
            return found and replace(found, samples=more(found.samples))

        make = self.make
        return replace(self, given=more(self.given), make=make and (lambda variant: made(make(variant))))

    @classmethod
    def of(cls, samples: SampleSource | Sequence[Sample] | Make) -> SampleSource:
        """Return a source of samples: a list, or a function that makes them."""
        if isinstance(samples, SampleSource):
            return samples
        if callable(samples):
            return cls(make=samples)
        return cls(given=tuple(samples))
