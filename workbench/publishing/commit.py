"""Commit: a draft becomes a folder, verified first. All or nothing.

The order is chosen so that what can fail without writing fails first: the target is looked at, the sources are run as
the reference, and only then is the result written beside the target, loaded, run, compared, and renamed into place.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.disk.atomic.stage import Stage
from workbench.errors import RuntimeFailure, expect
from workbench.findings import Action, Hint
from workbench.names import show
from workbench.publishing.report import Report
from workbench.publishing.running import Progress, Proving
from workbench.publishing.unsafe import ALLOW
from workbench.publishing.work import SignatureVerifier, Work, not_of_these
from workbench.surgery.draft import Draft
from workbench.surgery.recipe import PROOF

if TYPE_CHECKING:
    from workbench.runtime.child_process.child import Child
    from workbench.runtime.comparison.verification import Verification

_NO_SIGNATURE = "It has no signature that could be run."
_UNVERIFIED = Hint(
    "Add a signature in a step before, or publish the result without running it: ", Action("no-verify")
)


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

    Every signature in `draft.references` is run, and all of them must be equal.

    Args:
        draft: what `apply` gave.
        target: the new folder; it must not exist. With `serving`, the folder under which the next version number
            is made.
        serving: write a numbered version under `target`.
        verify: run the result against its sources; only a `verified` one is published.
        proving: inputs, tolerance, interpreter and the like; inputs are for the first of the signatures.
        child: a running TensorFlow process to use and leave running; None starts one and ends it.
        progress: receives what is being done.

    Returns:
        The report; `published` tells whether there is a folder now.

    Raises:
        TargetExists, CannotWrite, MissingFile, DamagedFile: nothing was left behind.
        WrongType: it is no draft, or the target is no path.
    """
    expect(draft, Draft, "A draft", "what apply(plan) returns")
    expect(target, (str, os.PathLike), "The target", "a path (text or pathlib.Path)")
    return publish(Work(draft, proving, progress), target, serving=serving, verify=verify, child=child)


def publish(
    work: Work, target: str | Path, *, serving: bool = False, verify: bool = True, child: Child | None = None
) -> Report:
    """Write a result, verify it, and publish it: all or nothing.

    Args:
        work: the result.
        target: the new folder; it must not exist. With `serving`, the folder under which the next version number
            is made.
        serving: write a numbered version under `target`.
        verify: run the result against its sources; only a `verified` one is published.
        child: a running TensorFlow process to use and leave running; None starts one and ends it.

    Raises:
        TargetExists, CannotWrite, MissingFile, DamagedFile: nothing was left behind.
    """
    with ExitStack() as stack:
        stage = Stage(target, serving=serving, sources=work.places())
        verifiers: list[SignatureVerifier] = []
        if verify:
            if not work.verified():
                return replace(work.report(None, "not run", _NO_SIGNATURE), hint=_UNVERIFIED)
            told = work.unsafe()
            if told is not None:
                return replace(work.report(None, "not run", told), hint=ALLOW, unsafe=told)
            # TensorFlow is imported while the target is looked at and the inputs are made.
            running = child or stack.enter_context(work.new_child())
            try:
                running.start()
            except RuntimeFailure as error:
                return work.report(None, "not run", error.message)
        stack.enter_context(stage)
        # Where nothing is run in between, the checksums are compared while the result is written.
        checked = Beside(partial(work.timed, "check", "checking the checkpoints", work.check))
        if verify:
            checked.result()
            stack.enter_context(work.copies)
            verifiers = [work.verifier_of(running, key) for key in work.verified()]
            try:
                told = work.unsafe(running)
            except RuntimeFailure as error:
                from workbench.runtime.comparison.verification import not_run

                failed = not_run(error.message, error.hint)
                return work.report(None, failed.verdict, failed.reason, failed)
            if told is not None:
                return replace(work.report(None, "not run", told), hint=ALLOW, unsafe=told)
            unfit = work.prepare(running)
            if unfit is not None:
                return work.report(None, unfit.verdict, unfit.reason, unfit)
        for one in verifiers:
            early = work.timed("reference", "running the sources", one.verifier.reference)
            if early is not None:
                reason = _about(one.signature.key, early.reason, work)
                return work.report(None, early.verdict, reason, early)
        work.timed("write", "writing the result", lambda: work.write(stage))
        if not verify:
            checked.result()
            path = work.timed("publish", "publishing", stage.publish)
            return work.report(path, "unverified", "It was not run, as asked for.")
        return _verify(work, stage, verifiers)


class Beside:
    """Work on a thread of its own, which begins at once.

    It ends with the process if nobody asks for its result.

    Args:
        work: only reads, so that it may be left alone.
    """

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as problem:
            self._problem = problem

    def result(self) -> None:
        """Wait for the end of the work, and raise what it raised."""
        self._thread.join()
        if self._problem is not None:
            raise self._problem


def _verify(work: Work, stage: Stage, verifiers: Sequence[SignatureVerifier]) -> Report:
    """Load, run and compare what was written, and publish it if it is equal."""
    from workbench.runtime.chain import ModelRef, ResultModel
    from workbench.runtime.comparison.verdict import worst

    model = work.copies.of_result(ModelRef(stage.folder, work.meta.tags, shown=stage.target.absolute()))
    found: dict[str, Verification] = {}
    for one in verifiers:
        result = ResultModel(model, one.signature)
        found[one.signature.key] = work.timed(
            "verify",
            "loading and running the result",
            lambda: work.compare(one.verifier, result),  # noqa: B023
        )
    changed = work.copies.changed()
    if changed is not None:
        found = {key: not_of_these(one, changed) for key, one in found.items()}
    verdict = worst([one.verdict for one in found.values()])
    if verdict != "verified":
        key, bad = next((key, one) for key, one in found.items() if one.verdict == verdict)
        return work.report(None, verdict, _about(key, bad.reason, work), bad)
    first, *others = found
    record = found[first].as_json()
    if others:
        record["others"] = {key: found[key].as_json() for key in others}
    proof = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    stage.write(f"assets.extra/{PROOF}", proof.encode())
    path = work.timed("publish", "publishing", stage.publish)
    reasons = {one.reason for one in found.values()}
    told = [_about(key, one.reason, work) for key, one in found.items()]
    reason = found[first].reason if len(reasons) == 1 else " ".join(told)
    return work.report(path, verdict, reason, found[first], {key: found[key] for key in others})


def _about(key: str, reason: str, work: Work) -> str:
    """Return a reason with the signature it is about, if there are several."""
    return f"{show(key)}: {reason}" if len(work.verified()) > 1 else reason
