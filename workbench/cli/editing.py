"""Arguments and report that the commands which change a model share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli import verifying
from workbench.cli.arguments import add_overwrite
from workbench.cli.output import Output
from workbench.cli.verdict import files_and_findings, verdict
from workbench.describe.actions import finding_json
from workbench.errors import PlanError, UsageError
from workbench.state import remember_recipe
from workbench.surgery.plan import Plan

if TYPE_CHECKING:
    from workbench.findings import Finding
    from workbench.model import Model
    from workbench.publishing.report import Report
    from workbench.runtime.child_process.child import Child
    from workbench.surgery.draft import Draft
    from workbench.surgery.operation import Operation


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a command that changes one model."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="SavedModel folder or GraphDef file")
    parser.add_argument(
        "--tag-set", metavar="TAGS", help="tag set of the MetaGraph to change, such as serve,gpu"
    )
    add_result(parser)


def add_result(parser: argparse.ArgumentParser) -> None:
    """Add the arguments about the result."""
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="new folder for the result")
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, and write nothing")
    parser.add_argument("--serving", action="store_true", help="write to the next version number under DIR")
    parser.add_argument("--json", action="store_true", help="print one line of JSON to stdout")
    parser.add_argument(
        "--save-recipe", type=Path, metavar="FILE", help="save the plan as a recipe, which apply replays"
    )
    add_overwrite(parser, "--save-recipe")
    verifying.configure(parser)


def need_output(args: argparse.Namespace) -> None:
    """Look whether a place for the result is given.

    Raises:
        UsageError: it is not.
    """
    if args.output is None and not args.dry_run:
        raise UsageError(
            "No folder for the result is given.", hint="Add -o DIR, or --dry-run to write nothing."
        )


def open_it(args: argparse.Namespace) -> Model:
    """Return the model that the command changes.

    Raises:
        UsageError: no place for the result is given.
        WorkbenchError: it can't be opened.
    """
    from workbench.model import open_model

    need_output(args)
    return open_model(args.model, args.tag_set)


def edit_plan(args: argparse.Namespace, *steps: Operation) -> Plan:
    """Return the plan that changes the model of a command by steps."""
    from workbench.model.model import split_tags

    return Plan.edit(args.model, *steps, tags=None if args.tag_set is None else split_tags(args.tag_set))


def built(
    plan: Plan, models: Mapping[str, Model], message: str = "The model can't be changed like this"
) -> Draft:
    """Return the draft of a plan.

    Raises:
        PlanError: a finding forbids it.
    """
    from workbench.surgery.draft import build

    draft, findings = build(plan, models)
    if draft is None:
        raise PlanError(f"{message}: {_count(findings)}.", findings)
    return draft


def _count(findings: list[Finding]) -> str:
    errors = sum(finding.severity == "error" for finding in findings)
    return "one error" if errors == 1 else f"{errors} errors"


Page = Callable[["Draft"], tuple[Callable[[], None] | None, Mapping[str, Any]]]
"""Makes of a draft what is special about it: what shows it on a page, and the same as data for `--json`."""


def change_and_tell(
    plan: Plan, models: Mapping[str, Model], args: argparse.Namespace, out: Output, page: Page | None = None
) -> int:
    """Change models by a plan, write the result and report it; return the exit code.

    What would leave the result `not run` is reported before anything is changed: that can take long, and much memory.

    Args:
        plan: the plan.
        models: its sources opened, by handle.
        args: the flags.
        out: where to report it.
        page: makes what is special about this command.

    Raises:
        PlanError: a finding forbids it.
    """
    if args.dry_run or args.no_verify or plan.joins:
        return commit_and_tell(built(plan, models), args, out, page=page)
    from workbench.publishing.preflight import hindrance
    from workbench.publishing.running import Running

    (model,) = models.values()
    proving = verifying.proving_of(args, model.meta, next(iter(model.meta.signatures.values()), None))
    child = Running(proving, verifying.Talker(out)).new_child()
    with ExitStack() as stack:
        stack.push(child)  # started only where it may be
        early = hindrance(model, proving, child)
        if early is None:
            return commit_and_tell(built(plan, models), args, out, child=child, page=page)
    if out.json:
        out.emit(early.as_json())
    else:
        _outcome(early, out)
    return 1


def commit_and_tell(
    draft: Draft,
    args: argparse.Namespace,
    out: Output,
    *,
    child: Child | None = None,
    page: Page | None = None,
) -> int:
    """Write a draft as the flags say, and report what became of it; the exit code.

    Args:
        draft: the draft.
        args: the flags.
        out: where to report it.
        child: a running TensorFlow process to use; None starts one.
        page: makes what is special about this command.
    """
    shown, more = page(draft) if page is not None else (None, {})
    if args.save_recipe is not None:
        from workbench.surgery.recipe import save

        save(draft.plan, draft.join, args.save_recipe, overwrite=args.overwrite)
    if args.dry_run:
        _dry_run(draft, out, shown, more)
        return 0
    from workbench.publishing.commit import commit

    out.remarks(draft.findings)
    report = commit(
        draft,
        args.output,
        serving=args.serving,
        verify=not args.no_verify,
        proving=verifying.proving_of(args, draft.meta, draft.signature if draft.references else None),
        child=child,
        progress=verifying.Talker(out),
    )
    if report.published:
        remember_recipe(draft.recipe, [source.path for source in draft.plan.sources])
    if out.json:
        out.emit({**report.as_json(), **more})
    else:
        _outcome(report, out)
        if shown is not None and not out.quiet:
            out.line()
            shown()
    return 0 if report.published else 1


def _dry_run(draft: Draft, out: Output, page: Callable[[], None] | None, more: Mapping[str, Any]) -> None:
    if out.json:
        out.emit(
            {
                "schema_version": 1,
                "bytes": draft.nbytes,
                "files": ["saved_model.pb", *(copied.relative for copied in draft.files)],
                "findings": [finding_json(finding) for finding in draft.findings],
                **more,
            }
        )
        return
    if page is not None:
        page()
    files_and_findings(out, draft)


def _outcome(report: Report, out: Output) -> None:
    verdict(out, report)
    if out.quiet and report.published:
        return
    told = [finding for finding in report.findings if finding.severity == "info"]
    if told:
        out.line()
        out.findings(told)
