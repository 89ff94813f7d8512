"""Inputs made from the graph, so that a merge can be verified without asking its user for any."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.disk import dtypes
from workbench.graph.level import Level, Value
from workbench.model import MetaGraph, Shape, Signature
from workbench.names import parse_tensor
from workbench.runtime.chain import MadeSamples, Make, SampleSource
from workbench.runtime.component_tensors import ComponentTensor, input_components
from workbench.runtime.inputs import makers
from workbench.runtime.inputs.facts import Facts
from workbench.runtime.inputs.groups import Group, find_groups, structured_groups
from workbench.runtime.inputs.makers import LONG_VARIANTS, STYLES, WIDTHS, Style, Width
from workbench.runtime.inputs.trace import Tracer

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MAX_ELEMENTS = 1 << 24
"""A made input is never larger."""
_PATCH = 8
"""Side of the patches of smooth pictures."""
_PER_ROW = 2
"""Values in a row of a sparse input, and of an even ragged one."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """One made sample.

    Attributes:
        values: component to array.
        notes: component to how it was made, for people.
        free_batch: whether the batch size asked for shows in some shape.
    """

    values: Mapping[str, Array]
    notes: Mapping[str, str]
    free_batch: bool


class Unmakeable(Exception):
    """No value from outside can be made for an input: a resource, a variant, a size beyond reason."""


def make_inputs(
    meta: MetaGraph,
    signature: Signature,
    *,
    batch: int = 2,
    seed: int = 0,
    variant: int = 0,
    assets: Mapping[str, Path] | None = None,
) -> Inputs:
    """Values for all inputs of a signature, the same for the same arguments.

    Args:
        meta: the MetaGraph; may be a draft in memory.
        signature: one of its own, or one made from its tensors.
        batch: the first dimension where that is free.
        seed: of the random numbers.
        variant: 0 for the likeliest guess; up to `len(STYLES) - 1` for others where the graph says nothing.
        assets: tensor name (`n:k`) to file for assets that are not in the MetaGraph's own folder.

    Raises:
        Unmakeable: no value can be made for an input.
    """
    return InputMaker(meta, signature, assets).make(batch, seed, variant)


def sample_maker(
    meta: MetaGraph,
    signature: Signature,
    *,
    seed: int = 0,
    assets: Mapping[str, Path] | None = None,
    given: Mapping[str, Array] | None = None,
    batch: int | None = None,
    batches: Sequence[int] = (),
    groups: Sequence[Group] | None = None,
    width: int = 0,
    rename: Callable[[str], str] = lambda component: component,
) -> Make:
    """A maker of samples for `verify`: each variant at several batch sizes, none of them twice.

    Args:
        meta: as for `make_inputs`, like `signature`, `seed` and `assets`.
        signature: the signature.
        seed: of the first sample; the others follow.
        assets: tensor name to file.
        given: values of the user that stand in every sample, by component; they also set the batch size.
        batch: the only batch size that works; None for several.
        batches: the batch sizes to try, one sample each; none for those of each variant.
        groups: the parts of ragged and sparse inputs, as the model it was made of knows them; None to ask `meta`.
        width: number of the range of values, of `WIDTHS`.
        rename: the name of a component's value in the sample.
    """
    maker = InputMaker(meta, signature, assets, groups)
    fixed = maker.batch_of(given or {}) or batch

    def make(variant: int) -> MadeSamples | None:
        if variant >= len(STYLES):
            return None
        samples = []
        notes: Mapping[str, str] = {}
        for number, size in enumerate(batches or STYLES[variant].batches):
            try:
                inputs = maker.make(fixed or size, seed + 1000 * variant + number, variant, WIDTHS[width])
            except Unmakeable:
                return None
            values = {**inputs.values, **(given or {})}
            samples.append({rename(component): value for component, value in values.items()})
            notes = {
                rename(component): note
                for component, note in inputs.notes.items()
                if component not in (given or {})
            }
        return MadeSamples(tuple(samples), notes)

    return make


def sample_source(
    meta: MetaGraph,
    signature: Signature,
    given: Sequence[Mapping[str, Array]] = (),
    *,
    seed: int = 0,
    assets: Mapping[str, Path] | None = None,
    batch: int | None = None,
    batches: Sequence[int] = (),
    groups: Sequence[Group] | None = None,
) -> SampleSource:
    """Where the samples of a verification come from: samples of the user, whole or in part, or none.

    Beside samples that are given whole, made ones show whether the outputs move; what the sources can't run of them
    is left out. Where only some values are given, the others are made, so that there are several to try. `batch`,
    `batches` and `groups` are as for `sample_maker`.
    """
    components = input_components(meta, signature)
    maker = partial(sample_maker, meta, signature, assets=assets, batch=batch, batches=batches, groups=groups)
    if all(name in one or component.optional for one in given for name, component in components.items()):
        return SampleSource(
            tuple(given), maker(seed=seed), lambda variant, width: maker(seed=seed, width=width)(variant)
        )

    def make(variant: int, width: int = 0) -> MadeSamples | None:
        makers = (maker(seed=seed + number, given=one, width=width) for number, one in enumerate(given))
        found = [made for one in makers if (made := one(variant)) is not None]
        samples = tuple(sample for made in found for sample in made.samples)
        return MadeSamples(samples, found[0].notes) if found else None

    return SampleSource(make=make, widen=make)


class InputMaker:
    """Follows each input once, then makes as many samples as are asked for. `groups` as for `sample_maker`."""

    def __init__(
        self,
        meta: MetaGraph,
        signature: Signature,
        assets: Mapping[str, Path] | None = None,
        groups: Sequence[Group] | None = None,
    ) -> None:
        self.meta = meta
        self.signature = signature
        self.components = input_components(meta, signature)
        if groups is None:
            groups = structured_groups(
                meta, {name: component.tensor for name, component in self.components.items()}
            )
        self.known_groups = groups
        self._stretch = _stretch(self.components)
        main = Level.of(meta)
        tracer = Tracer(main, assets)
        self.facts: dict[str, Facts] = {}
        for name, component in self.components.items():
            at = parse_tensor(component.tensor)
            self.facts[name] = tracer.facts(Value(main, at.node, at.index)) if at is not None else Facts()

    def batch_of(self, given: Mapping[str, Array]) -> int | None:
        """The batch size that given values have, or None."""
        for name, value in given.items():
            component = self.components.get(name)
            if component is not None and component.shape and component.shape[0] is None and value.ndim:
                return int(value.shape[0])
        return None

    def make(self, batch: int, seed: int, variant: int, width: Width = WIDTHS[0]) -> Inputs:
        """One sample; see `make_inputs`. `width` is how far values reach."""
        import numpy as np

        rng = np.random.default_rng(seed)
        style = replace(STYLES[variant], width=width)
        values: dict[str, Array] = {}
        notes: dict[str, str] = {}
        free = False
        guess = variant % 2 == 1
        for group in find_groups(self.signature, self.components, self.known_groups, guess=guess):
            if group.kind == "dense":
                (name,) = group.names
                long = guess or variant in LONG_VARIANTS
                size = style.dim or batch if long and name == self._stretch else batch
                sizes, is_free = _sizes(
                    self.components[name], self.facts[name], size, style, likely=not guess
                )
                values[name], notes[name] = self._fill(name, sizes, rng, style)
                free |= is_free
            else:
                if group.kind == "sparse":
                    values.update(self._sparse(group, batch, rng, style, notes))
                else:
                    values.update(self._ragged(group, batch, rng, style, notes, even=variant % 4 > 1))
                free = True
        return Inputs(values, notes, free)

    def _fill(
        self, name: str, sizes: tuple[int, ...], rng: np.random.Generator, style: Style
    ) -> tuple[Array, str]:
        """An array of the component's dtype with the given sizes."""
        import numpy as np

        component, facts = self.components[name], self.facts[name]
        count = int(np.prod(sizes, dtype=np.int64))
        if count > MAX_ELEMENTS:
            raise Unmakeable(f"{name} would have {count} elements")
        if component.is_string:
            make, note = makers.texts(facts, rng, style)
            array = np.empty(count, dtype=object)
            array[:] = [make() for _ in range(count)]
            return array.reshape(sizes), note if count == 1 else f"{count} strings, each {note}"
        if component.dtype in (dtypes.RESOURCE, dtypes.VARIANT):
            raise Unmakeable(f"{name} is a {dtypes.name(component.dtype)}")
        dtype, shape = component.dtype or dtypes.FLOAT, ",".join(map(str, sizes))
        if style.width.smooth and _is_picture(sizes):
            *batch, height, width, channels = sizes
            patches = (*batch, -(-height // _PATCH), -(-width // _PATCH), channels)
            flat, note = makers.numbers(facts, dtype, int(np.prod(patches, dtype=np.int64)), rng, style)
            wide = flat.reshape(patches).repeat(_PATCH, -3).repeat(_PATCH, -2)
            return np.ascontiguousarray(wide[..., :height, :width, :]), f"[{shape}] {note}, in patches"
        flat, note = makers.numbers(facts, dtype, count, rng, style)
        return flat.reshape(sizes), f"[{shape}] {note}"

    def _sparse(
        self, group: Group, batch: int, rng: np.random.Generator, style: Style, notes: dict[str, str]
    ) -> dict[str, Array]:
        """Indices (in order, none twice), values and dense shape, `_PER_ROW` values to a row."""
        import numpy as np

        names = group.names
        rank = _sparse_rank(group.shape, self.components[names[0]], self.components[names[2]])
        facts = self.facts[names[1]]
        declared = group.shape if group.shape is not None and len(group.shape) == rank else (None,) * rank
        dense = [size if size is not None else style.dim or batch for size in declared]
        if rank and declared[0] is None:
            dense[0] = batch
        if rank and declared[-1] is None and rank > 1:
            dense[-1] = facts.dims.get(-1) or max(style.dim or batch, _PER_ROW)
        for place, bound in self.facts[names[0]].bounds.items():
            if place < rank:
                dense[place] = min(dense[place], bound)
        rows: list[list[int]] = []
        for row in range((dense[0] if rank > 1 else 1) if rank else 0):
            columns = rng.choice(dense[-1], min(_PER_ROW, dense[-1]), replace=False).tolist()
            before = [row, *([0] * (rank - 2))] if rank > 1 else []
            rows += [[*before, column] for column in sorted(columns)]
        values, note = self._fill(names[1], (len(rows),), rng, style)
        for name in names:
            notes[name] = f"sparse {dense}: {note}"
        return {
            names[0]: np.array(rows, dtype=np.int64).reshape(len(rows), rank),
            names[1]: values,
            names[2]: np.array(dense, dtype=np.int64),
        }

    def _ragged(
        self,
        group: Group,
        batch: int,
        rng: np.random.Generator,
        style: Style,
        notes: dict[str, str],
        *,
        even: bool,
    ) -> dict[str, Array]:
        """Flat values, then row splits from the outermost in (`RaggedTensorSpec._to_components`)."""
        import numpy as np

        names = group.names
        rows = batch
        found: dict[str, Array] = {}
        for name in names[1:]:
            lengths = np.full(rows, _PER_ROW) if even else rng.integers(1, 2 * _PER_ROW, rows)
            splits = np.concatenate([[0], np.cumsum(lengths)])
            found[name] = splits.astype(dtypes.numpy(self.components[name].dtype) or np.int64)
            rows = int(splits[-1])
        component = self.components[names[0]]
        sizes, _ = _sizes(component, self.facts[names[0]], rows, style, likely=True)
        values, note = self._fill(names[0], (rows, *sizes[1:]), rng, style)
        for name in names:
            notes[name] = f"ragged, {_PER_ROW if even else f'1 to {2 * _PER_ROW - 1}'} a row: {note}"
        return {names[0]: values, **found}


def _stretch(components: Mapping[str, ComponentTensor]) -> str | None:
    """The input that may be one stretch of sound or text: numbers in a row of any length, and no other input beside."""
    if len(components) != 1:
        return None
    (component,) = components.values()
    return None if component.is_string or component.shape != (None,) else component.name


def _sparse_rank(shape: Shape, indices: ComponentTensor, dense_shape: ComponentTensor) -> int:
    if shape is not None:
        return len(shape)
    if indices.shape is not None and len(indices.shape) == 2 and indices.shape[1] is not None:
        return indices.shape[1]
    if dense_shape.shape is not None and len(dense_shape.shape) == 1 and dense_shape.shape[0] is not None:
        return dense_shape.shape[0]
    return 2


def _sizes(
    component: ComponentTensor, facts: Facts, batch: int, style: Style, *, likely: bool
) -> tuple[tuple[int, ...], bool]:
    """A full shape for a component, and whether the batch size shows in it."""
    shape = component.likely if likely else component.shape
    if shape is None:
        rank = _rank(component, facts, style)
        shape = (None,) * rank
    rank = len(shape)
    sizes = list(shape)
    if _is_plane(component, shape):
        return tuple(style.plane if size is None else size for size in shape), False
    free = rank > 0 and sizes[0] is None
    if free:
        fixed = _fixed_batch(sizes, facts)
        sizes[0], free = (batch, True) if fixed is None else (fixed, False)
    for place in range(rank):
        if sizes[place] is None:
            sizes[place] = facts.dims.get(place - rank)
    unknown = [place for place in range(rank) if sizes[place] is None]
    other = style.dim or batch
    for place, size in zip(unknown, _guess(sizes, unknown, facts, style, other), strict=True):
        sizes[place] = size
    return tuple(size if size is not None else other for size in sizes), free


def _fixed_batch(sizes: list[int | None], facts: Facts) -> int | None:
    """The only first dimension that the graph takes, where it checks it or reshapes all to fixed sizes."""
    if -len(sizes) in facts.dims:
        return facts.dims[-len(sizes)]
    if facts.total is None or None in sizes[1:]:
        return None
    rest = 1
    for size in sizes[1:]:
        rest *= size or 1
    return facts.total // rest if facts.total % rest == 0 else None


def _rank(component: ComponentTensor, facts: Facts, style: Style) -> int:
    if facts.certain is not None:
        return 0
    if facts.rank is not None:
        return facts.rank
    if component.is_string:
        return style.text_rank
    return style.rank


def _is_picture(sizes: tuple[int, ...]) -> bool:
    """Whether it looks like pictures, height × width × channels, of some size."""
    return len(sizes) in (3, 4) and sizes[-1] in (1, 3, 4) and min(sizes[-3:-1]) >= 2 * _PATCH


def _is_plane(component: ComponentTensor, shape: tuple[int | None, ...]) -> bool:
    """Whether it is one picture of any size, height × width × channels, with no batch."""
    return (
        component.dtype == dtypes.UINT8
        and len(shape) == 3
        and shape[:2] == (None, None)
        and shape[2] in (1, 3, 4)
    )


def _guess(sizes: list[int | None], unknown: list[int], facts: Facts, style: Style, other: int) -> list[int]:
    """Sizes for dimensions that nothing tells, from what the row is reshaped to, else by the style, else `other`."""
    rest = 1
    for size in sizes[1:]:
        rest *= size or 1
    if facts.row and unknown and facts.row % rest == 0:
        left = facts.row // rest
        if len(unknown) == 1:
            return [left]
        root = round(left**0.5)
        if len(unknown) == 2 and root * root == left:
            return [root, root]
    if len(sizes) == 4:
        return [3 if place == 3 else style.plane for place in unknown]
    return [other] * len(unknown)
