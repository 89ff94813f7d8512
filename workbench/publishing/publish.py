"""How a result becomes a folder, whatever it is: checked, proven and published, all or nothing.

The order is chosen so that what can fail without writing fails first: the target is looked at, the sources are run as
the reference, and only then is the result written beside the target, loaded, run, compared, and renamed into place.
"""

from __future__ import annotations

import json
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar

from workbench.describe.actions import finding_json, hint_json
from workbench.disk.atomic.stage import Stage
from workbench.errors import DamagedFile, MissingFile, RuntimeFailure, WrongType, expect
from workbench.findings import Action, Finding, Hint
from workbench.names import count, show
from workbench.surgery.recipe import PROOF

if TYPE_CHECKING:
    from workbench.disk.checkpoint.bundle import Bundle
    from workbench.model import MetaGraph, Signature
    from workbench.runtime.chain import ResultModel
    from workbench.runtime.chain import Stage as ChainStage
    from workbench.runtime.child_process.child import Child
    from workbench.runtime.child_process.private_copy import Copies
    from workbench.runtime.comparison.verification import Verification
    from workbench.runtime.comparison.verify import Verifier

Result = TypeVar("Result")

Progress = Callable[[str, str], None]
"""Called with a phase (`check`, `reference`, `write`, `load`, `compare`, `publish`) and what happens in it."""


@dataclass(frozen=True, slots=True)
class Proving:
    """Options for verifying a result.

    Attributes:
        inputs: values by key of the result's signature, or several such samples; what is missing is made from the
            graph.
        tolerance: relative; None for the one of each dtype.
        python: interpreter with TensorFlow; None for the running one.
        imports: modules to import after TensorFlow, for the ops they register.
        op_libraries: shared objects with custom ops.
        gpu: let TensorFlow see GPUs.
        time_limit: seconds for each request to the child; None for the default.
        allow_unsafe: run models from which dangerous ops are reachable.
        seed: of the made inputs.
    """

    inputs: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    tolerance: float | None = None
    python: str | None = None
    imports: Sequence[str] = ()
    op_libraries: Sequence[str] = ()
    gpu: bool = False
    time_limit: float | None = None
    allow_unsafe: bool = False
    seed: int = 0

    @property
    def given(self) -> tuple[Mapping[str, Any], ...]:
        """The samples that were given."""
        if self.inputs is None:
            return ()
        given = (self.inputs,) if isinstance(self.inputs, Mapping) else self.inputs
        if not isinstance(given, Sequence) or not all(isinstance(sample, Mapping) for sample in given):
            raise WrongType(
                "The inputs", "a dict of input keys to values, or a list of such dicts", self.inputs
            )
        return tuple(given)


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a commit.

    Attributes:
        path: the published folder, or None if nothing was published.
        verdict: `verified`, `differs`, `inconclusive`, `not run`, or `unverified` (asked not to).
        reason: why it is not `verified`, or what it rests on.
        verification: differences by output and loader, if it was run; of several signatures that of the first, or
            of the one that stopped it.
        others: of several signatures that were run, the rest, by key.
        findings: those of the draft.
        nbytes: bytes written.
        seconds: by phase.
        unsafe: what it would do besides computing, where it was not run for that reason.
        hint: the next move where nothing was published, or None.
    """

    path: Path | None
    verdict: str
    reason: str
    verification: Verification | None = None
    others: Mapping[str, Verification] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    nbytes: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    unsafe: str | None = None
    hint: str | None = None

    @property
    def published(self) -> bool:
        """Whether the result is on disk."""
        return self.path is not None

    def __repr__(self) -> str:
        where = "not published" if self.path is None else show(os.fspath(self.path))
        findings = f"; {count(len(self.findings), 'finding')}" if self.findings else ""
        return f"<Report {self.verdict}: {where}; {show(self.reason)}{findings}>"

    def as_json(self) -> dict[str, Any]:
        """Return the report as `merge --json` shows it."""
        found = {
            "schema_version": 1,
            "path": str(self.path) if self.path is not None else None,
            "verdict": self.verdict,
            "reason": self.reason,
            **hint_json(self.hint),
            "verification": self.verification.as_json() if self.verification is not None else None,
            "findings": [finding_json(finding) for finding in self.findings],
            "bytes": self.nbytes,
            "seconds": {phase: round(seconds, 3) for phase, seconds in self.seconds.items()},
        }
        if self.others:
            found["others"] = {key: one.as_json() for key, one in self.others.items()}
        return found


@dataclass(frozen=True, slots=True)
class Trial:
    """What is run to prove one signature of the result.

    Attributes:
        signature: of the result.
        verifier: has the reference.
    """

    signature: Signature
    verifier: Verifier


class Running:
    """Something that runs TensorFlow in phases.

    Args:
        proving: how.
        progress: is told what is going on.
    """

    def __init__(self, proving: Proving, progress: Progress | None) -> None:
        expect(proving, Proving, "The options (proving)", "a Proving")
        expect(proving.tolerance, (int, float, NoneType), "The tolerance", "a number")
        self.proving = proving
        self.progress: Progress = progress or (lambda phase, text: None)
        self.seconds: dict[str, float] = {}

    def given(self, meta: MetaGraph, signature: Signature) -> tuple[dict[str, Any], ...]:
        """Return the samples that were given, as arrays that fit the inputs of a signature.

        Raises:
            InputError: no such key, or a value that does not fit.
        """
        if not self.proving.given:
            return ()
        from workbench.runtime.component_tensors import input_slots
        from workbench.runtime.inputs.values import to_values

        slots = input_slots(meta, signature)
        return tuple(to_values(one, signature, slots) for one in self.proving.given)

    def timed(self, phase: str, text: str, work: Callable[[], Result]) -> Result:
        """Does a phase and notes how long it took."""
        self.progress(phase, text)
        started = time.monotonic()
        try:
            return work()
        finally:
            self.seconds[phase] = self.seconds.get(phase, 0.0) + time.monotonic() - started

    @cached_property
    def copies(self) -> Copies:
        """What models are loaded from; whoever runs them enters it, and leaves it when they were run."""
        from workbench.runtime.child_process.private_copy import Copies

        return Copies()

    def compare(self, verifier: Verifier, result: ResultModel) -> Verification:
        """Runs a result against a reference that was run; what depends on where a model lies is no difference."""
        from workbench.runtime.comparison.relocation import unless_by_path

        return unless_by_path(verifier.result(result), verifier, self.copies)

    def new_child(self) -> Child:
        """The child process, not started yet."""
        from workbench.runtime.child_process.child import TIME_LIMIT, Child

        options = self.proving
        return Child(
            options.python,
            imports=options.imports,
            op_libraries=options.op_libraries,
            gpu=options.gpu,
            time_limit=options.time_limit or TIME_LIMIT,
            on_progress=lambda text: self.progress("tensorflow", text),
        )


class Work(Running, ABC):
    """One result on its way to disk: what differs from kind to kind.

    Args:
        proving: how it is proven.
        progress: is told what is going on.
        findings: those of the result.
    """

    def __init__(self, proving: Proving, progress: Progress | None, findings: Sequence[Finding]) -> None:
        super().__init__(proving, progress)
        self.findings = findings

    @property
    @abstractmethod
    def meta(self) -> MetaGraph:
        """The MetaGraph of the result."""

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """Bytes to be written."""

    @abstractmethod
    def proven(self) -> Sequence[str]:
        """Keys of the signatures that are run to prove it."""

    @abstractmethod
    def trial(self, child: Child, key: str) -> Trial:
        """The reference of one of them."""

    @abstractmethod
    def stages(self) -> Iterator[tuple[ChainStage, MetaGraph]]:
        """What else is run to prove it: the sources, each with the MetaGraph it loads."""

    @abstractmethod
    def places(self) -> Sequence[Path]:
        """The sources on disk, in which nothing may be written."""

    @abstractmethod
    def check(self) -> None:
        """Looks at what is to be copied.

        Raises:
            DamagedFile, MissingFile: something is not what it should be.
        """

    def prepare(self, child: Child) -> Verification | None:
        """Proves what only the verification needs; a verdict if that goes wrong."""
        del child
        return None

    @abstractmethod
    def write(self, stage: Stage) -> None:
        """Writes everything but the proof."""

    def report(
        self,
        path: Path | None,
        verdict: str,
        reason: str,
        verification: Verification | None = None,
        others: Mapping[str, Verification] | None = None,
    ) -> Report:
        """What became of it."""
        return Report(
            path, verdict, reason, verification, others or {}, self.findings, self.nbytes, self.seconds,
            hint=verification.hint if verification is not None and path is None else None,
        )  # fmt: skip

    def unsafe(self, child: Child | None = None) -> str | None:
        """Why running it needs the user's word (R12), or None; `child` as for `unsafe`."""
        return unsafe(self.meta, self.proven(), self.stages(), child, allowed=self.proving.allow_unsafe)


ALLOW = Hint("If you trust it, ", Action("allow-unsafe"))


def unsafe(
    meta: MetaGraph,
    keys: Sequence[str],
    stages: Iterable[tuple[ChainStage, MetaGraph]],
    child: Child | None = None,
    *,
    allowed: bool = False,
) -> str | None:
    """What running a result against its sources could do besides computing, or None.

    Args:
        meta: the MetaGraph of the result.
        keys: its signatures that are run.
        stages: the sources that are run, each with the MetaGraph it loads.
        child: the process they are run in, started. Only what its TensorFlow may do besides is looked for: nothing,
            where the walk knows its loaders.
        allowed: the user's word was given.

    Raises:
        WorkbenchError: an asset of one of them lies outside the model; nobody's word is enough for that.
    """
    from workbench.checks.unsafe import dangerous, tell
    from workbench.model.assets import check_inside
    from workbench.publishing import reference as prove
    from workbench.runtime.child_process.unread_version import told_of, unread_version

    stages = list(stages)
    for loaded in (meta, *(loaded for _, loaded in stages)):
        check_inside(loaded.assets)
    version = unread_version(child) if child is not None else None
    if allowed or (child is not None and version is None):
        return None
    told = tell(dangerous(meta, keys, tensorflow=version))
    for stage, loaded in stages if not told else ():
        told = tell(prove.dangers(stage, loaded, version), f"The source {show(stage.name)}")
        if told:
            break
    return f"{told}{told_of(version)}" if told else None


def publish(
    work: Work, target: str | Path, *, serving: bool = False, verify: bool = True, child: Child | None = None
) -> Report:
    """Writes a result, proves it, and publishes it: all or nothing.

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
        trials: list[Trial] = []
        if verify:
            if not work.proven():
                return work.report(None, "not run", "It has no signature that could be run.")
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
            trials = [work.trial(running, key) for key in work.proven()]
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
        for trial in trials:
            early = work.timed("reference", "running the sources", trial.verifier.reference)
            if early is not None:
                reason = _about(trial.signature.key, early.reason, work)
                return work.report(None, early.verdict, reason, early)
        work.timed("write", "writing the result", lambda: work.write(stage))
        if not verify:
            checked.result()
            path = work.timed("publish", "publishing", stage.publish)
            return work.report(path, "unverified", "It was not run, as asked for.")
        return _prove(work, stage, trials)


class Beside:
    """Work on a thread of its own, begun at once. It ends with the process if nobody asks for its result.

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
        """Waits for its end, and raises what it raised."""
        self._thread.join()
        if self._problem is not None:
            raise self._problem


def _prove(work: Work, stage: Stage, trials: Sequence[Trial]) -> Report:
    """Loads, runs and compares what was written, and publishes it if that went well."""
    from workbench.runtime.chain import ModelRef, ResultModel
    from workbench.runtime.comparison.verdict import worst

    model = work.copies.of_result(ModelRef(stage.folder, work.meta.tags, shown=stage.target.absolute()))
    found: dict[str, Verification] = {}
    for trial in trials:
        result = ResultModel(model, trial.signature)
        found[trial.signature.key] = work.timed(
            "verify",
            "loading and running the result",
            lambda: work.compare(trial.verifier, result),  # noqa: B023
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


def not_of_these(found: Verification, changed: str) -> Verification:
    """The same without its verdict: a file changed while the models were run, so that it is about no one state."""
    reason = f"{changed} while the models were run. Verify again when nothing writes there."
    return replace(found, verdict="inconclusive", reason=reason)


def _about(key: str, reason: str, work: Work) -> str:
    """A reason with the signature it is about, if there are several."""
    return f"{show(key)}: {reason}" if len(work.proven()) > 1 else reason


def check_bundle(bundle: Bundle, owner: str) -> None:
    """Compares every checksum of a checkpoint: bytes that are copied unread could pass damage on.

    Args:
        bundle: the checkpoint.
        owner: whose it is, for the message.

    Raises:
        DamagedFile, MissingFile: it is not what its index says.
    """
    bad = [finding for finding in bundle.verify() if finding.severity == "error"]
    if not bad:
        _refuse_strangers(bundle)
        return
    first = bad[0]
    file, message = first.where, first.message
    if first.code == "bad-tensor":
        path = _data_file(bundle, first.where)
        _refuse_pointer(path)
        file, message = show(str(path)), f"The tensor {first.where} is damaged. {message}"
    kind = MissingFile if first.code == "missing-shard" else DamagedFile
    raise kind(
        message + (f" {len(bad) - 1} more like this." if len(bad) > 1 else ""),
        where=file,
        hint=f"{first.hint or ''} Fetch the whole variables/ folder of {show(owner)} again.".lstrip(),
    )


def _refuse_strangers(bundle: Bundle) -> None:
    """A link may lead to any file of the user's, and data files are copied whole.

    What lies outside the model has to be a data file to its last byte: each under a checksum that was known to whoever
    made the index.
    """
    from workbench.disk.folder.assets import stays_inside

    for number, path in enumerate(bundle.shards):
        if stays_inside(bundle.prefix.parent.parent, path) or path not in bundle.present_shards:
            continue
        strange = bundle.uncovered(number)
        if strange:
            raise DamagedFile(
                f"This data file lies outside the model, at {show(os.path.realpath(path))}, and {strange} of its bytes "
                "belong to no tensor: copied into a result they could give away what is not the model's.",
                where=show(str(path)),
                hint="If you trust the model, copy it with its links followed (cp -rL) and give the copy.",
            )


def _data_file(bundle: Bundle, shown: str) -> Path:
    """The data file of a tensor, by its key as it is shown; the checkpoint's prefix if it has none."""
    for key in bundle.keys():  # noqa: SIM118 (a bundle is no mapping)
        if show(key) == shown:
            for part in bundle.entry(key).parts():
                return bundle.shards[part.shard]
    return bundle.prefix


def _refuse_pointer(path: Path) -> None:
    """A Git LFS pointer can be as long as a small data file; its tensors are then merely wrong."""
    from workbench.disk.checkpoint.bundle_read import refuse_pointer

    if path.is_file():
        with path.open("rb") as file:
            refuse_pointer(file.read(100), path)
