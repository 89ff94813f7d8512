"""A draft on its way to disk: verification, checks and files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.disk.atomic.stage import Stage
from workbench.publishing.checksums import check_bundle
from workbench.publishing.report import Report
from workbench.publishing.running import Progress, Proving, Running
from workbench.publishing.unsafe import unsafe
from workbench.surgery.draft import Draft
from workbench.surgery.recipe import RECIPE

if TYPE_CHECKING:
    from workbench.model import MetaGraph, Signature
    from workbench.runtime.chain import Sample
    from workbench.runtime.chain import Stage as ChainStage
    from workbench.runtime.child_process.child import Child
    from workbench.runtime.comparison.verification import Verification
    from workbench.runtime.comparison.verify import Verifier
    from workbench.surgery.imported import ImportedModel


class SignatureVerifier(NamedTuple):
    """A signature of the result with the verifier that runs it.

    Attributes:
        signature: of the result.
        verifier: has the reference.
    """

    signature: Signature
    verifier: Verifier


class Work(Running):
    """A draft that is verified and published.

    Args:
        draft: the draft.
        proving: how it is verified; None for the usual way.
        progress: receives what is being done.
    """

    def __init__(
        self, draft: Draft, proving: Proving | None = None, progress: Progress | None = None
    ) -> None:
        super().__init__(Proving() if proving is None else proving, progress)
        self.draft = draft

    @property
    def meta(self) -> MetaGraph:
        """The MetaGraph of the result."""
        return self.draft.meta

    def verified(self) -> Sequence[str]:
        """Return the keys of the signatures that are run to verify it."""
        return tuple(self.draft.references)

    def stages(self) -> Iterator[tuple[ChainStage, MetaGraph]]:
        """Yield what is run besides the result: the sources with their MetaGraphs."""
        from workbench.publishing import reference

        for part in self.draft.parts.values():
            signature = part.inlined and _own_signature(part)
            if signature:
                yield reference.own_chain(part, signature).stages[0], part.model.meta
        for key in self.verified():
            yield from reference.stages(self.draft, key)

    def verifier_of(self, child: Child, key: str) -> SignatureVerifier:
        """Return the sources as the reference of one signature, and inputs for them."""
        from workbench.publishing import reference
        from workbench.runtime.comparison.verify import Verifier
        from workbench.runtime.inputs.make_inputs import sample_source

        draft, options = self.draft, self.proving
        signature = self.meta.signatures[key]
        given = self.given(self.meta, signature) if key == self.verified()[0] else ()
        source = sample_source(
            self.meta,
            signature,
            given,
            seed=options.seed,
            assets={asset.tensor: asset.path for asset in self.meta.assets if asset.path is not None},
            batch=draft.join.batch,
            batches=reference.ROW_COUNTS if draft.references[key].rows is not None else (),
            groups=reference.groups(draft, key),
        )
        if defaults := draft.references[key].defaults:
            source = source.also_without(defaults)
        verifier = Verifier(
            child,
            reference.chain(draft, key, self.copies.of),
            source,
            tolerance=options.tolerance,
            depends=reference.depends(draft, key),
            time_limit=options.time_limit,
        )
        return SignatureVerifier(signature, verifier)

    def prepare(self, child: Child) -> Verification | None:
        """Verify the copies of sources in which calls are inlined.

        What lies inside a call can't be fetched from the source itself, so the reference is a copy with the call
        inlined; that it is the same model is shown by its own signature, on inputs of its own.

        Returns:
            What stops the commit, or None.
        """
        for handle, part in self.draft.parts.items():
            if part.inlined is None:
                continue
            text = f"comparing {handle} with its calls inlined and the original"
            unfit = self.timed("reference", text, partial(self._verify_opened, child, part))
            if unfit is not None:
                return unfit
        return None

    def _verify_opened(self, child: Child, part: ImportedModel) -> Verification | None:
        from workbench.publishing import reference
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
            reference.own_chain(part, signature, self.copies.of),
            source,
            tolerance=options.tolerance,
            time_limit=options.time_limit,
        )
        own = ResultModel(self.copies.of(part.model, part.meta), signature)
        found = verifier.reference() or self.compare(verifier, own)
        if found.ok:
            return None
        reason = (
            f"{part.handle} with its calls inlined could not be compared with the original: {found.reason}"
        )
        return replace(found, verdict="inconclusive", reason=reason)

    def _given_to(self, part: ImportedModel, signature: Signature) -> tuple[Sample, ...]:
        """Return the user's values for a source's own signature, if complete."""
        from workbench.runtime.component_tensors import component_names

        result = self.draft.signature
        wanted = {name for own in signature.inputs.values() for name in component_names(own)}
        samples = []
        for given in self.proving.given:
            found: dict[str, Any] = {}
            for port in self.draft.interface.inputs:
                for key in port.own_keys(part.handle):
                    own = signature.inputs.get(key)
                    if own is None or port.key not in result.inputs:
                        continue
                    pairs = zip(component_names(own), component_names(result.inputs[port.key]), strict=True)
                    found |= {name: given[component] for name, component in pairs if component in given}
            if found and found.keys() == wanted:
                samples.append(found)
        return tuple(samples)

    def places(self) -> Sequence[Path]:
        """Return where the sources are, in which nothing may be written."""
        return tuple(part.model.place for part in self.draft.parts.values())

    def check(self) -> None:
        """Look at what is copied: every checksum of the checkpoints, and the files.

        Raises:
            DamagedFile, MissingFile: something is not what it should be.
        """
        _ = self.draft.files
        for bundle, owner in self.draft.checkpoints:
            check_bundle(bundle, owner)

    def write(self, stage: Stage) -> None:
        """Write everything but the proof."""
        draft = self.draft
        stage.need(draft.nbytes)
        stage.write("saved_model.pb", *draft.parts_of_message)
        if draft.checkpoint.how == "join":
            from workbench.disk.checkpoint.bundle_write import join

            join(
                draft.checkpoint.parts,
                stage.folder / "variables" / "variables",
                extra=draft.checkpoint.tensors,
                progress=lambda done, total: self.progress("write", f"variables {done}/{total}"),
            )
        for copied in draft.files:
            stage.copy(copied.path, copied.relative)
        stage.write(f"assets.extra/{RECIPE}", draft.recipe)

    def report(
        self,
        path: Path | None,
        verdict: str,
        reason: str,
        verification: Verification | None = None,
        others: Mapping[str, Verification] | None = None,
    ) -> Report:
        """Return what became of it."""
        return Report(
            path,
            verdict,
            reason,
            verification,
            others or {},
            self.draft.findings,
            self.draft.nbytes,
            self.seconds,
            hint=verification.hint if verification is not None and path is None else None,
        )

    def unsafe(self, child: Child | None = None) -> str | None:
        """Return why running it needs the user's consent (R12), or None.

        `child` is as for `unsafe`.
        """
        return unsafe(self.meta, self.verified(), self.stages(), child, allowed=self.proving.allow_unsafe)


def not_of_these(found: Verification, changed: str) -> Verification:
    """Return a verification as inconclusive: a file changed during the run."""
    reason = f"{changed} while the models were run. Verify again when nothing writes there."
    return replace(found, verdict="inconclusive", reason=reason)


def _own_signature(part: ImportedModel) -> Signature | None:
    """Return the signature by which a source is compared with its inlined copy."""
    return part.chosen or next(iter(part.model.meta.signatures.values()), None)
