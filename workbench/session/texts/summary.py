"""What a commit will do, and what became of one, as lines that any face can draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.describe.actions import words
from workbench.describe.text import size
from workbench.model import shapes
from workbench.names import count, show
from workbench.session.texts.detail import Detail, Role, Span

if TYPE_CHECKING:
    from workbench.describe.calling import Call
    from workbench.model import Signature
    from workbench.publishing.report import Report
    from workbench.session.options import CommitOptions
    from workbench.surgery.draft import Draft


def what_it_does(draft: Draft) -> Detail:
    """Nodes kept and pruned, renames, variables, the new signature, assets, the size."""
    out = Detail(("plan",), "What the commit will do", "")
    signature = draft.signature
    out.add(Span("Result", "heading"), Span(f"  signature {show(signature.key)}", "dim"))
    _ports(out, signature)
    for handle, part in draft.parts.items():
        out.heading(handle, f"all its names begin with {handle}/")
        counts = part.counts
        added = f", {counts.added:,} added" if counts.added else ""
        out.fact("nodes", f"{counts.kept:,} kept, {counts.pruned:,} pruned{added}", width=16)
        if part.functions:
            out.fact("functions", f"{len(part.functions):,}", width=16)
        for rule, number in sorted(draft.logs[handle].counts.items()):
            out.fact(str(rule), f"{number:,} renamed", width=16)
    out.heading("On disk", size(draft.nbytes))
    out.fact("graph", size(int(draft.proto.ByteSize())))
    for bundle, handle in draft.checkpoints:
        keys = count(len(bundle.keys()), "tensor")
        out.fact("checkpoint", f"{size(bundle.nbytes)} of {handle}: {keys}, copied byte for byte")
    frozen = draft.rewritten.get("frozen", 0)
    if frozen:
        out.fact("frozen", f"{count(frozen, 'variable')} converted to constants")
    if not draft.checkpoints and not frozen:
        out.fact("variables", "none")
    for copied in draft.files:
        out.fact("file", f"{show(copied.relative)}, {size(copied.nbytes)}")
    return out


def _ports(out: Detail, signature: Signature) -> None:
    for word, ports in (("in", signature.inputs), ("out", signature.outputs)):
        for port in ports.values():
            out.add(
                Span(f"  {word:3} ", "dim"),
                Span(show(port.key), "name"),
                Span(f"  {shapes.typed(port.dtype, port.shape)}", "dtype"),
                Span("" if port.kind == "dense" else f"  {port.kind}", "dim"),
            )


def what_became(draft: Draft, report: Report) -> Detail:
    """The verdict, the differences of each output in each loader, the path."""
    out = Detail(("report",), "Verdict", str(report.path or ""))
    good = report.published
    known = {"verified": "verified", "unverified": "published without running it"}
    verdict = known.get(report.verdict, report.verdict)
    out.add(Span(f"{'✓' if good else '✗'} {verdict}", "good" if good else "bad"))
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
            out.heading("Compared with the models run one after the other")
            for check in verification.outputs:
                found = check.comparison
                said = "equal" if not found.max_abs else f"largest difference {found.max_abs:.3g}"
                said = "random; of this dtype and shape" if found.form_only else said
                if not found.equal:
                    said = found.reason or "differs"
                loader = "v1 Session" if check.loader == "v1" else "tf.saved_model.load"
                sign = "✓" if found.equal else "✗"
                out.add(
                    Span(f"  {sign} ", "good" if found.equal else "bad"),
                    Span(show(check.output), "name"),
                    Span(f"  {found.dtype} {shapes.text(tuple(found.shape))}  ", "dtype"),
                    Span(f"{loader}: {said}", "" if found.equal else "bad"),
                )
        for loader_check in verification.loaders:
            if loader_check.reason:
                out.add(Span(f"  {loader_check.name}: {show(loader_check.reason, 300)}", "dim"))
        if verification.how_made:
            made = len(verification.samples) - verification.given
            out.heading("Generated inputs", count(made, "sample"))
            for slot, how in verification.how_made.items():
                out.add(Span(f"  {show(slot)}  ", "name"), Span(show(how, 300), "dim"))
        for note in verification.notes:
            _paragraph(out, note, "dim")
    if report.seconds:
        total = sum(report.seconds.values())
        phases = ", ".join(f"{phase} {seconds:.1f}" for phase, seconds in report.seconds.items())
        out.heading("Seconds", f"{total:.1f}: {phases}")
    return out


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
    )
    picture = sample_models() / "digits_png" / "sample-3.png"
    return call_of_result(report.path, draft.meta, draft.signature, report.verification, needs, picture)
