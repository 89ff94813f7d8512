"""A wire between two models: whether it fits, why, and which adapters would make it fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from workbench.describe.actions import Face, words
from workbench.explaining.explanation import Explanation, Line, Section, section
from workbench.explaining.view import quoted
from workbench.findings import Finding, Hint
from workbench.model import Model, shapes
from workbench.surgery.adapters.chain import Chain
from workbench.surgery.adapters.tensor_type import TensorType
from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import Plan, Source, split_handle
from workbench.surgery.resolve.endpoints import Endpoint, Lookup
from workbench.surgery.resolve.join import find_endpoint, look_up, see, split_wire

_FITS = {
    True: "The wire fits: the dtypes are equal, and the output has every size that the input fixes.",
    False: "The wire may fit: the dtypes are equal and no size contradicts. Only the run can tell the unknown sizes.",
}


def explain_wire(first: Model, second: Model, wire: str) -> Explanation:
    """Return why a wire from one model into another fits or not.

    Args:
        first: whose output it is.
        second: whose input it is.
        wire: `OUT=IN`, or with adapters.

    Raises:
        UsageError: it is no wire.
        WorkbenchError: the models can't be compared at all.
    """
    plan = Plan.join(first, second, wires=[])
    models = dict(zip(plan.handles, (first, second), strict=True))
    return explain_wire_of(plan, models, split_wire(wire, plan, models))


def explain_wire_of(
    plan: Plan, models: Mapping[str, Model], one: Connect, face: Face = "command line"
) -> Explanation:
    """Return why a wire between two models of a plan fits or not; other models and steps are left out.

    Args:
        plan: with the models.
        models: by handle, the two of them open.
        one: the wire.
        face: in whose words the next move is.

    Raises:
        WorkbenchError: the models can't be compared at all.
    """
    wire = str(one)
    named = {split_handle(text, plan.handles)[0] for text in (one.source, one.target)}
    involved = [source for source in plan.sources if None in named or source.handle in named]
    plan = replace(plan, sources=tuple(involved), steps=(one,))
    models = {handle: models[handle] for handle in plan.handles}
    join = look_up(plan, models)
    lookups = {source.handle: _lookup(plan, source, models[source.handle]) for source in plan.sources}
    ends = [
        find_endpoint(one.source, "source", lookups, plan.handles[0]),
        find_endpoint(one.target, "target", lookups, plan.handles[-1]),
    ]
    wrong = [finding for finding in join.findings if finding.severity == "error"]
    told = [end for end in ends if isinstance(end, Endpoint)]
    types = section(
        "The two ends",
        *(
            Line(f"{side} {quoted(end.written)}: {_typed(end)}")
            for side, end in zip(("Output", "Input"), ends, strict=True)
            if isinstance(end, Endpoint)
        ),
    )
    if join.links and not wrong:
        return Explanation(
            wire, "wire", _FITS[join.links[0].proven], (types, *_through(one.through), *_notes(join.findings))
        )
    reasons = [Line(finding.message) for finding in wrong]
    summary = (
        "The wire does not fit."
        if len(told) == 2
        else "The wire can't be judged: an end of it does not exist."
    )
    remedies = [finding.hint for finding in wrong if finding.hint]
    sections = (types, section("Why", *reasons), *(_remedy(hint, ends[0], face) for hint in remedies))
    return Explanation(wire, "wire", summary, tuple(one for one in sections if one.lines))


def _lookup(plan: Plan, source: Source, model: Model) -> Lookup:
    seen = see(plan, source, model)
    return Lookup(seen.meta, source.handle, seen.signature)


def _typed(end: Endpoint) -> str:
    return ", ".join(
        f"{shapes.typed(dtype, shape)} ({name})"
        for dtype, shape, name in zip(end.dtypes, end.shapes, end.tensors, strict=True)
    )


def _through(through: str) -> tuple[Section, ...]:
    return (section("Adapters", Line(f"The value passes through {quoted(through)}.")),) if through else ()


def _notes(findings: list[Finding]) -> tuple[Section, ...]:
    lines = [Line(finding.message) for finding in findings]
    return (section("What to know", *lines),) if lines else ()


def _remedy(hint: str, source: Endpoint | Finding, face: Face) -> Section:
    """Return what to do; where adapters make the wire fit, what each of them makes."""
    chain = hint.action.arguments.get("through") if isinstance(hint, Hint) else None
    told = Line(words(hint, face))
    if not chain or not isinstance(source, Endpoint):
        return section("What to do", told)
    checked = Chain.parse(chain).check(TensorType.of(source.dtypes[0], source.shapes[0]))
    made = [
        Line(
            f"{quoted(str(step))} makes it {step.after.main}{', inserted by itself' if step.implied else ''}."
        )
        for step in checked.steps
    ]
    return section("Adapters that make it fit", *made, told)
