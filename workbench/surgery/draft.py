"""From a plan to its findings and its draft: `check`, `apply` and `build`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import NoneType

from workbench.errors import PlanError, UsageError, WrongType, expect
from workbench.findings import Action, Finding, Hint, by_severity
from workbench.model import Model
from workbench.names import show
from workbench.notebook import Shown
from workbench.surgery.builder import Builder
from workbench.surgery.conditions.postconditions import check_join, check_steps
from workbench.surgery.conditions.preconditions import unsafe_findings
from workbench.surgery.operation import Operation
from workbench.surgery.plan import Plan, ResultOptions, Source
from workbench.surgery.resolve.join import look_up, open_sources
from workbench.surgery.result import Draft
from workbench.surgery.rewrite.outline import CannotOutline
from workbench.surgery.rewrite.prefix import Rule
from workbench.surgery.step import Step
from workbench.surgery.step_files import changed_files
from workbench.surgery.workspace import Workspace, begin

__all__ = ["CheckedPlan", "Draft", "apply", "assemble", "build", "check"]


class CheckedPlan(list[Finding], Shown):
    """The findings about a plan, errors first.

    Attributes:
        plan: the plan.
        draft: its result; None if a finding is an error.
    """

    def __init__(self, plan: Plan, draft: Draft | None, findings: Iterable[Finding]) -> None:
        super().__init__(findings)
        self.plan = plan
        self.draft = draft


def check(plan: Plan, models: Mapping[str, Model] | None = None) -> CheckedPlan:
    """Return all findings about a plan, errors first, and keep the draft for `apply`.

    Args:
        plan: the plan.
        models: opened models by handle, to spare opening them again.

    Raises:
        WrongType: it is no plan.
        WorkbenchError: a source can't be read at all.
    """
    _must_fit(plan, models)
    draft, findings = build(plan, models)
    if draft is not None:
        findings = by_severity([*findings, *unsafe_findings(draft.meta, draft.references)])
    return CheckedPlan(plan, draft, findings)


def apply(plan: Plan | CheckedPlan, models: Mapping[str, Model] | None = None) -> Draft:
    """Make the draft of a plan: its result in memory.

    Args:
        plan: the plan, or what `check` returned for it, which spares building it again.
        models: opened models by handle, to spare opening them again.

    Raises:
        PlanError: a finding is an error; it carries all findings.
        WrongType: it is no plan.
        WorkbenchError: a source can't be read at all.
    """
    if isinstance(plan, CheckedPlan):
        draft, findings = plan.draft, list(plan)
    else:
        _must_fit(plan, models)
        draft, findings = build(plan, models)
    if draft is None:
        errors = [finding for finding in findings if finding.severity == "error"]
        raise PlanError(
            f"The plan can't be applied: {errors[0].message}"
            + (f" ({len(errors) - 1} more errors.)" if len(errors) > 1 else ""),
            findings,
            where=errors[0].where,
            hint=errors[0].hint,
        )
    return draft


def _must_fit(plan: Plan, models: Mapping[str, Model] | None) -> None:
    if not isinstance(plan, Plan):
        hint = "For a model: workbench.check_model." if isinstance(plan, (str, os.PathLike, Model)) else None
        raise WrongType("A plan", "a Plan, as Plan.join makes it", plan, hint=hint)
    for source in plan.sources:
        expect(source, Source, "A source of a plan", "a Source")
    for step in plan.steps:
        expect(step, Step, "A step of a plan", "an operation, such as Connect(OUTPUT, INPUT)")
    expect(plan.result.signature, str, "The signature of a plan", "text")
    expect(models, (Mapping, NoneType), "The models", "a dict of handles to opened models")
    for model in (models or {}).values():
        expect(model, Model, "A model", "what open_model returns")
    missing = [] if models is None else [handle for handle in plan.handles if handle not in models]
    if missing:
        raise UsageError(f"There is no model for the handle {show(missing[0])!r}.", hint="Open all, or none.")


def build(
    plan: Plan, models: Mapping[str, Model] | None = None, *, without: Iterable[Rule] = ()
) -> tuple[Draft | None, list[Finding]]:
    """Check a plan and build its draft; return the draft or None, and all findings.

    Args:
        plan: the plan.
        models: opened models by handle.
        without: rename rules to leave out, for tests that show what each is for.

    Raises:
        WorkbenchError: a source can't be read at all.
    """
    changed = list(changed_files(plan.steps, plan.files))
    if changed:
        return None, changed
    models = open_sources(plan) if models is None else models
    if not plan.joins:
        return _change(plan, models)
    draft, findings = assemble(plan, models, without=without)
    first = len(plan.joining_steps)
    later = plan.steps[first:] if plan.steps[:first] == plan.joining_steps else plan.steps
    if draft is None or not later:
        return draft, findings
    before = draft.meta
    workspace = draft.workspace
    done = _steps(workspace, later, first=False)
    after = Draft(workspace, [], draft.interface, draft.logs, draft.rewritten)
    if done:
        check_steps(workspace, after.meta, before)
    findings = by_severity([*findings, *workspace.findings])
    if workspace.blocked:
        return None, findings
    after.findings = findings
    return after, findings


def _change(plan: Plan, models: Mapping[str, Model]) -> tuple[Draft | None, list[Finding]]:
    """Build the draft of a plan with one source, which keeps what no step changes."""
    workspace = begin(plan, models[plan.sources[0].handle])
    if plan.result != ResultOptions():
        workspace.note(
            "result-options",
            "error",
            "plan",
            "The options of a result are for models that are connected; this plan changes one model.",
            "Leave them out, and say it by steps.",
        )
    before = workspace.original
    done = _steps(workspace, plan.steps, first=True)
    if not workspace.references.verified:  # no step changed anything: the result is still verified
        workspace.verify_all()
    draft = Draft(workspace)
    if done:
        check_steps(workspace, draft.meta, before)
    if workspace.blocked:
        return None, by_severity(workspace.findings)
    draft.findings = workspace.findings
    return draft, workspace.findings


def _steps(workspace: Workspace, steps: Iterable[Step], *, first: bool) -> bool:
    """Apply operations in order and return whether no finding stopped one."""
    for step in steps:
        if workspace.blocked:
            return False
        if not first:
            workspace.next_step()
        first = False
        if not isinstance(step, Operation):
            _refuse_order(workspace, step)
            return False
        settled = step.settled(workspace)
        if settled is not step:
            steps_ = (settled if one is step else one for one in workspace.plan.steps)
            workspace.plan = replace(workspace.plan, steps=tuple(steps_))
        if not workspace.blocked:
            settled.apply(workspace)
    return not workspace.blocked


def _refuse_order(workspace: Workspace, step: Step) -> None:
    workspace.note(
        "step-order",
        "error",
        show(str(step), 1000),
        "Models are connected before a plan's other steps.",
        "Put this step before the others.",
    )


def assemble(
    plan: Plan, models: Mapping[str, Model], *, without: Iterable[Rule] = ()
) -> tuple[Draft | None, list[Finding]]:
    """Join the models of a plan by its wires, without its other steps.

    Arguments and result are those of `build`.
    """
    try:
        return _build(plan, models, frozenset(without), with_objects=plan.result.format != "tf1")
    except CannotOutline as problem:
        fallback = Finding(
            "tf1-format",
            "error" if plan.result.format == "tf2" else "info",
            show(problem.node),
            f"The result can't have an object graph, because {problem.why}.",
            Hint("", Action("leave-out-format", {"format": "tf2"}))
            if plan.result.format == "tf2"
            else "It is written in TF1 format: its signature "
            "works in every loader, its variables can be listed, but not trained in place.",
        )
    draft, findings = _build(plan, models, frozenset(without), with_objects=False)
    findings = by_severity([*findings, fallback])
    if draft is None or fallback.severity == "error":
        return None, findings
    draft.findings = findings
    return draft, findings


def _build(
    plan: Plan, models: Mapping[str, Model], without: frozenset[Rule], *, with_objects: bool
) -> tuple[Draft | None, list[Finding]]:
    join = look_up(plan, models)
    if join.blocked:
        return None, by_severity(join.findings)
    builder = Builder(join, without, with_objects=with_objects)
    draft = builder.build()
    # a draft without some rule is broken on purpose
    if draft is not None and not without and not check_join(draft.workspace.packed, join.parts.values()):
        draft = None
    findings = list(join.findings)
    for part in join.parts.values():
        findings += part.findings
    findings = by_severity(findings)
    if draft is None or any(finding.severity == "error" for finding in findings):
        return None, findings
    draft.findings = findings
    return draft, findings
