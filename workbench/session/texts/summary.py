"""Summaries of a commit, before and after it, as lines that any face draws."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from workbench.describe.actions import words
from workbench.describe.plan import plan_text
from workbench.describe.report import compared_text, loader_lines, made_lines, output_rows, value_lines
from workbench.describe.signatures import port_rows
from workbench.describe.text import size
from workbench.names import count, show
from workbench.session.texts.detail import Detail, Role, Span

if TYPE_CHECKING:
    from workbench.describe.calling import Call
    from workbench.describe.plan import PlanText
    from workbench.describe.report import OutputRow
    from workbench.publishing.report import Report
    from workbench.session.options import CommitOptions
    from workbench.surgery.draft import Draft


def what_it_does(draft: Draft, target: str = "", *, details: bool = False) -> Detail:
    """Return what a commit will do: signature, variables, steps, files, findings.

    Args:
        draft: what is committed.
        target: the folder to write; empty if none was chosen.
        details: also say what becomes of the nodes and names of each model.
    """
    out = Detail(("plan",), "What the commit will do", "")
    text = plan_text(draft)
    out.add(Span("Result", "heading"), Span(f"  signature {show(text.after.key)}", "dim"))
    for side, key, typed, kind in port_rows(text.after):
        out.add(
            Span(f"  {side:3} ", "dim"),
            Span(key, "name"),
            Span(f"  {typed}", "dtype"),
            Span(f"  {kind}" if kind else "", "dim"),
        )
    out.heading("Variables")
    for line in (text.variables, *text.conversions):
        out.add(f"  {line}")
    for chain in text.chains:
        out.heading("Adapters", chain.place)
        width = max(len(one.text) for one in chain.adapters)
        for one in chain.adapters:
            out.add(
                Span(f"  {one.text:{width}}", "name"),
                Span(f"  {one.makes}", "dtype"),
                Span(f"  {one.remark}" if one.remark else "", "dim"),
            )
    if text.steps:
        out.heading("Steps")
        for step in text.steps:
            out.add(f"  {step}")
    out.heading("Files to write", text.size)
    if target:
        out.add(Span(f"  {show(target, 1000)}{os.sep}", "title"))
    width = max(len(name) for name, _ in text.files)
    for name, inside in text.files:
        out.fact(name, inside, width=width)
    if text.findings:
        out.heading("Findings", text.counted)
    if details:
        _inside(out, text)
    else:
        out.add("")
        out.add(Span("  f2 shows what becomes of nodes and names", "dim"))
    return out


def _inside(out: Detail, text: PlanText) -> None:
    """Add the nodes that are kept of each model, and how many names change."""
    for source in text.sources:
        out.heading(f"Inside {source.handle}")
        for fact in source.facts:
            out.add(f"  {fact}")
        for rule, number in source.renames:
            out.fact(rule, number, width=16)


def what_became(draft: Draft, report: Report) -> Detail:
    """Return the verdict, the values of each output with their differences, the loaders, and the path."""
    out = Detail(("report",), "Verdict", str(report.path or ""))
    good = report.published
    out.add(Span(f"{'✓' if good else '✗'} {report.verdict}", "good" if good else "bad"))
    if report.path is not None:
        out.add(Span(show(str(report.path)), "title"), Span(f"  {size(report.nbytes)}", "dim"))
    else:
        out.add(Span("Nothing was published.", "dim"))
    _paragraph(out, report.reason)
    verification = report.verification
    if report.hint:
        _paragraph(out, words(report.hint, "terminal UI"), "dim")
    if verification is not None:
        if verification.outputs:
            joined = draft.plan.joins
            out.heading(f"Compared with {'the models run one after the other' if joined else 'the source'}")
            for row in output_rows(verification):
                _compared(out, row)
        for line in loader_lines(verification):
            out.add(Span(f"  {line}", "dim"))
        if verification.how_made:
            made = len(verification.samples) - verification.given
            out.heading("Generated inputs", count(made, "sample"))
            for text in made_lines(verification):
                out.add(Span(f"  {text}", "dim"))
        for note in verification.notes:
            _paragraph(out, note, "dim")
    if report.seconds:
        total = sum(report.seconds.values())
        phases = ", ".join(f"{phase} {seconds:.1f}" for phase, seconds in report.seconds.items())
        out.heading("Seconds", f"{total:.1f}: {phases}")
    return out


def _compared(out: Detail, row: OutputRow) -> None:
    """Add an output: its difference, then its values in the reference and in the result."""
    out.add(
        Span(f"  {'✓' if row.equal else '✗'} ", "good" if row.equal else "bad"),
        Span(row.output, "name"),
        Span(f"  {row.typed}  ", "dtype"),
        Span(compared_text(row), "" if row.equal else "bad"),
    )
    for label, values in value_lines(row):
        out.add(Span(f"    {label:9}  ", "dim"), Span(values))


def _paragraph(out: Detail, text: str, role: Role = "") -> None:
    out.add(Span(text.replace("\n", " "), role))


def call_of(draft: Draft, report: Report, options: CommitOptions) -> Call:
    """Return how the result is called: the lines that `workbench merge` prints."""
    from workbench.describe.calling import call_of_result, needs_of
    from workbench.disk.samples import sample_models

    assert report.path is not None
    needs = needs_of(
        draft.meta,
        draft.signature.key,
        allowed=options.allow_unsafe,
        verified=options.verify,
        imports=options.imports,
        op_libraries=options.op_libraries,
        python=options.python,
        several=draft.has_several_meta_graphs,
    )
    picture = sample_models() / "digits_png" / "sample-3.png"
    return call_of_result(report.path, draft.meta, draft.signature, report.verification, needs, picture)
