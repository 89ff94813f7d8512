"""Commit: a draft becomes a folder, proven first. All or nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.disk import dtypes
from workbench.disk.atomic.stage import Stage
from workbench.errors import expect
from workbench.publishing.publish import Progress, Proving, Report, Trial, Work, check_bundle, publish
from workbench.surgery.draft import Draft
from workbench.surgery.recipe import RECIPE

if TYPE_CHECKING:
    from workbench.disk.checkpoint.bundle_write import Tensor
    from workbench.model import MetaGraph, Signature
    from workbench.runtime.chain import Sample
    from workbench.runtime.chain import Stage as ChainStage
    from workbench.runtime.child_process.child import Child
    from workbench.runtime.comparison.verification import Verification
    from workbench.surgery.imported import ImportedModel

__all__ = ["Progress", "Proving", "Report", "commit"]


def commit(
    draft: Draft,
    target: str | Path,
    *,
    serving: bool = False,
    verify: bool = True,
    proving: Proving | None = None,
    child: Child | None = None,
    progress: Progress | None = None,
) -> Report:
    """Write a draft, verify it, and publish it: all or nothing.

    Args:
        draft: what `apply` gave.
        target: the new folder; it must not exist. With `serving`, the folder under which the next version number
            is made.
        serving: write a numbered version under `target`.
        verify: run the result against its sources; only a `verified` one is published.
        proving: inputs, tolerance, interpreter and the like.
        child: a running TensorFlow process to use and leave running; None starts one and ends it.
        progress: is told what is going on.

    Returns:
        The report; `published` tells whether there is a folder now.

    Raises:
        TargetExists, CannotWrite, MissingFile, DamagedFile: nothing was left behind.
        WrongType: it is no draft, or the target is no path.
    """
    expect(draft, Draft, "A draft", "what apply(plan) returns")
    expect(target, (str, os.PathLike), "The target", "a path (text or pathlib.Path)")
    return publish(work(draft, proving, progress), target, serving=serving, verify=verify, child=child)


def work(draft: Draft, proving: Proving | None = None, progress: Progress | None = None) -> Work:
    """A draft as something that can be proven and published."""
    return _Commit(draft, proving or Proving(), progress)


class _Commit(Work):
    """A draft on its way to disk."""

    def __init__(self, draft: Draft, proving: Proving, progress: Progress | None) -> None:
        super().__init__(proving, progress, draft.findings)
        self.draft = draft

    @property
    def meta(self) -> MetaGraph:
        """The MetaGraph of the draft."""
        return self.draft.meta

    @property
    def nbytes(self) -> int:
        """Bytes to be written."""
        return self.draft.nbytes

    def proven(self) -> Sequence[str]:
        """The signature the plan is about."""
        return (self.draft.plan.result.signature,)

    def stages(self) -> Iterator[tuple[ChainStage, MetaGraph]]:
        """The sources in the chain, and alone where their calls are opened."""
        from workbench.publishing import reference as prove

        for part in self.draft.parts.values():
            signature = part.opened and _own_signature(part)
            if signature:
                yield prove.own_chain(part, signature).stages[0], part.model.meta
        for stage in prove.reference_chain(self.draft).stages:
            part = self.draft.parts[stage.name]
            yield stage, part.meta if part.opened is not None else part.model.meta

    def trial(self, child: Child, key: str) -> Trial:
        """The sources one after the other, and inputs for them."""
        from workbench.publishing import reference as prove
        from workbench.runtime.comparison.verify import Verifier
        from workbench.runtime.inputs.make_inputs import sample_source

        draft, options = self.draft, self.proving
        signature = draft.signature
        assets = prove.assets(draft)
        source = sample_source(
            draft.meta,
            signature,
            self.given(draft.meta, signature),
            seed=options.seed,
            assets=assets,
            batch=draft.join.batch,
            groups=prove.groups(draft),
        )
        verifier = Verifier(
            child,
            prove.reference_chain(draft, self.copies.of),
            source,
            tolerance=options.tolerance,
            depends=prove.depends(draft),
            time_limit=options.time_limit,
        )
        return Trial(signature, verifier)

    def prepare(self, child: Child) -> Verification | None:
        """Proves the copies of sources in which calls are opened, for wires that end inside calls.

        What lies inside a call can't be fetched from the source itself, so the reference is a copy with the call
        opened; that it is the same model is shown by its own signature, on inputs of its own.
        """
        for handle, part in self.draft.parts.items():
            if part.opened is None:
                continue
            text = f"holding {handle} with its calls opened against the original"
            unfit = self.timed("reference", text, partial(self._prove_opened, child, part))
            if unfit is not None:
                return unfit
        return None

    def _prove_opened(self, child: Child, part: ImportedModel) -> Verification | None:
        from workbench.publishing import reference as prove
        from workbench.runtime.chain import ResultModel
        from workbench.runtime.comparison.verify import Verifier
        from workbench.runtime.inputs.make_inputs import sample_source

        meta, options = part.model.meta, self.proving
        signature = _own_signature(part)
        if signature is None:
            return None
        assets = {asset.tensor: asset.path for asset in meta.assets if asset.path is not None}
        given = self._given_to(part, signature)
        source = sample_source(meta, signature, given, seed=options.seed, assets=assets)
        verifier = Verifier(
            child,
            prove.own_chain(part, signature, self.copies.of),
            source,
            tolerance=options.tolerance,
            time_limit=options.time_limit,
        )
        own = ResultModel(self.copies.of(part.model, part.meta), signature)
        found = verifier.reference() or self.compare(verifier, own)
        if found.ok:
            return None
        reason = f"{part.handle} with its calls opened could not be held against the original: {found.reason}"
        return replace(found, verdict="inconclusive", reason=reason)

    def _given_to(self, part: ImportedModel, signature: Signature) -> tuple[Sample, ...]:
        """The user's values for a source's own signature, if they are for all of its inputs."""
        from workbench.runtime.component_tensors import slot_names

        result = self.draft.signature
        wanted = {name for own in signature.inputs.values() for name in slot_names(own)}
        samples = []
        for given in self.proving.given:
            found: dict[str, Any] = {}
            for port in self.draft.interface.inputs:
                own = signature.inputs.get(port.own_key)
                if port.handle == part.handle and own is not None:
                    pairs = zip(slot_names(own), slot_names(result.inputs[port.key]), strict=True)
                    found |= {name: given[slot] for name, slot in pairs if slot in given}
            if found and found.keys() == wanted:
                samples.append(found)
        return tuple(samples)

    def places(self) -> Sequence[Path]:
        """Where the sources are."""
        return tuple(part.model.place for part in self.draft.parts.values())

    def check(self) -> None:
        """Compares every checksum of the checkpoints.

        Raises:
            DamagedFile, MissingFile: a source's checkpoint is not what its index says.
        """
        for bundle, prefix in self.draft.checkpoints:
            check_bundle(bundle, prefix)

    def write(self, stage: Stage) -> None:
        """Everything but the proof."""
        draft = self.draft
        stage.need(draft.nbytes)
        stage.write("saved_model.pb", draft.serialize())
        if draft.checkpoints or draft.tracked is not None:
            from workbench.disk.checkpoint.bundle_write import Alias, JoinPart, join
            from workbench.model.objects import OBJECT_GRAPH_KEY

            out = stage.folder / "variables" / "variables"
            parts = [
                JoinPart(
                    bundle,
                    prefix,
                    aliases=[Alias(a.key, a.of, a.slice_of) for a in draft.aliases if a.part == prefix],
                )
                for bundle, prefix in draft.checkpoints
            ]
            extra: dict[str, Tensor] = {}
            if draft.tracked is not None:
                graph = draft.tracked.SerializeToString(deterministic=True)
                extra[OBJECT_GRAPH_KEY] = (dtypes.STRING, (), [graph])
            join(
                parts,
                out,
                extra=extra,
                progress=lambda done, total: self.progress("write", f"variables {done}/{total}"),
            )
        for copied in draft.files:
            stage.copy(copied.path, copied.relative)
        stage.write(f"assets.extra/{RECIPE}", draft.recipe)


def _own_signature(part: ImportedModel) -> Signature | None:
    """The signature by which a source is held against itself with its calls opened."""
    return part.chosen or next(iter(part.model.meta.signatures.values()), None)
