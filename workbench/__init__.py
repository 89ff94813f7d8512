"""Inspect TensorFlow SavedModels and join them: variables alive, checked, run and compared.

```python
import workbench as wb

plan = wb.Plan.join(image="./image", digits="./digits", wires=["pixels=myInput"])
report = wb.commit(wb.apply(plan), "merged")
```

Everything here is looked up when it is first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.notebook import set_writer as _set_writer
from workbench.version import __version__

if TYPE_CHECKING:
    from typing import Any

    from workbench import errors
    from workbench.checks.check import Checked, check_model
    from workbench.checks.opened import Model, open_model
    from workbench.checks.scan import scan
    from workbench.checks.unsafe import Danger
    from workbench.disk.dtypes import DType
    from workbench.disk.samples import sample_models
    from workbench.errors import (
        DiskError,
        InputError,
        NotAllowedToRun,
        NotASavedModel,
        PlanError,
        RuntimeFailure,
        TargetExists,
        UnknownName,
        UsageError,
        WorkbenchError,
    )
    from workbench.explaining.api import explain
    from workbench.explaining.explanation import Explanation
    from workbench.findings import Finding
    from workbench.graph.views import to_networkx
    from workbench.lessons.catalogue import list_lessons, open_lesson
    from workbench.lessons.lesson import Lesson
    from workbench.lessons.marking import Marked, mark_answers
    from workbench.lessons.proving import prove_lesson
    from workbench.lessons.walking.walk import Walk
    from workbench.model import MetaGraph
    from workbench.probing.probe import Probe, probe
    from workbench.probing.run import run
    from workbench.probing.wires import ProbedWires, probe_wires
    from workbench.publishing.commit import commit
    from workbench.publishing.report import Report
    from workbench.publishing.running import Proving
    from workbench.showing.draw import draw
    from workbench.surgery.draft import Draft, apply, check
    from workbench.surgery.operation import Operation
    from workbench.surgery.operations.adapt import Adapt
    from workbench.surgery.operations.clear_devices import ClearDevices
    from workbench.surgery.operations.concat import Concat
    from workbench.surgery.operations.connect import Connect
    from workbench.surgery.operations.default import Default
    from workbench.surgery.operations.drop_metagraph import DropMetagraph
    from workbench.surgery.operations.expose import Expose
    from workbench.surgery.operations.extract import Extract
    from workbench.surgery.operations.flatten import Flatten
    from workbench.surgery.operations.freeze import Freeze
    from workbench.surgery.operations.mean import Mean
    from workbench.surgery.operations.prune import Prune
    from workbench.surgery.operations.prune_dead import PruneDead
    from workbench.surgery.operations.reshape import Reshape
    from workbench.surgery.operations.retag import Retag
    from workbench.surgery.operations.set import Set
    from workbench.surgery.operations.share import Share
    from workbench.surgery.operations.signature import ChangeSignature
    from workbench.surgery.plan import Plan, ResultOptions, Source
    from workbench.surgery.shortcuts import change_signatures, flatten, freeze
    from workbench.surgery.signatures.changes import Added
    from workbench.surgery.step import Step, parse_step
    from workbench.verification.api import verify
    from workbench.verification.report import Proof

_HOMES = {
    "Adapt": "workbench.surgery.operations.adapt",
    "Added": "workbench.surgery.signatures.changes",
    "ChangeSignature": "workbench.surgery.operations.signature",
    "Checked": "workbench.checks.check",
    "Concat": "workbench.surgery.operations.concat",
    "ClearDevices": "workbench.surgery.operations.clear_devices",
    "Connect": "workbench.surgery.operations.connect",
    "DType": "workbench.disk.dtypes",
    "Danger": "workbench.checks.unsafe",
    "Default": "workbench.surgery.operations.default",
    "DiskError": "workbench.errors",
    "Draft": "workbench.surgery.draft",
    "Explanation": "workbench.explaining.explanation",
    "Expose": "workbench.surgery.operations.expose",
    "Extract": "workbench.surgery.operations.extract",
    "DropMetagraph": "workbench.surgery.operations.drop_metagraph",
    "Finding": "workbench.findings",
    "Flatten": "workbench.surgery.operations.flatten",
    "Freeze": "workbench.surgery.operations.freeze",
    "InputError": "workbench.errors",
    "Lesson": "workbench.lessons.lesson",
    "Marked": "workbench.lessons.marking",
    "Mean": "workbench.surgery.operations.mean",
    "MetaGraph": "workbench.model",
    "Model": "workbench.checks.opened",
    "NotASavedModel": "workbench.errors",
    "NotAllowedToRun": "workbench.errors",
    "Operation": "workbench.surgery.operation",
    "Plan": "workbench.surgery.plan",
    "PlanError": "workbench.errors",
    "Probe": "workbench.probing.probe",
    "ProbedWires": "workbench.probing.wires",
    "Proof": "workbench.verification.report",
    "Proving": "workbench.publishing.running",
    "Prune": "workbench.surgery.operations.prune",
    "PruneDead": "workbench.surgery.operations.prune_dead",
    "Report": "workbench.publishing.report",
    "Reshape": "workbench.surgery.operations.reshape",
    "ResultOptions": "workbench.surgery.plan",
    "Retag": "workbench.surgery.operations.retag",
    "RuntimeFailure": "workbench.errors",
    "Share": "workbench.surgery.operations.share",
    "Set": "workbench.surgery.operations.set",
    "Source": "workbench.surgery.plan",
    "TargetExists": "workbench.errors",
    "UnknownName": "workbench.errors",
    "UsageError": "workbench.errors",
    "WorkbenchError": "workbench.errors",
    "apply": "workbench.surgery.draft",
    "change_signatures": "workbench.surgery.shortcuts",
    "check": "workbench.surgery.draft",
    "check_model": "workbench.checks.check",
    "commit": "workbench.publishing.commit",
    "draw": "workbench.showing.draw",
    "explain": "workbench.explaining.api",
    "flatten": "workbench.surgery.shortcuts",
    "freeze": "workbench.surgery.shortcuts",
    "open_model": "workbench.checks.opened",
    "Step": "workbench.surgery.step",
    "parse_step": "workbench.surgery.step",
    "probe": "workbench.probing.probe",
    "probe_wires": "workbench.probing.wires",
    "run": "workbench.probing.run",
    "sample_models": "workbench.disk.samples",
    "scan": "workbench.checks.scan",
    "to_networkx": "workbench.graph.views",
    "verify": "workbench.verification.api",
    "Walk": "workbench.lessons.walking.walk",
    "list_lessons": "workbench.lessons.catalogue",
    "mark_answers": "workbench.lessons.marking",
    "open_lesson": "workbench.lessons.catalogue",
    "prove_lesson": "workbench.lessons.proving",
}

__all__ = [
    "Adapt", "Added", "ChangeSignature", "Checked", "ClearDevices", "Concat", "Connect", "DType", "Danger",
    "Default", "DiskError", "Draft", "DropMetagraph", "Explanation", "Expose", "Extract", "Finding",
    "Flatten", "Freeze", "InputError", "Lesson", "Marked", "Mean", "MetaGraph", "Model",
    "NotASavedModel", "NotAllowedToRun", "Operation", "Plan", "PlanError", "Probe", "ProbedWires",
    "Proof", "Proving", "Prune", "PruneDead", "Report", "Reshape", "ResultOptions", "Retag", "RuntimeFailure", "Set",
    "Share", "Source", "Step", "TargetExists", "UnknownName", "UsageError", "Walk", "WorkbenchError", "__version__",
    "apply", "change_signatures", "check", "check_model", "commit", "draw", "errors", "explain", "flatten",
    "freeze", "list_lessons", "mark_answers", "open_lesson", "open_model", "parse_step", "probe",
    "probe_wires", "prove_lesson", "run", "sample_models", "scan", "to_networkx", "verify",
]  # fmt: skip


def _to_html(item: object) -> str | None:
    from workbench.showing.notebook import to_html  # when a notebook asks, not before

    return to_html(item)


_set_writer(_to_html)

if not TYPE_CHECKING:  # a type checker takes names from the imports above; others do not exist for it

    def __getattr__(name: str) -> Any:
        from importlib import import_module

        if name == "errors":
            return import_module("workbench.errors")
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module 'workbench' has no attribute {name!r}")
        return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*__all__, "__all__", "__doc__", "__file__", "__name__", "__path__"})
