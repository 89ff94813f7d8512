"""Verification of a result on disk against the sources in its recipe."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from workbench.disk.folder.digests import digest
from workbench.disk.folder.location import find
from workbench.errors import RuntimeFailure, WorkbenchError
from workbench.names import show
from workbench.publishing.checksums import check_bundle
from workbench.publishing.unsafe import ALLOW, unsafe
from workbench.publishing.work import Work, not_of_these
from workbench.verification.report import Proof

if TYPE_CHECKING:
    from workbench.model import MetaGraph, Model
    from workbench.runtime.child_process.child import Child
    from workbench.runtime.comparison.verification import Verification
    from workbench.verification.replay import Replayed


def verify_again(result: Model, replayed: Replayed, work: Work, child: Child | None = None) -> Proof:
    """Run a result and its sources, by every signature that was verified before.

    Args:
        result: the result.
        replayed: what it was made by.
        work: the same as something that can be proven.
        child: a running TensorFlow process to use and leave running; None starts one and ends it.

    Raises:
        DamagedFile, MissingFile: the checkpoint of the result, or of a source, is not what its index says.
    """
    return _Again(result, replayed, work).run(child)


class _Again:
    """One verification."""

    def __init__(self, result: Model, replayed: Replayed, work: Work) -> None:
        self.result = result
        self.replayed = replayed
        self.work = work
        self.notes: list[str] = list(replayed.notes)
        self.found: dict[str, Verification] = {}

    def run(self, child: Child | None) -> Proof:
        meta = self._meta()
        if isinstance(meta, str):
            return self._proof("differs", meta)
        work, keys = self.work, self.work.verified()
        missing = [key for key in keys if key not in meta.signatures]
        if missing:
            return self._proof("differs", f"The result has no signature {show(missing[0])!r}.")
        self._compare_graphs()
        if not keys:
            return self._proof("not run", "It has no signature that could be run.")
        told = unsafe(meta, keys, work.stages(), allowed=work.proving.allow_unsafe)
        if told is not None:
            return self._proof("not run", told, ALLOW)
        with ExitStack() as stack:
            running = child or stack.enter_context(work.new_child())
            try:
                running.start()
                told = None if work.proving.allow_unsafe else unsafe(meta, keys, work.stages(), running)
            except RuntimeFailure as error:
                return self._proof("not run", error.message, error.hint)
            if told is not None:
                return self._proof("not run", told, ALLOW)
            work.timed("check", "checking the checkpoints", partial(self._check, work))
            stack.enter_context(work.copies)
            return self._run(meta, running)

    def _meta(self) -> MetaGraph | str:
        """Return the result's MetaGraph that the recipe made, or what is wrong."""
        try:
            return self.result.select(self.work.meta.tags)
        except WorkbenchError as error:
            return f"{error.message} {error.hint or ''}".strip()

    def _compare_graphs(self) -> None:
        if self.result.location.file.read_bytes() == self.replayed.serialize():
            self.notes.append("Its graph is byte for byte what the recipe makes of these sources.")
        else:
            self.notes.append(
                "Its graph is not byte for byte what this version of workbench makes of the recipe and these sources."
            )

    def _check(self, work: Work) -> None:
        work.check()
        if self.result.bundle is not None:
            check_bundle(self.result.bundle, str(self.result.path))
        elif self.result.bundle_problem is not None:
            raise self.result.bundle_problem

    def _run(self, meta: MetaGraph, child: Child) -> Proof:
        from workbench.runtime.chain import ResultModel
        from workbench.runtime.comparison.verdict import worst

        work = self.work
        unfit = work.prepare(child)
        if unfit is not None:
            return self._proof(unfit.verdict, unfit.reason, unfit.hint)
        for key in work.verified():
            running = work.verifier_of(child, key)
            model = ResultModel(work.copies.of(self.result, meta), meta.signatures[key], "the result")
            verification = work.timed("reference", "running the sources", running.verifier.reference)
            if verification is None:
                run: Callable[[], Verification] = partial(work.compare, running.verifier, model)
                verification = work.timed("verify", "loading and running the result", run)
            self.found[key] = verification
        changed = self._changed()
        if changed is not None:
            self.found = {key: not_of_these(one, changed) for key, one in self.found.items()}
        verdict = worst([one.verdict for one in self.found.values()])
        told = {key: one for key, one in self.found.items() if one.verdict == verdict}
        hint = next((one.hint for one in told.values() if one.hint), None)
        reasons = {one.reason for one in told.values()}
        if len(reasons) == 1 and len(told) == len(self.found):
            return self._proof(verdict, reasons.pop(), hint)
        return self._proof(verdict, " ".join(f"{show(key)}: {one.reason}" for key, one in told.items()), hint)

    def _changed(self) -> str | None:
        """Return what changed since the recipe was written, or None.

        It is a source with another digest, or a file that changed.

        Both are asked after the run: a digest is of what was run if no file has changed since that was opened.
        """
        for source in self.replayed.sources:
            if digest(find(source.path)) != source.digest:
                return f"The source {show(source.handle)} ({show(str(source.path))}) was changed"
        return self.work.copies.changed()

    def _proof(self, verdict: str, reason: str, hint: str | None = None) -> Proof:
        sources = self.replayed.sources
        again = [show(one.handle) for one in sources if one.made_again]
        if again:
            self.notes.append(f"Made again from its own recipe: {', '.join(again)}.")
        return Proof(
            self.result.path,
            verdict,
            reason,
            hint,
            sources=sources,
            signatures=self.found,
            notes=tuple(self.notes),
            seconds=self.work.seconds,
        )
