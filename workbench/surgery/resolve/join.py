"""A plan looked up: models opened, endpoints found, wires judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from workbench import names
from workbench.errors import UsageError
from workbench.findings import Action, Finding, Hint
from workbench.model import Model, open_model
from workbench.model.meta import MetaGraph
from workbench.model.signature import Signature
from workbench.names import show
from workbench.surgery.adapters.language import has_adapters
from workbench.surgery.imported import ImportedModel
from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import Plan, Source, split_handle
from workbench.surgery.resolve.callables import Called, Prepared, prepare
from workbench.surgery.resolve.endpoints import Endpoint, Lookup, Side, chosen_signature
from workbench.surgery.resolve.links import Link, hides, inside_control_flow, judge, wire_remarks
from workbench.surgery.resolve.shares import SharedInput, find_shared


@dataclass(slots=True)
class Join:
    """All that is known of a plan before anything is built.

    Attributes:
        plan: the plan.
        parts: by handle, in the order of the plan.
        links: the wires whose endpoints were found and may be joined.
        shared: the shared inputs whose endpoints were found and may be shared.
        order: handles so that a model comes after all that feed it.
        findings: what was found so far.
        seen: each source as its wires see it, by handle.
    """

    plan: Plan
    parts: dict[str, ImportedModel] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    shared: list[SharedInput] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    seen: dict[str, Seen] = field(default_factory=dict)

    def __repr__(self) -> str:
        links, findings = names.count(len(self.links), "link"), names.count(len(self.findings), "finding")
        return f"<Join: {links}, {findings}; {self.plan!r}>"

    @property
    def blocked(self) -> bool:
        """Whether a finding is an error."""
        return any(finding.severity == "error" for finding in self.findings)

    def links_into(self, handle: str) -> list[Link]:
        """Return the wires that lead to a model."""
        return [link for link in self.links if link.target.handle == handle]

    def shared_by(self, handle: str) -> list[tuple[SharedInput, Endpoint]]:
        """Return the inputs of a model that are shared, each with what it shares."""
        return [(one, target) for one in self.shared for target in one.targets if target.handle == handle]

    def links_from(self, handle: str) -> list[Link]:
        """Return the wires that start at a model."""
        return [link for link in self.links if link.source.handle == handle]

    @property
    def sinks(self) -> list[str]:
        """The models that feed no other."""
        feeding = {link.source.handle for link in self.links}
        return [handle for handle in self.parts if handle not in feeding]

    @property
    def batch(self) -> int | None:
        """The only batch size that the wires permit, if one of them fixes it."""
        return next((link.batch for link in self.links if link.batch is not None), None)


def open_sources(plan: Plan) -> dict[str, Model]:
    """Open every source of a plan; the same path and tag set is opened once.

    Raises:
        WorkbenchError: a source can't be opened.
    """
    models: dict[str, Model] = {}
    seen: dict[tuple[object, ...], Model] = {}
    for source in plan.sources:
        key = (source.path, source.tags)
        if key not in seen:
            seen[key] = open_model(source.path, source.tags)
            seen[key].may_release = True
        models[source.handle] = seen[key]
    return models


def look_up(plan: Plan, models: Mapping[str, Model] | None = None) -> Join:
    """Open a plan's sources, find every endpoint and judge every wire.

    Args:
        plan: the plan.
        models: opened models by handle, to spare opening them again; None opens them.

    Raises:
        WorkbenchError: a source can't be read at all.
    """
    join = Join(plan)
    if not plan.sources:
        join.findings.append(Finding("R1-no-source", "error", "plan", "A plan needs at least one model."))
        return join
    models = open_sources(plan) if models is None else models
    lookups: dict[str, Lookup] = {}
    for source in plan.sources:
        lookups[source.handle] = _add_part(join, source, models[source.handle])
    for wire in plan.wires:
        _add_wire(join, wire, lookups)
    _add_shares(join, lookups)
    _check_targets(join)
    _check_called(join)
    _order(join)
    if len(plan.sources) > 1:
        _check_connected(join)
    return join


class Seen(NamedTuple):
    """A source as its wires see it.

    Attributes:
        meta: the MetaGraph its endpoints are looked up in; one with a signature made of a callable if that is wired.
        chosen: the signature whose keys are looked up, or why there is none.
        called: the callable it is joined by, or None.
        problem: why the callable that is wired can't be used, or None.
    """

    meta: MetaGraph
    chosen: Signature | Finding
    called: Called | None = None
    problem: Finding | None = None

    @property
    def signature(self) -> Signature | None:
        """The chosen signature, if there is one."""
        return None if isinstance(self.chosen, Finding) else self.chosen


def see(plan: Plan, source: Source, model: Model) -> Seen:
    """Return the signature or callable that a source's endpoints mean in a plan.

    Whoever looks endpoints up (a join, a suggestion, a verdict on wires that are not drawn yet) starts here.
    """
    prepared = prepare(plan, source, model)
    if isinstance(prepared, Finding):
        return Seen(model.meta, prepared, problem=prepared)
    if isinstance(prepared, Prepared):
        chosen = chosen_signature(prepared.meta, source.handle, prepared.called.key)
        return Seen(prepared.meta, chosen, prepared.called)
    return Seen(model.meta, chosen_signature(model.meta, source.handle, source.signature))


def _add_part(join: Join, source: Source, model: Model) -> Lookup:
    seen = join.seen[source.handle] = see(join.plan, source, model)
    meta, signature = seen.meta, seen.signature
    endpoints = _endpoints_inside(join.plan, source, seen) if seen.called is None else []
    inlined = None
    if endpoints:
        from workbench.surgery.resolve.inside_calls import inline_for_endpoints

        inlined = inline_for_endpoints(model, source.handle, endpoints)
    if inlined is not None:
        meta = inlined.meta
        if signature is not None:
            signature = meta.signatures[signature.key]
    if seen.problem is not None:
        join.findings.append(seen.problem)
    elif isinstance(seen.chosen, Finding) and source.signature is not None:
        # Without a chosen signature bare tensors can still be wired; what then lacks is found later.
        join.findings.append(seen.chosen)
    join.parts[source.handle] = part = ImportedModel(source, model, meta, signature)
    part.called = seen.called
    part.inlined = inlined if inlined is not None and inlined.changed else None
    return Lookup(meta, source.handle, signature, inlined.inside if inlined is not None else {})


def _endpoints_inside(plan: Plan, source: Source, seen: Seen) -> list[str]:
    """List the endpoints inside calls that wires and shared inputs name in a source."""
    lookup = Lookup(seen.meta, source.handle, seen.signature)
    return [
        endpoint
        for endpoint, side in plan.endpoints_of(source.handle)
        if names.CALL_SEPARATOR in endpoint and not lookup.key(endpoint, side)
    ]


def find_endpoint(
    text: str, side: Side, lookups: Mapping[str, Lookup], default: str | None
) -> Endpoint | Finding:
    """Return the endpoint written `[HANDLE@]END`, or a finding."""
    handle, endpoint = split_handle(text, list(lookups))
    if handle is None:
        head, at, rest = text.partition("@")
        if default is None or (
            at and not _resolves(endpoint, side, lookups, default) and names.is_handle(head)
        ):
            return Finding(
                "R1-handle",
                "error",
                show(text),
                f"There is no model with the handle {show(head)!r}."
                if at
                else "The endpoint does not name its model.",
                f"The handles are {', '.join(lookups)}; write HANDLE@{show(rest or text)}.",
            )
        handle = default
    return lookups[handle].find(endpoint, side)


def _resolves(endpoint: str, side: Side, lookups: Mapping[str, Lookup], handle: str) -> bool:
    return isinstance(lookups[handle].find(endpoint, side), Endpoint)


def _defaults(handles: Sequence[str]) -> tuple[str | None, str | None]:
    """Return the models that endpoints without a handle mean; None if ambiguous."""
    if len(handles) == 1:
        return handles[0], handles[0]
    if len(handles) == 2:
        return handles[0], handles[1]
    return None, None


def split_wire(text: str, plan: Plan, models: Mapping[str, Model]) -> Connect:
    """Split `OUT=IN` at the first `=` of which both halves can be found; parse a wire with adapters.

    Args:
        text: as written after `--wire`.
        plan: with its sources.
        models: the opened models by handle.

    Raises:
        UsageError: there is no `=`, or the adapters can't be parsed.
    """
    if has_adapters(text):
        return Connect.parse(text)
    places = [index for index, char in enumerate(text) if char == "="]
    if not places:
        raise UsageError(
            f"{show(text)!r} is not a wire.",
            hint="Write OUTPUT=INPUT, for example pixels=myInput.",
        )
    if len(places) > 1:
        tried = Join(plan.with_wires(Connect(text[:at], text[at + 1 :]) for at in places))
        lookups = {source.handle: _add_part(tried, source, models[source.handle]) for source in plan.sources}
        first, second = _defaults(plan.handles)
        for index in places:
            left, right = text[:index], text[index + 1 :]
            if isinstance(find_endpoint(left, "source", lookups, first), Endpoint) and isinstance(
                find_endpoint(right, "target", lookups, second), Endpoint
            ):
                return Connect(left, right)
    return Connect(text[: places[0]], text[places[0] + 1 :])


def _add_wire(join: Join, wire: Connect, lookups: Mapping[str, Lookup]) -> None:
    first, second = _defaults(list(lookups))
    source = find_endpoint(wire.source, "source", lookups, first)
    target = find_endpoint(wire.target, "target", lookups, second)
    for found in (source, target):
        if isinstance(found, Finding):
            join.findings.append(found)
    if isinstance(source, Finding) or isinstance(target, Finding):
        return
    metas = lookups[source.handle].meta, lookups[target.handle].meta
    link = judge(source, target, wire.through, written=(wire.source, wire.target), metas=metas)
    if isinstance(link, Finding):
        join.findings.append(link)
        return
    link = link._replace(wire=wire)
    closed = [
        *inside_control_flow(source, lookups[source.handle].meta),
        *inside_control_flow(target, lookups[target.handle].meta),
    ]
    if closed:
        join.findings += closed
        return
    join.findings += wire_remarks(link)
    join.links.append(link)


def _add_shares(join: Join, lookups: Mapping[str, Lookup]) -> None:
    """Add the shared inputs of a plan, or what is wrong with them."""
    wired = {(link.target.handle, tensor) for link in join.links for tensor in link.target.tensors}
    for share in join.plan.shares:
        if not share.inputs:
            told = "The step shares nothing."
            join.findings.append(
                Finding("share-input", "error", "share", told, "Name a key and the inputs it feeds.")
            )
        for key, texts in dict(share.inputs).items():
            found = find_shared(
                key, texts, lookups, lambda text: find_endpoint(text, "target", lookups, None), wired
            )
            if not isinstance(found, SharedInput):
                join.findings += found
                continue
            closed = [
                one
                for target in found.targets
                for one in inside_control_flow(target, lookups[target.handle].meta)
            ]
            hidden = [one for target in found.targets if (one := hides(target)) is not None]
            join.findings += [*closed, *hidden]
            if any(one.key == key for one in join.shared):
                join.findings.append(
                    Finding(
                        "share-key",
                        "error",
                        show(str(found), 1000),
                        f"Two shared inputs have the key {show(key)!r}.",
                        "Give each a key of its own.",
                    )
                )
            elif not closed:
                join.shared.append(found)


def _check_targets(join: Join) -> None:
    seen: dict[tuple[str, str], tuple[str, object]] = {}
    fed: list[tuple[Endpoint, str, object]] = [
        (link.target, f"from {show(str(link.source))}", link) for link in join.links
    ]
    fed += [
        (target, f"by the shared input {show(one.key)!r}", one)
        for one in join.shared
        for target in one.targets
    ]
    for target, how, by in fed:
        for tensor in target.tensors:
            key = (target.handle, tensor)
            if key in seen and seen[key][1] is not by:
                join.findings.append(
                    Finding(
                        "R2-twice",
                        "error",
                        show(str(target)),
                        f"The input is wired twice: {seen[key][0]} and {how}.",
                        "Leave one of the wires out."
                        if not isinstance(by, SharedInput)
                        else "Leave one of them out.",
                    )
                )
            seen[key] = how, by


def _check_called(join: Join) -> None:
    """Report endpoints outside the callable that a model is joined by.

    The call is all that is run of such a model.
    """
    wired = [endpoint for link in join.links for endpoint in (link.source, link.target)]
    for endpoint in (*wired, *(target for one in join.shared for target in one.targets)):
        called = join.parts[endpoint.handle].called
        found = outside_call(endpoint, called.key) if called is not None else None
        if found is not None:
            join.findings.append(found)


def outside_call(endpoint: Endpoint, called: str) -> Finding | None:
    """Return the finding for an endpoint that is no key of its model's callable."""
    if endpoint.signature == called:
        return None
    return Finding(
        "R1-callables",
        "error",
        show(str(endpoint)),
        f"The model is joined by its callable {show(called)}, and this endpoint is none of its keys.",
        "Use keys of the callable alone, or a signature.",
    )


def _order(join: Join) -> None:
    """Order the models so that each follows those that feed it; report a cycle (R2)."""
    waiting = {handle: {link.source.handle for link in join.links_into(handle)} for handle in join.parts}
    while waiting:
        ready = [handle for handle, needs in waiting.items() if not needs & waiting.keys()]
        if not ready:
            join.findings.append(
                Finding(
                    "R2-cycle",
                    "error",
                    ", ".join(waiting),
                    "The wires form a cycle: "
                    + "; ".join(
                        show(str(link))
                        for link in join.links
                        if link.source.handle in waiting and link.target.handle in waiting
                    )
                    + ".",
                    "Leave out one of them, or give one of the models twice, with two handles.",
                )
            )
            join.order += list(waiting)
            return
        join.order.append(ready[0])
        del waiting[ready[0]]


def _check_connected(join: Join) -> None:
    if join.plan.result.side_by_side:
        return
    if not join.plan.joining_steps:
        join.findings.append(
            Finding(
                "R1-no-wire",
                "error",
                "plan",
                "There is no wire and no shared input, so nothing would be joined.",
                Hint("", Action("connect")),
            )
        )
        return
    if join.blocked:
        return
    for handle in join.parts:
        if not join.links_into(handle) and not join.links_from(handle) and not join.shared_by(handle):
            join.findings.append(
                Finding(
                    "R1-alone",
                    "error",
                    handle,
                    "No wire connects this model, and it shares no input.",
                    Hint("Wire it, leave it out, or ", Action("side-by-side")),
                )
            )
