"""The pages of `merge`: what it would do (`--dry-run`), and its outcome."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from workbench.cli.output import DTYPE, NAME, TEXT, Output
from workbench.cli.verdict import files_and_findings, verdict
from workbench.describe.calling import Call, Needs, call_of_result
from workbench.describe.plan import ChainRows, plan_json, plan_text
from workbench.describe.signatures import port_rows, ports_json
from workbench.disk.samples import sample_models
from workbench.names import show

if TYPE_CHECKING:
    from workbench.model import Signature
    from workbench.publishing.report import Report
    from workbench.surgery.draft import Draft


class MergePages:
    """The pages of `merge`.

    Args:
        draft: the merged model.
        needs: what calling it needs besides the model.
    """

    def __init__(self, draft: Draft, needs: Needs) -> None:
        self.draft = draft
        self.needs = needs

    def dry_run(self, out: Output) -> None:
        """Write the page of `--dry-run`."""
        text = plan_text(self.draft)
        if text.wires:
            out.heading("Wires")
            rows = [(one.source, one.given, "→", one.target, one.wanted, one.fits) for one in text.wires]
            out.table(rows, [NAME, DTYPE, TEXT, NAME, DTYPE, TEXT])
            out.line()
        for chain in text.chains:
            chain_table(out, chain)
        if text.shared:
            out.heading("Shared inputs")
            shared = [(key, typed, "→", target, wanted) for key, typed, target, wanted in text.shared]
            out.table(shared, [NAME, DTYPE, TEXT, NAME, DTYPE])
            out.line()
        if text.steps:
            out.heading("Steps")
            for step in text.steps:
                out.line(step, indent=2)
            out.line()
        for handle, signature in text.before:
            out.heading(f"Before: {handle}", show(signature.key))
            _ports(out, signature)
            out.line()
        out.heading("After", show(text.after.key))
        _ports(out, text.after)
        out.line()
        out.heading("Variables")
        for line in (text.variables, *text.conversions):
            out.line(line, indent=2)
        out.line()
        out.heading("Changes")
        for source in text.sources:
            out.facts([(source.handle, "; ".join(source.facts))])
            out.table(source.renames, [TEXT, TEXT], indent=4)
        out.line()
        files_and_findings(out, self.draft)

    def dry_run_json(self) -> dict[str, Any]:
        """Return the data of `--dry-run`."""
        return plan_json(self.draft)

    def outcome(self, out: Output, report: Report) -> None:
        """Write the outcome of a merge and how to call the result."""
        verdict(out, report)
        if report.path is None or out.quiet:
            return
        signature = self.draft.signature
        out.line()
        out.heading("Signature", show(signature.key))
        _ports(out, signature)
        call = self.call(report)
        out.line()
        out.heading("Call it from a shell")
        out.code(call.shell)
        out.line()
        out.heading("Call it from Python")
        out.code(call.python)
        out.line()
        out.heading("Call it over REST (TensorFlow Serving)")
        if call.rest is not None:
            out.code([f"POST {call.rest_path}", json.dumps(call.rest, ensure_ascii=False)])
        if call.rest_note:
            out.line(call.rest_note, indent=2)

    def outcome_json(self, report: Report) -> dict[str, Any]:
        """Return the outcome of a merge as data."""
        signature = self.draft.signature
        found = report.as_json()
        found["signature"] = {"key": signature.key, **ports_json(signature)}
        if report.path is not None:
            found["call"] = self.call(report).as_json()
        return found

    def call(self, report: Report) -> Call:
        """Return how to call a published result."""
        assert report.path is not None
        picture = sample_models() / "digits_png" / "sample-3.png"
        draft = self.draft
        return call_of_result(
            report.path, draft.meta, draft.signature, report.verification, self.needs, picture
        )


def chain_table(out: Output, chain: ChainRows) -> None:
    """Write a chain of adapters, a line each, and an empty line."""
    out.heading("Adapters", chain.place)
    out.table([(one.text, one.makes, one.remark) for one in chain.adapters], [NAME, DTYPE, TEXT])
    out.line()


def _ports(out: Output, signature: Signature) -> None:
    out.table(port_rows(signature), [TEXT, NAME, DTYPE, TEXT])
