"""A person's session: the changes of its plan.

The base classes hold its history, its opened models, and what is known of the plan. Methods that read files or build a
draft say so; all others return at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import UsageError
from workbench.findings import Finding, by_severity
from workbench.session.handles import with_sources
from workbench.session.lists.pane_layout import PaneLayout
from workbench.session.looked_up import LookedUp
from workbench.session.sharing import with_shared, without_model
from workbench.session.wiring import write_wire
from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import Plan, Source, SourceList

if TYPE_CHECKING:
    from workbench.session.options import CommitOptions
    from workbench.surgery.resolve.endpoints import Endpoint
    from workbench.surgery.step import Step


class Session(LookedUp):
    """Opened models and the plan made of them, with undo.

    Args:
        plan: to start with; its models are opened by `begin`.
        commit: commit options to start with.
    """

    def __init__(self, plan: Plan | None = None, commit: CommitOptions | None = None) -> None:
        super().__init__(plan, commit)
        self.layout = PaneLayout()

    # -- models

    def add(
        self,
        path: Path,
        *,
        handle: str | None = None,
        tags: Iterable[str] | None = None,
        signature: str | None = None,
    ) -> Source:
        """Add a model after the others. One model may be added several times.

        Raises:
            UsageError: the handle is not valid or is taken.
        """
        sources = SourceList(list(self.plan.sources))
        source = sources.add(path, handle, tags=tags, signature=signature)
        self.change(f"open {source.handle}", with_sources(self.plan, sources.sources))
        return source

    def open_alone(self, path: Path) -> Source:
        """Open a model in place of all others, with a plan of its own; undo brings them back."""
        source = SourceList().add(path)
        options = replace(self.commit, target="", serving=False, inputs=(), tolerance=None)
        self.change(f"open {source.handle} alone", Plan((source,)), options)
        return source

    def swap_in(self, handle: str, path: Path, tags: Iterable[str] | None = None) -> Source:
        """Replace a model; wires stay where their endpoints exist in the new one."""
        others = SourceList([source for source in self.plan.sources if source.handle != handle])
        new = others.add(path, tags=tags)
        sources = [new if source.handle == handle else source for source in self.plan.sources]
        self.change(
            f"replace {handle} by {new.handle}", with_sources(self.plan, sources, {handle: new.handle})
        )
        return new

    def close(self, handle: str) -> None:
        """Remove a model and its wires; the last one also removes all steps."""
        wires = [wire for wire in self.plan.wires if handle not in self.ends_of(wire)]
        kept = without_model(self.plan.with_wires(wires), handle)
        kept = kept if len(self.plan.sources) > 1 else replace(self.plan, steps=())
        sources = [source for source in self.plan.sources if source.handle != handle]
        self.change(f"close {handle}", with_sources(kept, sources))

    def swap(self) -> None:
        """Reverse the order of the models; wires keep their meaning."""
        self.change("swap the models", with_sources(self.plan, list(reversed(self.plan.sources))))

    def rename(self, handle: str, new: str) -> None:
        """Rename a model's handle.

        Raises:
            UsageError: it is not valid or is taken.
        """
        if new == handle:
            return
        old = self.source(handle)
        others = SourceList([source for source in self.plan.sources if source.handle != handle])
        others.add(old.path, new)
        sources = [replace(source, handle=new) if source is old else source for source in self.plan.sources]
        self.change(f"rename {handle} to {new}", with_sources(self.plan, sources, {handle: new}))

    def choose_signature(self, handle: str, key: str | None) -> None:
        """Choose the signature or callable whose keys the wires of a model mean."""
        sources = [
            replace(source, signature=key) if source.handle == handle else source
            for source in self.plan.sources
        ]
        self.change(f"use signature {key} of {handle}", replace(self.plan, sources=tuple(sources)))

    # -- wires

    def wire(self, source: Endpoint, target: Endpoint, through: str = "") -> Connect:
        """Connect an output to an input.

        In a model of several signatures of which none is chosen, wiring a key of one chooses that one.

        Args:
            source: the output.
            target: the input.
            through: the chain of adapters between them; empty for none.

        Raises:
            UsageError: it does not fit; the message says why.
        """
        found = self.judge(source, target, through)
        if found.state == "no":
            raise UsageError(found.reason, hint=found.hint)
        ends = (source.handle, source.written), (target.handle, target.written)
        wire = write_wire(self.handles, *ends, through)
        plan = self._with_chosen(source, target).with_wire(wire)
        self.change(f"wire {source.written} → {target.written}", plan)
        return wire

    def _with_chosen(self, *endpoints: Endpoint) -> Plan:
        """Return the plan in which the signatures of endpoints are chosen, where none was."""
        meant = {
            endpoint.handle: endpoint.signature
            for endpoint in endpoints
            if self.chosen(endpoint.handle) is None
        }
        sources = [
            replace(one, signature=meant[one.handle]) if meant.get(one.handle) else one
            for one in self.plan.sources
        ]
        return replace(self.plan, sources=tuple(sources))

    def add_wire(self, wire: Connect) -> None:
        """Add a wire as written."""
        self.change(f"wire {wire.source} → {wire.target}", self.plan.with_wire(wire))

    def adapt(self, wire: Connect, through: str) -> None:
        """Give a wire other adapters; an empty chain for none."""
        wires = list(self.plan.wires)
        wires[wires.index(wire)] = replace(wire, through=through)
        self.change(f"adapt {wire.source} → {wire.target}", self.plan.with_wires(wires))

    def unwire(self, wire: Connect) -> None:
        """Remove a wire."""
        wires = list(self.plan.wires)
        wires.remove(wire)
        self.change(f"unwire {wire.source} → {wire.target}", self.plan.with_wires(wires))

    def share(self, one: Endpoint, other: Endpoint) -> None:
        """Let two inputs, and those that one of them shares its value with, take one input of the result.

        Raises:
            UsageError: they don't fit; the message says why.
        """
        found = self.judging.judge_share(one, other)
        if found.state == "no":
            raise UsageError(found.reason, hint=found.hint)
        plan = with_shared(self._with_chosen(one, other), self.shared(), one, other)
        self.change(f"share {one.written} with {other}", plan)

    # -- other steps

    def add_step(self, step: Step) -> None:
        """Add a step after the others; one that connects models before those that change the result."""
        self.change(f"add {step.NAME}", self.plan.with_step(step))

    def replace_step(self, number: int, new: Step) -> None:
        """Replace the step with this number among those that connect no models."""
        self.change(f"change step {number + 1}: {new.NAME}", self._with_step_at(number, new))

    def _with_step_at(self, number: int, new: Step) -> Plan:
        others = [at for at, step in enumerate(self.plan.steps) if not isinstance(step, Connect)]
        steps = list(self.plan.steps)
        steps[others[number]] = new
        return replace(self.plan, steps=tuple(steps))

    def try_step(self, step: Step, number: int | None = None) -> list[Finding]:
        """Return what would be found if a step was added, errors first; nothing is changed.

        It is as slow as a dry run; any thread may call it.

        Args:
            step: the step.
            number: of the step that it would replace; None to add it.

        Raises:
            WorkbenchError: a source can't be read any more.
        """
        from workbench.surgery.draft import build

        plan = self.plan.with_step(step) if number is None else self._with_step_at(number, step)
        if not self.complete:
            return []
        known = self.outcome.findings if self.outcome is not None else ()
        return by_severity([one for one in build(plan, self.models)[1] if one not in known])

    def remove_step(self, number: int) -> None:
        """Remove the step with this number among those that connect no models."""
        others = [at for at, step in enumerate(self.plan.steps) if not isinstance(step, Connect)]
        steps = list(self.plan.steps)
        step = steps.pop(others[number])
        self.change(f"remove {step.NAME}", replace(self.plan, steps=tuple(steps)))
