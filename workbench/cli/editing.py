"""Arguments and report that the commands which change a model share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli import verifying
from workbench.cli.arguments import add_overwrite
from workbench.cli.committing import commit_and_report
from workbench.cli.output import Output
from workbench.cli.verdict import files_and_findings, verdict
from workbench.describe.actions import finding_json
from workbench.errors import PlanError, UsageError
from workbench.surgery.plan import Plan

if TYPE_CHECKING:
    from workbench.findings import Finding
    from workbench.model import Model
    from workbench.publishing.report import Report
    from workbench.surgery.draft import Draft
    from workbench.surgery.step import Step


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


def edit_plan(args: argparse.Namespace, *steps: Step) -> Plan:
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


Special = Callable[["Draft"], tuple[Callable[[], None] | None, Mapping[str, Any]]]
"""Makes of a draft what is special about a command: what shows it on a page, and the same as data for `--json`."""


class EditPages:
    """The pages of a command that changes a model.

    Args:
        draft: the changed model.
        special: makes what is special about the command, or None.
    """

    def __init__(self, draft: Draft, special: Special | None = None) -> None:
        self.draft = draft
        self._show, self._more = (None, {}) if special is None else special(draft)

    def dry_run(self, out: Output) -> None:
        """Write the page of `--dry-run`."""
        if self._show is not None:
            self._show()
        files_and_findings(out, self.draft)

    def dry_run_json(self) -> dict[str, Any]:
        """Return the data of `--dry-run`."""
        return {
            "schema_version": 1,
            "bytes": self.draft.nbytes,
            "files": ["saved_model.pb", *(copied.relative for copied in self.draft.files)],
            "findings": [finding_json(finding) for finding in self.draft.findings],
            **self._more,
        }

    def outcome(self, out: Output, report: Report) -> None:
        """Write the outcome of the commit."""
        outcome(report, out)
        if self._show is not None and not out.quiet:
            out.line()
            self._show()

    def outcome_json(self, report: Report) -> dict[str, Any]:
        """Return the outcome of the commit as data."""
        return {**report.as_json(), **self._more}


def change_and_report(
    plan: Plan,
    models: Mapping[str, Model],
    args: argparse.Namespace,
    out: Output,
    special: Special | None = None,
) -> int:
    """Change models by a plan, write the result and report it; return the exit code.

    What would leave the result `not run` is reported before anything is changed, which can take long, and much memory.
    It is known before where the signatures stay as they are.

    Args:
        plan: the plan.
        models: its sources opened, by handle.
        args: the flags.
        out: where to report it.
        special: makes what is special about the command, or None.

    Raises:
        PlanError: a finding forbids it.
    """
    if args.dry_run or args.no_verify or plan.joins or not all(step.KEEPS_SIGNATURES for step in plan.steps):
        draft = built(plan, models)
        return commit_and_report(draft, args, out, EditPages(draft, special))
    from workbench.publishing.preflight import hindrance
    from workbench.publishing.running import Running

    (model,) = models.values()
    proving = verifying.proving_of(args, model.meta, next(iter(model.meta.signatures.values()), None))
    child = Running(proving, verifying.Talker(out)).new_child()
    with ExitStack() as stack:
        stack.push(child)  # started only where it may be
        early = hindrance(model, proving, child)
        if early is None:
            draft = built(plan, models)
            return commit_and_report(draft, args, out, EditPages(draft, special), child)
    if out.json:
        out.emit(early.as_json())
    else:
        outcome(early, out)
    return 1


def outcome(report: Report, out: Output) -> None:
    """Write a verdict with its differences and findings."""
    verdict(out, report)
    if out.quiet and report.published:
        return
    told = [finding for finding in report.findings if finding.severity == "info"]
    if told:
        out.line()
        out.findings(told)
