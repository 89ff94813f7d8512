"""Comparison of two models, such as before and after a conversion."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from workbench.disk import dtypes
from workbench.errors import RuntimeFailure
from workbench.model import MetaGraph, Model, Port, Signature, shapes
from workbench.names import show
from workbench.publishing.running import Proving, Running
from workbench.publishing.unsafe import ALLOW, unsafe
from workbench.publishing.work import not_of_these
from workbench.verification.report import Proof

if TYPE_CHECKING:
    from workbench.publishing.running import Progress
    from workbench.runtime.chain import Chain, Sample, SampleSource
    from workbench.runtime.child_process.child import Child
    from workbench.runtime.comparison.verification import Verification


@dataclass(frozen=True, slots=True)
class Pair:
    """The two signatures that are compared.

    Attributes:
        model: the model that is looked at.
        meta: its MetaGraph.
        signature: one of its own.
        other: the model it is compared with.
        other_meta: its MetaGraph.
        other_signature: one of its own.
    """

    model: Model
    meta: MetaGraph
    signature: Signature
    other: Model
    other_meta: MetaGraph
    other_signature: Signature


def pair(model: Model, other: Model, signature: str | None = None) -> Pair:
    """Return the signatures of two models to compare.

    Args:
        model: the model that is looked at.
        other: the one it is compared with.
        signature: the key in both; None for the obvious one of the first, and the same key of the other, else its
            obvious one.

    Raises:
        UnknownName: there is no such signature.
    """
    one = model.meta.signature(signature)
    key = one.key if signature is not None or one.key in other.meta.signatures else None
    return Pair(model, model.meta, one, other, other.meta, other.meta.signature(key))


def unequal(found: Pair) -> tuple[list[str], list[str]]:
    """Return the differences that forbid a comparison, and those only reported.

    The first are keys, kinds and dtypes, the others are shapes.
    """
    wrong: list[str] = []
    told: list[str] = []
    sides = (
        ("input", found.signature.inputs, found.other_signature.inputs),
        ("output", found.signature.outputs, found.other_signature.outputs),
    )
    for side, mine, theirs in sides:
        for keys, where in (
            (mine.keys() - theirs.keys(), "only here"),
            (theirs.keys() - mine.keys(), "only there"),
        ):
            if keys:
                wrong.append(
                    f"{side}{'s' if len(keys) > 1 else ''} {', '.join(map(show, sorted(keys)))} {where}"
                )
        for key in sorted(mine.keys() & theirs.keys()):
            _compare_ports(side, (found.meta, mine[key]), (found.other_meta, theirs[key]), wrong, told)
    return wrong, told


def _compare_ports(
    side: str, one: tuple[MetaGraph, Port], other: tuple[MetaGraph, Port], wrong: list[str], told: list[str]
) -> None:
    (dtype, shape), (other_dtype, other_shape) = _type(*one), _type(*other)
    name = f"{side} {show(one[1].key)}"
    if one[1].kind != other[1].kind:
        wrong.append(f"{name} is {one[1].kind} here and {other[1].kind} there")
    elif dtype != other_dtype:
        wrong.append(f"{name} is {_name(dtype)} here and {_name(other_dtype)} there")
    elif shape != other_shape:
        mine, theirs = ("of any rank" if one is None else shapes.text(one) for one in (shape, other_shape))
        told.append(f"The {name} is {mine} here and {theirs} there.")


def _type(meta: MetaGraph, port: Port) -> tuple[int, shapes.Shape]:
    actual = meta.node_tensor(port.tensor) if port.kind == "dense" else None
    dtype = dtypes.base(actual.dtype) if actual is not None and actual.dtype else port.dtype
    return dtype, port.shape if actual is None or actual.shape is None else actual.shape


def _name(dtype: int) -> str:
    return dtypes.shown(dtype)


def verify_against(
    found: Pair, proving: Proving, child: Child | None = None, progress: Progress | None = None
) -> Proof:
    """Run both models on the same inputs and compare their outputs.

    Args:
        found: the two.
        proving: inputs, tolerance, interpreter and the like.
        child: a running TensorFlow process to use and leave running; None starts one and ends it.
        progress: receives what is being done.
    """
    wrong, told = unequal(found)
    if wrong:
        reason = f"The signatures can't be compared: {'; '.join(wrong)}."
        return Proof(found.model.path, "differs", reason, against=found.other.path, notes=tuple(told))
    return _Against(found, proving, progress, told).run(child)


class _Against(Running):
    """One comparison."""

    def __init__(self, found: Pair, proving: Proving, progress: Progress | None, notes: list[str]) -> None:
        super().__init__(proving, progress)
        self.found = found
        self.notes = notes

    def run(self, child: Child | None) -> Proof:
        from workbench.publishing import reference

        found = self.found
        name = show(str(found.other.path))
        looked_at = reference.signature_chain(name, found.other, found.other_meta, found.other_signature)
        told = self._unsafe(looked_at)
        if told is not None:
            return self._proof("not run", told, ALLOW)
        with ExitStack() as stack:
            running = child or stack.enter_context(self.new_child())
            try:
                running.start()
                told = self._unsafe(looked_at, running)
            except RuntimeFailure as error:
                return self._proof("not run", error.message, error.hint)
            if told is not None:
                return self._proof("not run", told, ALLOW)
            copies = stack.enter_context(self.copies)
            chain = reference.signature_chain(
                name, found.other, found.other_meta, found.other_signature, copies.of
            )
            return self._run(replace(chain, name=name), running)

    def _unsafe(self, chain: Chain, child: Child | None = None) -> str | None:
        """Return why the two models may not run without consent, or None.

        `child` is as for `unsafe`.
        """
        found, allowed = self.found, self.proving.allow_unsafe
        stages = [(chain.stages[0], found.other_meta)]
        return unsafe(found.meta, [found.signature.key], stages, child, allowed=allowed)

    def _run(self, chain: Chain, child: Child) -> Proof:
        from workbench.publishing import reference
        from workbench.runtime.chain import ResultModel
        from workbench.runtime.comparison.verify import Verifier

        found, options = self.found, self.proving
        verifier = Verifier(
            child,
            chain,
            self._samples(self.given(found.meta, found.signature)),
            tolerance=options.tolerance,
            depends=reference.signature_depends(found.other, found.other_meta, found.other_signature),
            time_limit=options.time_limit,
        )
        name = show(str(found.model.path))
        model = ResultModel(self.copies.of(found.model, found.meta), found.signature, name)
        verification = self.timed("reference", f"running {chain.name}", verifier.reference)
        if verification is None:
            verification = self.timed("verify", f"running {name}", partial(self.compare, verifier, model))
        changed = self.copies.changed()
        if changed is not None and verification.verdict != "not run":
            verification = not_of_these(verification, changed)
        return self._proof(verification.verdict, verification.reason, verification.hint, verification)

    def _samples(self, given: Sequence[Sample] = ()) -> SampleSource:
        """Return the user's samples, or made ones that both models take.

        They come from the model with the stricter shapes; component tensors are those of the model that
        has objects.

        The parts of ragged and sparse inputs are those of the model that has its objects.
        """
        from workbench.runtime.component_tensors import input_components
        from workbench.runtime.inputs.groups import structured_groups
        from workbench.runtime.inputs.make_inputs import sample_source

        found = self.found
        mine, theirs = (
            input_components(meta, signature)
            for meta, signature in ((found.meta, found.signature), (found.other_meta, found.other_signature))
        )
        narrower = any(shapes.fits(mine[name].shape, theirs[name].shape) == "proven" for name in mine)
        wider = any(shapes.fits(theirs[name].shape, mine[name].shape) == "proven" for name in mine)
        meta, signature = found.other_meta, found.other_signature
        if narrower and not wider:
            meta, signature = found.meta, found.signature
        assets = {asset.tensor: asset.path for asset in meta.assets if asset.path is not None}
        groups = [
            structured_groups(one, {name: component.tensor for name, component in components.items()})
            for one, components in ((found.meta, mine), (found.other_meta, theirs))
        ]
        return sample_source(
            meta,
            signature,
            given,
            seed=self.proving.seed,
            assets=assets,
            groups=max(groups, key=len),
        )

    def _proof(
        self, verdict: str, reason: str, hint: str | None = None, verification: Verification | None = None
    ) -> Proof:
        key = self.found.signature.key
        return Proof(
            self.found.model.path,
            verdict,
            reason,
            hint,
            against=self.found.other.path,
            signatures={key: verification} if verification is not None else {},
            notes=tuple(self.notes),
            seconds=self.seconds,
        )
