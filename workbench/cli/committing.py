"""Write a draft as the flags of a command say, and report what became of it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Protocol

from workbench.cli import verifying
from workbench.cli.output import Output
from workbench.state import remember_recipe

if TYPE_CHECKING:
    from workbench.publishing.report import Report
    from workbench.runtime.child_process.child import Child
    from workbench.surgery.draft import Draft


class Pages(Protocol):
    """What a command shows of its draft, as a page and as data for `--json`."""

    def dry_run(self, out: Output) -> None:
        """Write the page of `--dry-run`."""

    def dry_run_json(self) -> dict[str, Any]:
        """Return the data of `--dry-run`."""

    def outcome(self, out: Output, report: Report) -> None:
        """Write the outcome of the commit."""

    def outcome_json(self, report: Report) -> dict[str, Any]:
        """Return the outcome of the commit as data."""


def commit_and_report(
    draft: Draft, args: argparse.Namespace, out: Output, pages: Pages, child: Child | None = None
) -> int:
    """Write a draft as the flags say, report it, and return the exit code.

    Args:
        draft: the draft.
        args: the flags of `editing.add_result`.
        out: where to report it.
        pages: what the command shows of the draft.
        child: a running TensorFlow process to use; None starts one.
    """
    if args.save_recipe is not None:
        from workbench.surgery.recipe import save

        save(draft.plan, draft.join, args.save_recipe, overwrite=args.overwrite)
    if args.dry_run:
        if out.json:
            out.emit(pages.dry_run_json())
        else:
            pages.dry_run(out)
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
        out.emit(pages.outcome_json(report))
    else:
        pages.outcome(out, report)
    return 0 if report.published else 1
