"""Objects as HTML for a notebook: self-contained, small, every name escaped and shown as text."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from functools import singledispatch
from html import escape
from typing import TYPE_CHECKING

from workbench.describe.report import compared_text, output_rows
from workbench.describe.signatures import port_rows
from workbench.errors import WorkbenchError
from workbench.explaining.explanation import Explanation
from workbench.explaining.models import explain_model
from workbench.explaining.view import View
from workbench.findings import Finding
from workbench.model import MetaGraph, Model
from workbench.names import count, show
from workbench.picture.drawing import Drawing, handles_of, is_adapted
from workbench.probing.probe import Probe
from workbench.publishing.report import Report
from workbench.surgery.draft import CheckedPlan, Draft, check
from workbench.surgery.plan import Plan
from workbench.surgery.step import print_step
from workbench.verification.report import Proof

if TYPE_CHECKING:
    from workbench.runtime.comparison.verification import Verification

_MOST_ROWS = 30
_MOST_SIGNATURES = 8
_MOST_BYTES = 600_000  # of a picture
_TIME_LIMIT = 5.0  # seconds, for the layout
_BOXES = 40
_CELL = "text-align:left;padding:2px 10px"
_HEAD = "text-align:left;padding:2px 10px"
_FRAME = "max-width:100%;max-height:520px;overflow:auto;border:1px solid #888;margin-top:6px"


@singledispatch
def to_html(item: object) -> str | None:
    """Return what a notebook shows of an object; None for one that has no HTML."""
    return None


@to_html.register
def _model(item: Model) -> str:
    meta = item.meta
    found = explain_model(View(meta), str(item.read_from))
    parts = [_title("Model", item.path.name), _text(found.summary)]
    parts += [_text(line.text) for part in found.sections if part.title == "Variables" for line in part.lines]
    parts += [_signatures(meta), _picture(meta, handles_of(item), adapted=is_adapted(item))]
    return _whole(parts)


@to_html.register
def _meta(item: MetaGraph) -> str:
    tags = ", ".join(sorted(item.tags))
    return _whole([_title("MetaGraph", tags), _signatures(item), _picture(item)])


@to_html.register
def _plan(item: Plan) -> str:
    try:
        return _checked(check(item), title="Plan")
    except WorkbenchError as error:  # a source that can't be opened: a notebook still shows what was planned
        return _whole([_title("Plan", ""), _sources(item), _problem(error)])


@to_html.register(CheckedPlan)
def _checked(item: CheckedPlan, title: str = "Checked plan") -> str:
    parts = [_title(title, _names(item.plan)), _sources(item.plan), _steps(item.plan), _findings(item)]
    if item.draft is not None:
        parts += [_signatures(item.draft.meta), _joined(item.draft)]
    return _whole(parts)


@to_html.register
def _draft(item: Draft) -> str:
    parts = [_title("Draft", _names(item.plan)), _sources(item.plan), _steps(item.plan)]
    parts += [_findings(item.findings), _signatures(item.meta), _joined(item)]
    return _whole(parts)


@to_html.register
def _report(item: Report) -> str:
    where = "not published" if item.path is None else f"published as {show(str(item.path))}"
    parts = [_title("Report", item.verdict), _text(f"{where}: {item.reason}")]
    parts += [_text(item.hint or ""), _compared([item.verification, *item.others.values()])]
    return _whole([*parts, _findings(item.findings)])


@to_html.register
def _proof(item: Proof) -> str:
    against = "" if item.against is None else f" against {item.against}"
    parts = [_title("Proof", item.verdict), _text(f"{item.path}{against}: {item.reason}")]
    parts += [_text(item.hint or ""), _compared(item.signatures.values()), *map(_text, item.notes)]
    return _whole(parts)


@to_html.register
def _explanation(item: Explanation) -> str:
    parts = [_title(item.kind.capitalize(), item.subject), _text(item.summary)]
    for section in item.sections:
        lines = "".join(f"<li>{_quoted(line.text)}</li>" for line in section.lines)
        parts.append(f'<div><b>{_safe(section.title)}</b><ul style="margin:2px 0">{lines}</ul></div>')
    return _whole(parts)


@to_html.register
def _probe(item: Probe) -> str:
    layer = item.value_layer()
    rows = [
        (_end(one.address), one.type, one.range, "" if one.mean is None else f"{one.mean:.3g}", one.trouble)
        for one in layer.values
    ]
    head = ("tensor", "dtype and shape", "values", "mean", "not finite")
    parts = [_title("Probe", item.signature), _table(head, rows), *map(_text, layer.notes)]
    return _whole(parts)


def _end(address: str) -> str:
    """Return an address for people: an input or output by its side and key."""
    side, _, key = address[1:].partition("#") if address.startswith("#") else ("", "", "")
    return {"in": f"input {key}", "out": f"output {key}"}.get(side, address)


# -- parts


def _names(plan: Plan) -> str:
    return " + ".join(source.handle for source in plan.sources)


def _sources(plan: Plan) -> str:
    return _table(("handle", "model"), [(source.handle, str(source.path)) for source in plan.sources])


def _steps(plan: Plan) -> str:
    return _table(("step",), [(print_step(step),) for step in plan.steps])


def _signatures(meta: MetaGraph) -> str:
    shown = list(meta.shown_signatures.items())
    parts = []
    for key, signature in shown[:_MOST_SIGNATURES]:
        parts.append(f"<div>Signature <b>{_safe(key)}</b></div>")
        parts.append(_table(("", "key", "dtype and shape", ""), port_rows(signature)))
    if len(shown) > _MOST_SIGNATURES:
        parts.append(_text(f"{count(len(shown) - _MOST_SIGNATURES, 'more signature')}."))
    return "".join(parts)


def _findings(findings: Iterable[Finding]) -> str:
    rows = [(one.severity, one.where, one.message, one.hint or "") for one in findings]
    return _table(("severity", "where", "finding", "next move"), rows) if rows else ""


def _compared(verifications: Iterable[Verification | None]) -> str:
    rows = [
        (row.output, row.typed, compared_text(row), row.reference, row.result)
        for one in verifications
        if one is not None
        for row in output_rows(one)
    ]
    return _table(("output", "dtype and shape", "compared", "reference", "result"), rows)


def _problem(error: WorkbenchError) -> str:
    return _text(str(error)) + _text(str(error.hint or ""))


def _joined(draft: Draft) -> str:
    handles = [source.handle for source in draft.plan.sources]
    return _picture(draft.meta, handles, adapted=draft.plan.adapts)


def _picture(meta: MetaGraph, handles: Sequence[str] = (), *, adapted: bool = False) -> str:
    """Return the picture as an image, whose style reaches nothing else of the notebook."""
    drawing = Drawing(max_boxes=_BOXES, time_limit=_TIME_LIMIT)
    try:
        svg = drawing.text(drawing.scene(meta, handles, adapted=adapted), "svg")
    except WorkbenchError as error:
        return _text(f"There is no picture: {error}")
    if len(svg) > _MOST_BYTES:
        return _text(
            "The picture is too large for a notebook. Draw it with workbench.draw(…, format='html')."
        )
    data = base64.b64encode(svg.encode()).decode()
    image = f'<img alt="graph" style="max-width:none" src="data:image/svg+xml;base64,{data}">'
    return f'<div style="{_FRAME}">{image}</div>'


def _title(kind: str, name: str) -> str:
    return f'<div style="font-size:1.1em">{_safe(kind)} <b>{_safe(name)}</b></div>'


def _text(text: str) -> str:
    return f'<p style="margin:3px 0">{_quoted(text)}</p>' if text else ""


def _quoted(text: str) -> str:
    """Return a sentence; names in back quotes get the font of code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a quote that is not closed
        return _safe(text)
    return "".join(f"<code>{_safe(one)}</code>" if at % 2 else _safe(one) for at, one in enumerate(parts))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; of many rows the first, and how many there are more."""
    if not rows:
        return ""
    top = "".join(f'<th style="{_HEAD}">{_safe(word)}</th>' for word in head)
    body = ""
    for row in rows[:_MOST_ROWS]:
        cells = "".join(_cell(cell) for cell in row)
        body += f"<tr>{cells}</tr>"
    more = _text(f"{count(len(rows) - _MOST_ROWS, 'more row')}.") if len(rows) > _MOST_ROWS else ""
    return f'<table style="margin:4px 0"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>{more}'


def _cell(text: str) -> str:
    """Return a cell: a sentence in the font of the notebook, anything else in that of code."""
    font = "" if " " in text and text.endswith(".") else ";font-family:monospace"
    return f'<td style="{_CELL}{font}">{_quoted(text)}</td>'


def _whole(parts: Iterable[str]) -> str:
    return f"<div>{''.join(parts)}</div>"


def _safe(text: str) -> str:
    return escape(show(text, len(text)))
