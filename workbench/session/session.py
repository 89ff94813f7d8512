"""A person's session: open models, the plan, undo and redo, and findings.

The plan and the commit options are frozen data, so each change is a new state and undo is a step back. Opened models
are kept beside, by path and tag set, so that going back opens nothing again. Methods that read files or build a draft
say so; all others return at once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import UsageError, WorkbenchError
from workbench.findings import Finding, by_severity, total
from workbench.model import Model, open_model
from workbench.session.handles import with_handles
from workbench.session.options import CommitOptions
from workbench.session.sharing import with_shared, without_model
from workbench.session.wiring import write_wire
from workbench.surgery.operations.connect import Connect
from workbench.surgery.operations.share import Share
from workbench.surgery.plan import DEFAULT_SIGNATURE, Plan, Source, SourceList, split_handle

if TYPE_CHECKING:
    from workbench.session.lists.compatibility import Judge, Judgement
    from workbench.surgery.draft import Draft
    from workbench.surgery.resolve.endpoints import Endpoint
    from workbench.surgery.resolve.join import Join
    from workbench.surgery.resolve.links import Link
    from workbench.surgery.resolve.shares import SharedInput
    from workbench.surgery.step import Step


@dataclass(frozen=True, slots=True)
class State:
    """The plan and the commit options: what undo restores."""

    plan: Plan = field(default_factory=lambda: Plan(()))
    commit: CommitOptions = field(default_factory=CommitOptions)


@dataclass(frozen=True, slots=True)
class Undo:
    """A change: its name, and the state before it."""

    label: str
    before: State


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


class Session:
    """Opened models and the plan made of them, with undo.

    Args:
        plan: to start with; its models are opened by `load_all`.
        commit: commit options to start with.
    """

    def __init__(self, plan: Plan | None = None, commit: CommitOptions | None = None) -> None:
        self.state = State(plan or Plan(()), commit or CommitOptions())
        self._opening = threading.RLock()
        self._undo: list[Undo] = []
        self._redo: list[Undo] = []
        self._models: dict[tuple[Path, tuple[str, ...] | None], Model] = {}
        self._join: tuple[Plan, Join] | None = None
        self._judge: tuple[Plan, int, Judge] | None = None
        self._outcome: Outcome | None = None
        self._saved_steps: tuple[Step, ...] = self.state.plan.steps

    # -- what is there

    @property
    def plan(self) -> Plan:
        """Return the current plan."""
        return self.state.plan

    @property
    def commit(self) -> CommitOptions:
        """Return the current commit options."""
        return self.state.commit

    @property
    def handles(self) -> tuple[str, ...]:
        """Return the handles of the models, in order."""
        return self.plan.handles

    def source(self, handle: str) -> Source:
        """Return the source with this handle."""
        return next(source for source in self.plan.sources if source.handle == handle)

    def model(self, handle: str) -> Model | None:
        """Return the opened model of a source, or None if it is not open."""
        source = self.source(handle)
        return self._models.get((source.path, source.tags))

    def chosen(self, handle: str) -> str | None:
        """Return the chosen signature or callable of a model, or None."""
        source, model = self.source(handle), self.model(handle)
        if model is None or source.signature is not None:
            return source.signature
        keys = list(model.meta.shown_signatures)
        if not keys:
            from workbench.surgery.resolve.callables import usual_callable

            return usual_callable(model.meta)
        return DEFAULT_SIGNATURE if DEFAULT_SIGNATURE in keys else keys[0] if len(keys) == 1 else None

    @property
    def models(self) -> dict[str, Model]:
        """Return all opened models of the plan, by handle."""
        found = {handle: self.model(handle) for handle in self.handles}
        return {handle: model for handle, model in found.items() if model is not None}

    @property
    def complete(self) -> bool:
        """Return whether every source of the plan is open."""
        return len(self.models) == len(self.plan.sources)

    @property
    def unsaved(self) -> bool:
        """Return whether there are wires or steps that were neither committed nor saved."""
        return bool(self.plan.steps) and self.plan.steps != self._saved_steps

    def mark_saved(self) -> None:
        """Note that the plan was committed or saved: quitting loses nothing."""
        self._saved_steps = self.plan.steps

    def forget_saved(self) -> None:
        """Note that the plan comes from a lost session and is saved nowhere else."""
        self._saved_steps = ()

    # -- models

    def load(self, path: Path, tags: Iterable[str] | None = None) -> Model:
        """Open a model, once for each path and tag set.

        It reads files; any thread may call it.

        Raises:
            WorkbenchError: it can't be opened.
        """
        key = (path, tuple(tags) if tags is not None else None)
        with self._opening:  # a second thread that wants the same waits for the first
            found = self._models.get(key)
            if found is None:
                found = open_model(path, key[1])
                meta = found.meta  # a choice among several MetaGraphs is asked for now, not at the first look
                _ = (meta.functions, meta.variables, meta.callables, meta.assets)  # for the first list
                self._models[key] = found
        return found

    def begin(self) -> threading.Thread:
        """Start to open the plan's models on a thread; `load` raises what goes wrong."""

        def all_of_them() -> None:
            for source in self.plan.sources:
                with suppress(WorkbenchError, OSError):
                    self.load(source.path, source.tags)

        thread = threading.Thread(target=all_of_them, daemon=True)
        thread.start()
        return thread

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
        self.change(f"open {source.handle}", self._with_sources(sources.sources))
        return source

    def swap_in(self, handle: str, path: Path, tags: Iterable[str] | None = None) -> Source:
        """Replace a model; wires stay where their endpoints exist in the new one."""
        others = SourceList([source for source in self.plan.sources if source.handle != handle])
        new = others.add(path, tags=tags)
        sources = [new if source.handle == handle else source for source in self.plan.sources]
        self.change(f"replace {handle} by {new.handle}", self._with_sources(sources, {handle: new.handle}))
        return new

    def close(self, handle: str) -> None:
        """Remove a model and its wires; the last one also removes all steps."""
        wires = [wire for wire in self.plan.wires if handle not in self.ends_of(wire)]
        kept = without_model(self.plan.with_wires(wires), handle)
        kept = kept if len(self.plan.sources) > 1 else replace(self.plan, steps=())
        sources = [source for source in self.plan.sources if source.handle != handle]
        self.change(f"close {handle}", self._with_sources(sources, plan=kept))

    def swap(self) -> None:
        """Reverse the order of the models; wires keep their meaning."""
        self.change("swap the models", self._with_sources(list(reversed(self.plan.sources))))

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
        self.change(f"rename {handle} to {new}", self._with_sources(sources, {handle: new}))

    def choose_signature(self, handle: str, key: str | None) -> None:
        """Choose the signature or callable whose keys the wires of a model mean."""
        sources = [
            replace(source, signature=key) if source.handle == handle else source
            for source in self.plan.sources
        ]
        self.change(f"use signature {key} of {handle}", replace(self.plan, sources=tuple(sources)))

    def _with_sources(
        self, sources: Sequence[Source], renamed: dict[str, str] | None = None, plan: Plan | None = None
    ) -> Plan:
        """Return the plan with other sources, its wires and steps rewritten to the same endpoints."""
        plan = plan or self.plan
        renamed = renamed or {}
        steps = (with_handles(step, renamed, joined=plan.joins) for step in plan.other_steps)
        new = replace(plan, sources=tuple(sources), steps=tuple(steps))
        wires = []
        for wire in plan.wires:
            left, right = self._split(wire, plan.handles)
            source, target = (
                (renamed.get(left[0], left[0]), left[1]),
                (renamed.get(right[0], right[0]), right[1]),
            )
            wires.append(replace(write_wire(new.handles, source, target), through=wire.through))
        return new.with_wires(wires)

    # -- wires

    def _split(self, wire: Connect, handles: Sequence[str]) -> tuple[tuple[str, str], tuple[str, str]]:
        first = handles[0] if handles else ""
        second = handles[1] if len(handles) > 1 else first
        left, source = split_handle(wire.source, handles)
        right, target = split_handle(wire.target, handles)
        return (left or first, source), (right or second, target)

    def ends_of(self, wire: Connect) -> tuple[str, str]:
        """Return the handles of the models that a wire connects."""
        left, right = self._split(wire, self.handles)
        return left[0], right[0]

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

    def shared(self) -> list[SharedInput]:
        """Return the inputs that models share, as far as their endpoints were found and are compatible."""
        join = self.join() if self.plan.shares else None
        return [] if join is None else join.shared

    @property
    def unconnected(self) -> list[str]:
        """Return the models that have neither a wire nor a shared input, if there are several models."""
        connected = {handle for wire in self.plan.wires for handle in self.ends_of(wire)}
        connected |= {target.handle for one in self.shared() for target in one.targets}
        return [one for one in self.handles if one not in connected] if len(self.handles) > 1 else []

    # -- other steps

    def add_step(self, step: Step) -> None:
        """Add a step after the others; one that connects models before those that change the result."""
        self.change(f"add {step.NAME}", self.plan.with_step(step))

    def replace_step(self, number: int, new: Step) -> None:
        """Replace the step with this number among those that connect no models."""
        others = [at for at, step in enumerate(self.plan.steps) if not isinstance(step, Connect)]
        steps = list(self.plan.steps)
        steps[others[number]] = new
        self.change(f"change step {number + 1}: {new.NAME}", replace(self.plan, steps=tuple(steps)))

    def remove_step(self, number: int) -> None:
        """Remove the step with this number among those that connect no models."""
        others = [at for at, step in enumerate(self.plan.steps) if not isinstance(step, Connect)]
        steps = list(self.plan.steps)
        step = steps.pop(others[number])
        self.change(f"remove {step.NAME}", replace(self.plan, steps=tuple(steps)))

    # -- found wires

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
            handle, text = self._split(wire, self.handles)[1]
            tensors = getattr(self.judging.lookups[handle].find(text, "target"), "tensors", ())
            return not any((handle, name) in taken for name in tensors)

        wires = [wire for wire in suggest(self.plan, self.models) if free(wire)]
        if not wires:
            wires = [wire for wire in suggest_adapted(self.plan, self.models) if free(wire)]
        return [*wires, *(() if fed else suggest_shares(self.plan, self.models))]

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

    def join(self) -> Join | None:
        """Return the plan looked up; None while a model is not open."""
        if not self.complete:
            return None
        if self._join is None or self._join[0] != self.plan:
            from workbench.surgery.resolve.join import look_up

            self._join = self.plan, look_up(self.plan, self.models)
        return self._join[1]

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
        if self._outcome is not None and self._outcome.plan == plan:
            return self._outcome
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
        self._outcome = outcome
        return outcome

    @property
    def outcome(self) -> Outcome | None:
        """Return what `compute` found for the current plan, None if it did not run."""
        return self._outcome if self._outcome is not None and self._outcome.plan == self.plan else None

    # -- changes

    def change(
        self,
        label: str,
        plan: Plan | None = None,
        commit: CommitOptions | None = None,
        *,
        typing: bool = False,
    ) -> None:
        """Change the state; a change without effect is no step.

        Args:
            label: what undo calls it.
            plan: the new plan, or None for the same.
            commit: the new options, or None for the same.
            typing: it continues the last change, if that has the same label: one step for a word.
        """
        state = State(plan if plan is not None else self.plan, commit if commit is not None else self.commit)
        if state == self.state:
            return
        if not (typing and self._undo and self._undo[-1].label == label and not self._redo):
            self._undo.append(Undo(label, self.state))
        self._redo.clear()
        self.state = state

    def set_plan(self, label: str, **values: Any) -> None:
        """Change options of the plan (`freeze`, `signature`, …)."""
        self.change(label, self.plan.with_result(**values), typing=True)

    def set_commit(self, label: str, **values: Any) -> None:
        """Change commit options (`target`, `verify`, …)."""
        self.change(label, commit=replace(self.commit, **values), typing=True)

    @property
    def can_undo(self) -> str | None:
        """Return the name of the change that undo takes back, or None."""
        return self._undo[-1].label if self._undo else None

    @property
    def can_redo(self) -> str | None:
        """Return the name of the change that redo repeats, or None."""
        return self._redo[-1].label if self._redo else None

    @property
    def history(self) -> list[str]:
        """Return the names of all changes, undone ones too, from the first to the last."""
        return [one.label for one in (*self._undo, *reversed(self._redo))]

    @property
    def position(self) -> int:
        """Return how many changes of `history` are done."""
        return len(self._undo)

    def travel(self, position: int) -> None:
        """Undo or redo changes until this many are done."""
        while self.position > position and self.undo() is not None:
            pass
        while self.position < position and self.redo() is not None:
            pass

    def undo(self) -> str | None:
        """Undo the last change; return its name."""
        return self._go(self._undo, self._redo)

    def redo(self) -> str | None:
        """Redo the last undone change; return its name."""
        return self._go(self._redo, self._undo)

    def _go(self, here: list[Undo], there: list[Undo]) -> str | None:
        if not here:
            return None
        step = here.pop()
        there.append(Undo(step.label, self.state))
        self.state = step.before
        return step.label
