"""Commit: a draft becomes a folder, proven first. All or nothing.

The order is chosen so that what can fail without writing fails first: the target is looked at, the sources are run as
the reference, and only then is the result written beside the target, loaded, run, compared, and renamed into place.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from workbench.disk import dtypes
from workbench.disk.stage import Stage
from workbench.errors import DamagedFile, MissingFile, RuntimeFailure
from workbench.findings import Finding
from workbench.names import show
from workbench.surgery.draft import Draft
from workbench.surgery.recipe import PROOF, RECIPE

if TYPE_CHECKING:
    from workbench.disk.bundle_write import Tensor
    from workbench.runtime.child import Child
    from workbench.runtime.verification import Verification
    from workbench.runtime.verify import Verifier

Result = TypeVar("Result")

Progress = Callable[[str, str], None]
"""Called with a phase (`check`, `reference`, `write`, `load`, `compare`, `publish`) and what happens in it."""


@dataclass(frozen=True, slots=True)
class Proving:
    """How a result is proven.

    Attributes:
        inputs: values by key of the result's signature, or None to make them from the graph.
        tolerance: relative; None for the one of each dtype.
        python: interpreter with TensorFlow; None for the running one.
        imports: modules to import after TensorFlow, for the ops they register.
        op_libraries: shared objects with custom ops.
        gpu: let TensorFlow see GPUs.
        time_limit: seconds for each request to the child; None for the default.
        allow_unsafe: run models from which dangerous ops are reachable.
        seed: of the made inputs.
    """

    inputs: Mapping[str, Any] | None = None
    tolerance: float | None = None
    python: str | None = None
    imports: Sequence[str] = ()
    op_libraries: Sequence[str] = ()
    gpu: bool = False
    time_limit: float | None = None
    allow_unsafe: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a commit.

    Attributes:
        path: the published folder, or None if nothing was published.
        verdict: `verified`, `differs`, `inconclusive`, `not run`, or `unverified` (asked not to).
        reason: why it is not `verified`, or what it rests on.
        verification: differences by output and loader, if it was run.
        findings: those of the draft.
        nbytes: bytes written.
        seconds: by phase.
    """

    path: Path | None
    verdict: str
    reason: str
    verification: Verification | None = None
    findings: Sequence[Finding] = ()
    nbytes: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def published(self) -> bool:
        """Whether the result is on disk."""
        return self.path is not None

    def as_json(self) -> dict[str, Any]:
        """The report as `merge --json` shows it."""
        return {
            "schema_version": 1,
            "path": str(self.path) if self.path is not None else None,
            "verdict": self.verdict,
            "reason": self.reason,
            "verification": self.verification.as_json() if self.verification is not None else None,
            "findings": [finding.as_json() for finding in self.findings],
            "bytes": self.nbytes,
            "seconds": {phase: round(seconds, 3) for phase, seconds in self.seconds.items()},
        }


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
    """Writes a draft, proves it, and publishes it: all or nothing.

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
    """
    work = _Commit(draft, proving or Proving(), progress or (lambda phase, text: None))
    with ExitStack() as stack:
        stage = Stage(Path(target), serving=serving)
        verifier = None
        if verify:
            refused = work.refusal()
            if refused is not None:
                return work.report(None, "not run", refused)
            # TensorFlow is imported while the target is looked at and the inputs are made.
            running = child or stack.enter_context(work.new_child())
            try:
                running.start()
            except RuntimeFailure as error:
                return work.report(None, "not run", error.message)
        stack.enter_context(stage)
        work.timed("check", "checking the checkpoints", work.check)
        if verify:
            verifier = work.verifier(running)
            early = work.timed("reference", "running the sources one after the other", verifier.reference)
            if early is not None:
                return work.report(None, early.verdict, early.reason, early)
        work.timed("write", "writing the result", lambda: work.write(stage))
        if verifier is None:
            path = work.timed("publish", "publishing", stage.publish)
            return work.report(path, "unverified", "It was not run, as asked for.")
        verification = work.timed(
            "verify", "loading and running the result", lambda: work.result(verifier, stage)
        )
        if not verification.ok:
            return work.report(None, verification.verdict, verification.reason, verification)
        proof = json.dumps(verification.as_json(), indent=2, ensure_ascii=False) + "\n"
        stage.write(f"assets.extra/{PROOF}", proof.encode())
        path = work.timed("publish", "publishing", stage.publish)
        return work.report(path, verification.verdict, verification.reason, verification)


class _Commit:
    """The phases of one commit."""

    def __init__(self, draft: Draft, proving: Proving, progress: Progress) -> None:
        self.draft = draft
        self.proving = proving
        self.progress = progress
        self.seconds: dict[str, float] = {}

    def timed(self, phase: str, text: str, work: Callable[[], Result]) -> Result:
        """Does a phase and notes how long it took."""
        self.progress(phase, text)
        started = time.monotonic()
        try:
            return work()
        finally:
            self.seconds[phase] = self.seconds.get(phase, 0.0) + time.monotonic() - started

    def report(
        self, path: Path | None, verdict: str, reason: str, verification: Verification | None = None
    ) -> Report:
        """What became of it."""
        return Report(
            path, verdict, reason, verification, self.draft.findings, self.draft.nbytes, self.seconds
        )

    def refusal(self) -> str | None:
        """Why the draft may not be run (R12), or None."""
        if self.proving.allow_unsafe:
            return None
        from workbench.graph.danger import dangerous, tell

        found = dangerous(self.draft.meta, [self.draft.plan.signature])
        return f"{tell(found)} If you trust it, --allow-unsafe runs it." if found else None

    def new_child(self) -> Child:
        """The child process, not started yet."""
        from workbench.runtime.child import TIME_LIMIT, Child

        options = self.proving
        return Child(
            options.python,
            imports=options.imports,
            op_libraries=options.op_libraries,
            gpu=options.gpu,
            time_limit=options.time_limit or TIME_LIMIT,
            on_progress=lambda text: self.progress("tensorflow", text),
        )

    def verifier(self, child: Child) -> Verifier:
        """The reference and its inputs."""
        from workbench import prove
        from workbench.runtime.chain import SampleSource
        from workbench.runtime.verify import Verifier

        draft, options = self.draft, self.proving
        signature = prove.result_signature(draft)
        from workbench.runtime.make_inputs import sample_maker

        # beside a given input, made ones show whether the outputs move; what they can't run is left out
        source = SampleSource(
            given=() if options.inputs is None else (options.inputs,),
            make=sample_maker(draft.meta, signature, seed=options.seed, assets=prove.assets(draft)),
        )
        return Verifier(
            child,
            prove.reference_chain(draft),
            source,
            tolerance=options.tolerance,
            depends=prove.depends(draft),
            time_limit=options.time_limit,
        )

    def check(self) -> None:
        """Compares every checksum of the checkpoints: bytes that are copied unread could pass damage on.

        Raises:
            DamagedFile, MissingFile: a source's checkpoint is not what its index says.
        """
        for bundle, prefix in self.draft.checkpoints:
            bad = [finding for finding in bundle.verify() if finding.severity == "error"]
            if not bad:
                continue
            first = bad[0]
            of_file = first.code in ("missing-shard", "bad-shard")
            kind = MissingFile if first.code == "missing-shard" else DamagedFile
            more = f" {len(bad) - 1} more like this." if len(bad) > 1 else ""
            raise kind(
                (first.message if of_file else f"The tensor {first.where} is damaged. {first.message}")
                + more,
                where=first.where if of_file else show(str(bundle.prefix)),
                hint=f"{first.hint or ''} Fetch the whole variables/ folder of {show(prefix)} again.".lstrip(),
            )

    def write(self, stage: Stage) -> None:
        """Everything but the proof."""
        draft = self.draft
        stage.need(draft.nbytes)
        stage.write("saved_model.pb", draft.serialize())
        if draft.checkpoints or draft.tracked is not None:
            from workbench.disk.bundle_write import Alias, JoinPart, join
            from workbench.model.objects import OBJECT_GRAPH_KEY

            out = stage.folder / "variables" / "variables"
            out.parent.mkdir()
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

    def result(self, verifier: Verifier, stage: Stage) -> Verification:
        """Loads, runs and compares what was written."""
        from workbench import prove
        from workbench.runtime.chain import ModelRef, ResultModel

        draft = self.draft
        model = ModelRef(stage.folder, draft.plan.tags)
        return verifier.result(ResultModel(model, prove.result_signature(draft)))
