"""The pages of the commands that change one model: what they would do (`--dry-run`), and the outcome."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from workbench.cli.output import DTYPE, NAME, TEXT, Output
from workbench.cli.pages.merge_page import chain_table
from workbench.cli.verdict import files_and_findings, verdict
from workbench.describe.actions import finding_json
from workbench.describe.calling import Needs, call_of_result
from workbench.describe.plan import chain_rows, chains_json
from workbench.disk import dtypes
from workbench.disk.samples import sample_models
from workbench.model import shapes
from workbench.names import show

if TYPE_CHECKING:
    from workbench.model import MetaGraph, Port
    from workbench.publishing.report import Report
    from workbench.surgery.draft import Draft


class EditPages:
    """The pages of a command that changes a model.

    Args:
        draft: the changed model.
        needs: what calling it needs besides the model.
    """

    def __init__(self, draft: Draft, needs: Needs) -> None:
        self.draft = draft
        self.needs = needs

    def dry_run(self, out: Output) -> None:
        """Write the page of `--dry-run`."""
        self._signatures(out)
        for chain in chain_rows(self.draft):
            chain_table(out, chain)
        files_and_findings(out, self.draft)

    def dry_run_json(self) -> dict[str, Any]:
        """Return the data of `--dry-run`."""
        return {
            "schema_version": 1,
            "signatures": self._signatures_json(),
            "adapters": chains_json(self.draft),
            "bytes": self.draft.nbytes,
            "files": ["saved_model.pb", *(copied.relative for copied in self.draft.files)],
            "findings": [finding_json(finding) for finding in self.draft.findings],
        }

    def outcome(self, out: Output, report: Report) -> None:
        """Write the outcome of the commit."""
        outcome(report, out)
        if report.path is None or out.quiet:
            return
        out.line()
        self._signatures(out)
        draft = self.draft
        if draft.references:
            picture = sample_models() / "digits_png" / "sample-3.png"
            call = call_of_result(
                report.path, draft.meta, draft.signature, report.verification, self.needs, picture
            )
            out.heading("Call it from a shell")
            out.code(call.shell)

    def outcome_json(self, report: Report) -> dict[str, Any]:
        """Return the outcome of the commit as data."""
        return {**report.as_json(), "signatures": self._signatures_json()}

    def _signatures(self, out: Output) -> None:
        """Write the changed signatures, before and after."""
        before, after = self.draft.source.meta, self.draft.meta
        changed = [key for key in after.shown_signatures if _data(after, key) != _data(before, key)]
        gone = [key for key in before.shown_signatures if key not in after.signatures]
        for word, meta, keys in (("Before", before, [*gone, *changed]), ("After", after, changed)):
            for key in keys:
                if key in meta.signatures:
                    found = meta.signatures[key]
                    out.heading(f"{word}: {show(key)}", show(found.method_name))
                    rows = _rows(found.inputs.values(), found.outputs.values())
                    out.table(rows, [TEXT, NAME, DTYPE, NAME])
                    out.line()

    def _signatures_json(self) -> dict[str, Any]:
        after = self.draft.meta
        return {key: _data(after, key) for key in after.shown_signatures}


def outcome(report: Report, out: Output) -> None:
    """Write a verdict with its differences and findings."""
    verdict(out, report)
    if out.quiet and report.published:
        return
    told = [finding for finding in report.findings if finding.severity == "info"]
    if told:
        out.line()
        out.findings(told)


def _data(meta: MetaGraph, key: str) -> dict[str, Any] | None:
    """Return a signature as JSON."""
    if key not in meta.signatures:
        return None
    found = meta.signatures[key]
    return {
        "method_name": found.method_name,
        **{
            side: {
                name: {
                    "tensor": port.tensor,
                    "dtype": dtypes.name(port.dtype),
                    "shape": shapes.as_json(port.shape),
                }
                for name, port in ports.items()
            }
            for side, ports in (("inputs", found.inputs), ("outputs", found.outputs))
        },
    }


def _rows(inputs: Iterable[Port], outputs: Iterable[Port]) -> list[tuple[str, str, str, str]]:
    return [
        (
            word,
            show(port.key),
            shapes.typed(port.dtype, port.shape),
            show(port.tensor),
        )
        for word, ports in (("in", inputs), ("out", outputs))
        for port in ports
    ]
