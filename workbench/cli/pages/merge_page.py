"""What `merge` says: what it would do (`--dry-run`), and what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from workbench.cli.output import DTYPE, NAME, TEXT, Output
from workbench.cli.verdict import differences
from workbench.describe.actions import finding_json, words
from workbench.describe.calling import Call, Needs, call_of_result
from workbench.describe.text import size
from workbench.disk import dtypes
from workbench.disk.samples import sample_models
from workbench.model import shapes
from workbench.names import count, show

if TYPE_CHECKING:
    from workbench.model import Port
    from workbench.publishing.report import Report
    from workbench.surgery.draft import Draft


# -- dry run


def dry_run(out: Output, draft: Draft) -> None:
    """The page of `--dry-run`."""
    out.heading("Wires")
    out.table(
        [
            (
                show(str(link.source)),
                shapes.typed(link.source.dtypes[0], link.source.shapes[0]),
                "→",
                show(str(link.target)),
                shapes.typed(link.target.dtypes[0], link.target.shapes[0]),
                shapes.FITS[link.fits[0]],
            )
            for link in draft.join.links
        ],
        [NAME, DTYPE, TEXT, NAME, DTYPE, TEXT],
    )  # fmt: skip
    out.line()
    for handle, part in draft.parts.items():
        if part.chosen is not None:
            out.heading(f"Before: {handle}", show(part.chosen.key))
            _ports(out, part.chosen.inputs.values(), part.chosen.outputs.values())
            out.line()
    signature = draft.signature
    out.heading("After", show(signature.key))
    _ports(out, signature.inputs.values(), signature.outputs.values())
    out.line()
    out.heading("Changes")
    for handle, part in draft.parts.items():
        counts = part.counts
        nodes = f"{count(counts.kept, 'node')} kept, {counts.pruned:,} pruned"
        if counts.added:
            nodes += f", {counts.added:,} added"
        out.facts(
            [(handle, f"{nodes}; {count(len(part.functions), 'function')}; all names begin with {handle}/")]
        )
        log = draft.logs[handle]
        out.table(
            [(rule, f"{number:,} renamed") for rule, number in sorted(log.counts.items())],
            [TEXT, TEXT],
            indent=4,
        )
    done = {
        "references": (
            "reference variable becomes a resource variable",
            "reference variables become resource variables",
        ),
        "described": ("variable gets a VariableDef", "variables get a VariableDef"),
        "frozen": ("variable is converted to a constant", "variables are converted to constants"),
    }
    for name, (one, many) in done.items():
        if number := draft.rewritten[name]:
            out.line(f"{number:,} {one if number == 1 else many}", indent=2)
    out.line()
    out.heading("Files to write", size(draft.nbytes))
    rows = [("saved_model.pb", size(int(draft.proto.ByteSize())))]
    for bundle, handle in draft.checkpoints:
        rows.append(
            (f"variables of {handle}", f"{size(bundle.nbytes)}, {count(bundle.num_shards, 'data file')}")
        )
    rows += [(show(copied.relative), size(copied.nbytes)) for copied in draft.files]
    out.table(rows, [NAME, TEXT])
    if draft.findings:
        out.line()
        out.heading("Findings")
        out.findings(draft.findings)


def dry_run_json(draft: Draft) -> dict[str, Any]:
    """The same as data, with the whole map of names."""
    signature = draft.signature
    return {
        "schema_version": 1,
        "wires": [
            {"from": str(link.source), "to": str(link.target), "fits": list(link.fits)}
            for link in draft.join.links
        ],
        "before": {
            handle: {"signature": part.chosen.key, **_signature_json(part.chosen)}
            for handle, part in draft.parts.items()
            if part.chosen is not None
        },
        "after": {"signature": signature.key, **_signature_json(signature)},
        "nodes": {
            handle: {**asdict(part.counts), "functions": len(part.functions)}
            for handle, part in draft.parts.items()
        },
        "renames": {
            handle: {
                "counts": {str(rule): number for rule, number in sorted(log.counts.items())},
                "names": {str(rule): names for rule, names in log.maps.items() if names},
            }
            for handle, log in draft.logs.items()
        },
        "rewritten": draft.rewritten,
        "bytes": draft.nbytes,
        "files": [copied.relative for copied in draft.files],
        "findings": [finding_json(finding) for finding in draft.findings],
    }


def _signature_json(signature: Any) -> dict[str, Any]:
    return {
        side: {
            key: {
                "tensor": port.tensor,
                "dtype": dtypes.name(port.dtype),
                "shape": shapes.as_json(port.shape),
            }
            for key, port in ports.items()
        }
        for side, ports in (("inputs", signature.inputs), ("outputs", signature.outputs))
    }


def _ports(out: Output, inputs: Iterable[Port], outputs: Iterable[Port]) -> None:
    rows = [
        (
            word,
            show(port.key),
            shapes.typed(port.dtype, port.shape),
            "" if port.kind == "dense" else port.kind,
        )
        for word, ports in (("in", inputs), ("out", outputs))
        for port in ports
    ]
    out.table(rows, [TEXT, NAME, DTYPE, TEXT])


# -- outcome


def outcome(out: Output, draft: Draft, report: Report, needs: Needs) -> None:
    """What became of a merge, and how to call the result."""
    verification = report.verification
    if report.path is None:
        out.heading(f"Not published: {report.verdict}", _seconds(report))
    else:
        out.heading(f"{report.path}: {report.verdict}", f"{size(report.nbytes)}, {_seconds(report)}")
        if out.quiet:
            return
    out.line(report.reason, indent=2)
    if verification is not None:
        differences(out, verification)
    for text in words(report.hint, "command line").splitlines():
        out.line(text, style="dim", indent=2)
    if report.path is None:
        return
    signature = draft.signature
    out.line()
    out.heading("Signature", show(signature.key))
    _ports(out, signature.inputs.values(), signature.outputs.values())
    call = _call(report, draft, needs)
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


def _call(report: Report, draft: Draft, needs: Needs) -> Call:
    assert report.path is not None
    picture = sample_models() / "digits_png" / "sample-3.png"
    return call_of_result(report.path, draft.meta, draft.signature, report.verification, needs, picture)


def outcome_json(draft: Draft, report: Report, needs: Needs) -> dict[str, Any]:
    """The same as data."""
    signature = draft.signature
    found = report.as_json()
    found["signature"] = {"key": signature.key, **_signature_json(signature)}
    if report.path is not None:
        found["call"] = _call(report, draft, needs).as_json()
    return found


def _seconds(report: Report) -> str:
    return f"{sum(report.seconds.values()):.1f} s"
