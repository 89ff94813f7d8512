"""Shared inputs: one input of the result, and the inputs of the models that it feeds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from workbench.findings import Action, Finding, Hint
from workbench.model import shapes as shapes_
from workbench.model.shapes import Shape
from workbench.names import UNUSABLE_ARGUMENT, did_you_mean, is_unusable_argument, show
from workbench.surgery.plan import split_handle
from workbench.surgery.resolve.endpoints import Endpoint, Lookup

Find = Callable[[str], Endpoint | Finding]


class SharedInput(NamedTuple):
    """One input of the result that feeds inputs of models.

    Attributes:
        key: of the result's signature.
        targets: the inputs it feeds, at least two.
        shapes: of each component, all that the targets fix.
    """

    key: str
    targets: tuple[Endpoint, ...]
    shapes: tuple[Shape, ...]

    @property
    def dtypes(self) -> tuple[int, ...]:
        """The DataType of each component, which all targets have."""
        return self.targets[0].dtypes

    def __str__(self) -> str:
        return f"{self.key}={','.join(map(str, self.targets))}"


def find_shared(
    key: str,
    texts: Sequence[str],
    lookups: Mapping[str, Lookup],
    find: Find,
    wired: Collection[tuple[str, str]],
) -> SharedInput | list[Finding]:
    """Return an input that models share, or why they can't share it.

    Args:
        key: of the result.
        texts: the inputs as written: `HANDLE@ENDPOINT`, or the key of an input of every model with that key.
        lookups: look endpoints up in each model, by handle.
        find: finds an endpoint that names its model.
        wired: (handle, tensor) of the inputs that wires feed.
    """
    where = show(f"{key}={','.join(texts)}", 1000)
    if is_unusable_argument(key):
        message = f"{show(key)!r} can't be the key of an input: {UNUSABLE_ARGUMENT}."
        return [
            Finding("R6-rename", "error", where, message, f"Choose another key, for example {show(key)}_.")
        ]
    found: list[Endpoint] = []
    problems: list[Finding] = []
    for text in texts:
        named = split_handle(text, list(lookups))[0] is not None
        everywhere = [] if named else _everywhere(text, lookups, wired)
        if everywhere:
            found += everywhere
        elif not named and "@" not in text:
            problems.append(_unknown(text, where, lookups))
        else:
            one = find(text)
            problems += [one] if isinstance(one, Finding) else []
            found += [one] if isinstance(one, Endpoint) else []
    if problems:
        return problems
    distinct = list({(one.handle, one.tensors): one for one in found}.values())
    if len(distinct) < 2:
        return [_single(where, distinct, lookups)]
    shared = share(key, distinct)
    return [shared] if isinstance(shared, Finding) else shared


def share(key: str, inputs: Sequence[Endpoint]) -> SharedInput | Finding:
    """Return the shared input that feeds inputs, or why one value can't be given to all of them.

    Args:
        key: of the result.
        inputs: at least two.
    """
    where = show(f"{key}={','.join(map(str, inputs))}", 1000)
    first, *others = inputs
    shapes = list(first.shapes)
    for one in others:
        problem = _differ(where, first, one, shapes)
        if problem is not None:
            return problem
        shapes = [shapes_.both(mine, theirs) for mine, theirs in zip(shapes, one.shapes, strict=True)]
    return SharedInput(key, tuple(inputs), tuple(shapes))


def _everywhere(
    text: str, lookups: Mapping[str, Lookup], wired: Collection[tuple[str, str]]
) -> list[Endpoint]:
    """Return the inputs of a key in all models, those that wires feed left out."""
    found = [lookup.key(text, "target") for lookup in lookups.values()]
    return [
        one
        for one in found
        if one is not None and not any((one.handle, name) in wired for name in one.tensors)
    ]


def _unknown(text: str, where: str, lookups: Mapping[str, Lookup]) -> Finding:
    known = dict.fromkeys(key for lookup in lookups.values() for key in _inputs(lookup))
    return Finding(
        "share-input",
        "error",
        where,
        f"No model has an input {show(text)!r} that no wire feeds.",
        did_you_mean(text, known, noun="inputs"),
    )


def _inputs(lookup: Lookup) -> Iterable[str]:
    return lookup.chosen.inputs if lookup.chosen is not None else ()


def _single(where: str, found: Sequence[Endpoint], lookups: Mapping[str, Lookup]) -> Finding:
    """Return the finding for an input that only one model would take."""
    one = f"{show(str(found[0]))} alone" if found else "nothing"
    others = [
        f"{lookup.handle}@{show(key)}"
        for lookup in lookups.values()
        if not found or lookup.handle != found[0].handle
        for key in _inputs(lookup)
    ]
    return Finding(
        "share-input",
        "error",
        where,
        f"The shared input feeds {one}; it must feed at least two inputs.",
        f"Name another one; the other models have {', '.join(others[:8])}." if others else None,
    )


def adapt_input(target: Endpoint, chain: str) -> Action:
    """Return the action that puts adapters before an input of a model."""
    return Action(
        "adapt-input", {"handle": target.handle, "key": show(target.key or target.written), "chain": chain}
    )


def _differ(where: str, first: Endpoint, other: Endpoint, known: Sequence[Shape]) -> Finding | None:
    """Return the finding for two inputs that can't take the same value, or None.

    Args:
        where: what is shared.
        first: an input.
        other: another one.
        known: the shapes that `first` and those before `other` allow.
    """
    if first.kind != other.kind or len(first.tensors) != len(other.tensors):
        message = f"{show(str(first))} is {first.kind}; {show(str(other))} is {other.kind}."
        return Finding("share-kind", "error", where, message, "Share inputs of the same kind.")
    for at, shape in enumerate(known):
        have = shapes_.typed(first.dtypes[at], shape)
        want = shapes_.typed(other.dtypes[at], other.shapes[at])
        message = f"{show(str(first))} takes {have}; {show(str(other))} takes {want}."
        if first.dtypes[at] != other.dtypes[at]:
            return Finding("share-dtype", "error", where, message, _remedy(first, other, shape, at))
        if shapes_.fits(shape, other.shapes[at]) == "refuted":
            return Finding("share-shape", "error", where, message, _remedy(first, other, shape, at))
    return None


def _remedy(first: Endpoint, other: Endpoint, shape: Shape, at: int) -> str:
    """Return the adapters that would make the value of one input fit another one."""
    from workbench.surgery.adapters.suggest import suggest
    from workbench.surgery.adapters.tensor_type import TensorType

    if first.kind != "dense":
        return "Share inputs of the same dtypes and shapes."
    ends = ((first, shape, other, other.shapes[at]), (other, other.shapes[at], first, shape))
    ways = [
        (found, target)
        for source, have, target, want in ends
        if (found := suggest(TensorType.of(source.dtypes[at], have), TensorType.of(target.dtypes[at], want)))
        and found.chain.adapters
    ]
    if not ways:
        return "No chain of adapters turns one into the other: share other inputs."
    best, target = min(ways, key=lambda way: len(way[0].marks))  # what loses nothing and is not guessed
    after = f", and share the input of the result.{''.join(f' {mark}' for mark in best.marks)}"
    return Hint(f"Put `{best.text}` before {show(str(target))}: ", adapt_input(target, best.text), after)
