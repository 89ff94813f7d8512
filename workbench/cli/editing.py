"""Arguments and report that the commands which change a model share."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli import verifying
from workbench.cli.arguments import add_overwrite
from workbench.cli.committing import commit_and_report
from workbench.cli.output import Output
from workbench.cli.pages.edit_page import EditPages, outcome
from workbench.errors import PlanError, UsageError
from workbench.surgery.plan import Plan

if TYPE_CHECKING:
    from workbench.describe.calling import Needs
    from workbench.findings import Finding
    from workbench.model import Model
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


def needs(args: argparse.Namespace, draft: Draft) -> Needs:
    """Return what calling the result of a command needs besides the model; nothing if nothing is called."""
    from workbench.describe.calling import Needs, needs_of

    if not draft.references:
        return Needs()
    return needs_of(
        draft.meta,
        draft.signature.key,
        allowed=args.allow_unsafe,
        verified=not args.no_verify,
        imports=args.imports,
        op_libraries=args.op_libraries,
        python=args.python,
        several=draft.has_several_meta_graphs,
    )


def change_and_report(
    plan: Plan,
    models: Mapping[str, Model],
    args: argparse.Namespace,
    out: Output,
) -> int:
    """Change models by a plan, write the result and report it; return the exit code.

    What would leave the result `not run` is reported before anything is changed, which can take long, and much memory.
    It is known before where the signatures stay as they are.

    Args:
        plan: the plan.
        models: its sources opened, by handle.
        args: the flags.
        out: where to report it.

    Raises:
        PlanError: a finding forbids it.
    """
    if args.dry_run or args.no_verify or plan.joins or not all(step.KEEPS_SIGNATURES for step in plan.steps):
        draft = built(plan, models)
        return commit_and_report(draft, args, out, EditPages(draft, needs(args, draft)))
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
            return commit_and_report(draft, args, out, EditPages(draft, needs(args, draft)), child)
    if out.json:
        out.emit(early.as_json())
    else:
        outcome(early, out)
    return 1
