"""What `merge` says: what it would do (`--dry-run`), and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench import sample_models
from workbench.cli import calling
from workbench.cli.output import DTYPE, NAME, TEXT, Output, count, size
from workbench.disk import dtypes
from workbench.model import shapes
from workbench.names import show
from workbench.prove import result_signature

if TYPE_CHECKING:
    from workbench.commit import Report
    from workbench.model import Port
    from workbench.surgery.draft import Draft


# -- dry run


def dry_run(out: Output, draft: Draft) -> None:
    """The page of `--dry-run`."""
    out.heading("Wires")
    out.table(
        [
            (show(str(link.source)), _type(link.source.dtypes[0], link.source.shapes[0]), "→", show(str(link.target)),
             _type(link.target.dtypes[0], link.target.shapes[0]), link.fits[0])
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
    signature = result_signature(draft)
    out.heading("After", show(signature.key))
    _ports(out, signature.inputs.values(), signature.outputs.values())
    out.line()
    out.heading("What is done")
    for handle, part in draft.parts.items():
        nodes = f"{count(len(part.kept), 'node')} kept, {part.dropped:,} pruned"
        out.facts(
            [(handle, f"{nodes}; {count(len(part.functions), 'function')}; everything goes under {handle}/")]
        )
        log = draft.logs[handle]
        out.table(
            [(rule, f"{number:,} renamed") for rule, number in sorted(log.counts.items())],
            [TEXT, TEXT],
            indent=4,
        )
    done = {
        "references": "reference variables become resource variables",
        "described": "variables get a VariableDef",
        "frozen": "variables become constants",
    }
    for name, text in done.items():
        if draft.rewritten[name]:
            out.line(f"{draft.rewritten[name]:,} {text}", indent=2)
    out.line()
    out.heading("To be written", size(draft.nbytes))
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
    signature = result_signature(draft)
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
            handle: {"kept": len(part.kept), "pruned": part.dropped, "functions": len(part.functions)}
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
        "findings": [finding.as_json() for finding in draft.findings],
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


def _type(dtype: int, shape: shapes.Shape) -> str:
    return f"{dtypes.name(dtype) if dtype else '?'}{'[?…]' if shape is None else shapes.text(shape)}"


def _ports(out: Output, inputs: Iterable[Port], outputs: Iterable[Port]) -> None:
    rows = [
        (word, show(port.key), _type(port.dtype, port.shape), "" if port.kind == "dense" else port.kind)
        for word, ports in (("in", inputs), ("out", outputs))
        for port in ports
    ]
    out.table(rows, [TEXT, NAME, DTYPE, TEXT])


# -- outcome


def outcome(out: Output, draft: Draft, report: Report) -> None:
    """What became of a merge, and how to call the result."""
    if report.path is None:
        out.heading(f"Not published: {report.verdict}", _seconds(report))
        out.line(report.reason, indent=2)
        _differences(out, report)
        hint = report.verification.hint if report.verification is not None else None
        if hint:
            out.line(hint, style="dim", indent=2)
        return
    out.heading(f"{report.path}: {report.verdict}", f"{size(report.nbytes)}, {_seconds(report)}")
    out.line(report.reason, indent=2)
    _differences(out, report)
    signature = result_signature(draft)
    out.line()
    out.heading("Takes and gives", show(signature.key))
    _ports(out, signature.inputs.values(), signature.outputs.values())
    out.line()
    out.heading("How to call it")
    for title, lines in how_to_call(report.path, draft):
        out.line(title, style="dim", indent=2)
        for text in lines:
            out.line(text, indent=4)


def how_to_call(path: Path, draft: Draft) -> list[tuple[str, list[str]]]:
    """Shell, Python and REST, as (title, lines)."""
    import json

    signature = result_signature(draft)
    kinds = calling.string_kinds(draft.meta, signature)
    example = None
    if any("image" in kind for kind in kinds.values()):
        png = sample_models() / "digits_png" / "sample-3.png"
        example = str(_short(png)) if png.exists() else None
    found = [
        ("shell", [calling.shell(path, signature, kinds, example)]),
        ("Python", calling.python(path, signature)),
    ]
    note, body = calling.rest(signature)
    name = path.parent.name if path.name.isdecimal() else path.name
    title = f"REST, TensorFlow Serving: POST /v1/models/{name}:predict"
    found.append((title, [note] if body is None else [json.dumps(body, ensure_ascii=False)]))
    return found


def _short(path: Path) -> Path:
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


def outcome_json(draft: Draft, report: Report) -> dict[str, Any]:
    """The same as data."""
    signature = result_signature(draft)
    found = report.as_json()
    found["signature"] = {"key": signature.key, **_signature_json(signature)}
    if report.path is not None:
        found["call"] = dict(how_to_call(report.path, draft))
    return found


def _differences(out: Output, report: Report) -> None:
    verification = report.verification
    if verification is None:
        return
    rows = []
    for check in verification.outputs:
        found = check.comparison
        worst = "equal" if not found.max_abs else f"largest difference {found.max_abs:.3g}"
        if not found.equal:
            worst = found.reason or "differs"
        rows.append(
            (show(check.output), f"{found.dtype}{list(found.shape)}", check.as_json()["loader"], worst)
        )
    out.table(rows, [NAME, DTYPE, TEXT, TEXT])
    for note in verification.notes:
        out.line(note, style="dim", indent=2)
    for slot, how in verification.how_made.items():
        out.line(f"{show(slot)} was made: {how}", style="dim", indent=2)


def _seconds(report: Report) -> str:
    return f"{sum(report.seconds.values()):.1f} s"
