"""What the commands that change one model share: their arguments, and telling what became of it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.cli import verifying
from workbench.cli.output import NAME, TEXT, Output
from workbench.cli.verdict import differences
from workbench.describe.actions import finding_json, words
from workbench.describe.text import size
from workbench.errors import PlanError, UsageError
from workbench.names import show
from workbench.state import remember_recipe

if TYPE_CHECKING:
    from workbench.model import Model
    from workbench.publishing.publish import Report
    from workbench.runtime.child_process.child import Child
    from workbench.surgery.edit import Edit


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of a command that changes one model."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="SavedModel folder or GraphDef file")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="new folder for the result")
    parser.add_argument(
        "--tag-set", metavar="TAGS", help="tag set of the MetaGraph to change, such as serve,gpu"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would be done, and write nothing")
    parser.add_argument("--serving", action="store_true", help="write to the next version number under DIR")
    parser.add_argument("--json", action="store_true", help="print one line of JSON to stdout")
    verifying.configure(parser)


def open_it(args: argparse.Namespace) -> Model:
    """The model the command is about.

    Raises:
        UsageError: no place for the result is given.
        WorkbenchError: it can't be opened.
    """
    from workbench.model import open_model

    if args.output is None and not args.dry_run:
        raise UsageError(
            "No folder for the result is given.", hint="Add -o DIR, or --dry-run to write nothing."
        )
    return open_model(args.model, args.tag_set)


def change_and_tell(
    model: Model, change: Callable[[Model], Edit], args: argparse.Namespace, out: Output
) -> int:
    """Change a model, write the result as the flags say, and report it; the exit code.

    What would leave the result `not run` is told before anything is changed: that can take long, and much memory.

    Args:
        model: the original.
        change: makes the edit.
        args: the flags.
        out: where to report it.
    """
    if args.dry_run or args.no_verify:
        return commit_and_tell(change(model), args, out)
    from workbench.publishing.preflight import hindrance
    from workbench.publishing.publish import Running

    proving = verifying.proving_of(args, model.meta, next(iter(model.meta.signatures.values()), None))
    child = Running(proving, verifying.Talker(out)).new_child()
    with ExitStack() as stack:
        stack.push(child)  # started only where it may be
        early = hindrance(model, proving, child)
        if early is None:
            return commit_and_tell(change(model), args, out, child=child)
    if out.json:
        out.emit(early.as_json())
    else:
        _outcome(early, out)
    return 1


def commit_and_tell(
    edit: Edit,
    args: argparse.Namespace,
    out: Output,
    *,
    child: Child | None = None,
    page: Callable[[], None] | None = None,
    more: Mapping[str, Any] | None = None,
) -> int:
    """Writes an edit as the flags say, and tells what became of it; the exit code.

    Args:
        edit: the edit.
        args: the flags.
        out: where to tell it.
        child: a running TensorFlow process to use; None starts one.
        page: tells what is special about this edit, on a page.
        more: the same as data, for `--json`.

    Raises:
        PlanError: a finding forbids it.
    """
    edit.examine()
    if edit.blocked:
        errors = [finding for finding in edit.findings if finding.severity == "error"]
        raise PlanError(
            "The model can't be changed like this: "
            + ("one error." if len(errors) == 1 else f"{len(errors)} errors."),
            edit.findings,
        )
    if args.dry_run:
        _dry_run(edit, out, page, more or {})
        return 0
    from workbench.publishing.edits import commit_edit

    out.remarks(edit.findings)
    first = next(iter(edit.references), None)
    signature = edit.meta.signatures[first] if first is not None else None
    report = commit_edit(
        edit,
        args.output,
        serving=args.serving,
        verify=not args.no_verify,
        proving=verifying.proving_of(args, edit.meta, signature),
        child=child,
        progress=verifying.Talker(out),
    )
    if report.published:
        remember_recipe(edit.recipe(), [edit.model.path])
    if out.json:
        out.emit({**report.as_json(), **(more or {})})
    else:
        _outcome(report, out)
        if page is not None and not out.quiet:
            out.line()
            page()
    return 0 if report.published else 1


def _dry_run(edit: Edit, out: Output, page: Callable[[], None] | None, more: Mapping[str, Any]) -> None:
    if out.json:
        out.emit(
            {
                "schema_version": 1,
                "bytes": edit.nbytes(),
                "files": ["saved_model.pb", *(copied.relative for copied in edit.files())],
                "findings": [finding_json(finding) for finding in edit.findings],
                **more,
            }
        )
        return
    if page is not None:
        page()
    out.heading("Files to write", size(edit.nbytes()))
    rows = [("saved_model.pb", size(int(edit.proto.ByteSize())))]
    rows += [(show(copied.relative), size(copied.nbytes)) for copied in edit.files()]
    out.table(rows, [NAME, TEXT])
    if edit.findings:
        out.line()
        out.heading("Findings")
        out.findings(edit.findings)


def _outcome(report: Report, out: Output) -> None:
    seconds = f"{sum(report.seconds.values()):.1f} s"
    if report.path is None:
        out.heading(f"Not published: {report.verdict}", seconds)
    else:
        out.heading(f"{report.path}: {report.verdict}", f"{size(report.nbytes)}, {seconds}")
        if out.quiet:
            return
    out.line(report.reason, indent=2)
    if report.verification is not None:
        differences(out, report.verification)
    for text in words(report.hint, "command line").splitlines():
        out.line(text, style="dim", indent=2)
    told = [finding for finding in report.findings if finding.severity == "info"]
    if told:
        out.line()
        out.findings(told)
