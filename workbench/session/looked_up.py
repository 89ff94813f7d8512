"""What is known of a session's plan: its wires and shares looked up, endpoints judged, findings.

Each answer is kept until the plan changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from workbench.findings import Finding, by_severity, total
from workbench.session.opened import OpenedModels
from workbench.session.options import CommitOptions
from workbench.session.wiring import split_wire
from workbench.surgery.operations.connect import Connect
from workbench.surgery.operations.share import Share
from workbench.surgery.plan import Plan

if TYPE_CHECKING:
    from workbench.session.lists.compatibility import Judge, Judgement
    from workbench.surgery.draft import Draft
    from workbench.surgery.resolve.endpoints import Endpoint
    from workbench.surgery.resolve.join import Join
    from workbench.surgery.resolve.links import Link
    from workbench.surgery.resolve.shares import SharedInput


@dataclass(frozen=True, slots=True)
class Outcome:
    """The draft and the findings of a plan.

    Attributes:
        plan: the plan that was looked at.
        draft: the result in memory, None if a finding forbids it or the plan has no result.
        findings: everything found, errors first.
    """

    plan: Plan
    draft: Draft | None
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """Return how many findings forbid a commit."""
        return total(self.findings, "error")


class LookedUp(OpenedModels):
    """The plan, its opened models, and what is known of them.

    Args:
        plan: to start with.
        commit: commit options to start with.
    """

    def __init__(self, plan: Plan | None = None, commit: CommitOptions | None = None) -> None:
        super().__init__(plan, commit)
        self._join: tuple[Plan, Join] | None = None
        self._judge: tuple[Plan, int, Judge] | None = None
        self._outcome: tuple[int, Outcome] | None = None

    # -- wires and shares

    def link(self, wire: Connect) -> Link | None:
        """Return the wire with both endpoints found, or None if it does not resolve."""
        return self.links().get(wire)

    def links(self) -> dict[Connect, Link]:
        """Return the wires whose endpoints were found and are compatible."""
        join = self.join() if self.plan.wires else None
        if join is None:
            return {}
        found = {link.wire: link for link in join.links if link.wire is not None}
        return {wire: found[wire] for wire in self.plan.wires if wire in found}

    def shared(self) -> list[SharedInput]:
        """Return the inputs that models share, as far as their endpoints were found and are compatible."""
        join = self.join() if self.plan.shares else None
        return [] if join is None else join.shared

    def ends_of(self, wire: Connect) -> tuple[str, str]:
        """Return the handles of the models that a wire connects."""
        left, right = split_wire(wire, self.handles)
        return left[0], right[0]

    @property
    def unconnected(self) -> list[str]:
        """Return the models that have neither a wire nor a shared input, if there are several models."""
        connected = {handle for wire in self.plan.wires for handle in self.ends_of(wire)}
        connected |= {target.handle for one in self.shared() for target in one.targets}
        return [one for one in self.handles if one not in connected] if len(self.handles) > 1 else []

    def join(self) -> Join | None:
        """Return the plan looked up; None while a model is not open."""
        if not self.complete:
            return None
        if self._join is None or self._join[0] != self.plan:
            from workbench.surgery.resolve.join import look_up

            self._join = self.plan, look_up(self.plan, self.models)
        return self._join[1]

    def suggestions(self) -> list[Connect | Share]:
        """Return compatible wires between signature keys, the likeliest first, then inputs that can be shared.

        Where there are no such wires, those that adapters make compatible.
        """
        from workbench.surgery.resolve.suggest import suggest, suggest_adapted, suggest_shares

        if not self.complete or len(self.plan.sources) < 2:
            return []
        fed = [link.target for link in self.links().values()]
        fed += [target for one in self.shared() for target in one.targets]
        taken = {(endpoint.handle, name) for endpoint in fed for name in endpoint.tensors}

        def free(wire: Connect) -> bool:
            handle, text = split_wire(wire, self.handles)[1]
            tensors = getattr(self.judging.lookups[handle].find(text, "target"), "tensors", ())
            return not any((handle, name) in taken for name in tensors)

        wires = [wire for wire in suggest(self.plan, self.models) if free(wire)]
        if not wires:
            wires = [wire for wire in suggest_adapted(self.plan, self.models) if free(wire)]
        return [*wires, *(() if fed else suggest_shares(self.plan, self.models))]

    # -- verdicts

    @property
    def judging(self) -> Judge:
        """Return what finds and judges endpoints of the plan."""
        models = self.models
        if self._judge is None or self._judge[:2] != (self.plan, len(models)):
            from workbench.session.lists.compatibility import Judge

            links, shared = list(self.links().values()), self.shared()
            seen = self._join[1].seen if self._join is not None and self._join[0] == self.plan else None
            self._judge = self.plan, len(models), Judge(self.plan, models, links, seen, shared)
        return self._judge[2]

    def judge(self, source: Endpoint, target: Endpoint, through: str = "") -> Judgement:
        """Return whether an output can be connected to an input through a chain of adapters, and why not."""
        return self.judging.judge(source, target, through)

    def compute(self) -> Outcome:
        """Build the draft and collect all findings.

        It is as slow as a dry run; any thread may call it.

        Raises:
            WorkbenchError: a source can't be read any more.
        """
        from workbench.checks.open_model import examine

        plan, models = self.plan, self.models
        known = self._known(plan, len(models))
        if known is not None:
            return known
        found = [
            replace(finding, where=f"{handle}@{finding.where}" if finding.where else handle)
            for handle, model in models.items()
            for finding in examine(model)
        ]
        draft = None
        if plan.has_result and len(models) == len(plan.sources):
            from workbench.surgery.draft import build

            draft, said = build(plan, models)
            found += [finding for finding in said if finding not in found]
        outcome = Outcome(plan, draft, tuple(by_severity(found)))
        if plan == self.plan and len(models) == len(self.models):  # a slower thread may look at an older plan
            self._outcome = len(models), outcome
        return outcome

    @property
    def outcome(self) -> Outcome | None:
        """Return what `compute` found for the current plan and its opened models, None if it did not run."""
        return self._known(self.plan, len(self.models))

    def _known(self, plan: Plan, opened: int) -> Outcome | None:
        """Return what was found for a plan of which this many models were open."""
        found = self._outcome
        return found[1] if found is not None and found[0] == opened and found[1].plan == plan else None
