"""Compatibility of endpoints: which can be wired, and why others can't."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Literal

from workbench.findings import Finding
from workbench.model import Model, shapes
from workbench.names import show
from workbench.session.wiring import write_wire
from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import Plan
from workbench.surgery.resolve.callables import Called, find_variant
from workbench.surgery.resolve.endpoints import Endpoint, Lookup, Side
from workbench.surgery.resolve.join import Seen, outside_call, see
from workbench.surgery.resolve.links import Link, judge
from workbench.surgery.resolve.shares import SharedInput, share

Fits = Literal["fits", "unknown", "no"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a wire between two endpoints.

    Attributes:
        state: `fits`, `unknown` (only the run can tell), `no`.
        reason: why, safe to print.
        told: what would help, or None.
        code: the rule that forbids it, for `no`.
        find: finds what would help, where that takes longer than the verdict; or None.
    """

    state: Fits
    reason: str
    told: str | None = None
    code: str = ""
    find: Callable[[], str | None] | None = field(default=None, compare=False)

    @property
    def hint(self) -> str | None:
        """What would help, or None."""
        return self.told if self.find is None else self.find()


class Judge:
    """Find endpoints and judge pairs of them for one plan, each pair once.

    Args:
        plan: the plan.
        models: its opened models by handle.
        links: its wires, as far as they resolve.
        seen: its sources as its wires see them, as far as that is known.
        shared: the inputs that models share, as far as they resolve.
    """

    def __init__(
        self,
        plan: Plan,
        models: Mapping[str, Model],
        links: Sequence[Link],
        seen: Mapping[str, Seen] | None = None,
        shared: Sequence[SharedInput] = (),
    ) -> None:
        self.links = links
        self._shared = {
            (target.handle, tensor): one
            for one in shared
            for target in one.targets
            for tensor in target.tensors
        }
        self.lookups: dict[str, Lookup] = {}
        self._plan, self._models = plan, models
        self._called: dict[str, Called] = {}
        self._callables: dict[tuple[str, str], Lookup | Finding] = {}
        for source in plan.sources:
            if source.handle in models:
                one = (seen or {}).get(source.handle) or see(plan, source, models[source.handle])
                self.lookups[source.handle] = Lookup(one.meta, source.handle, one.signature, judging=True)
                if one.called is not None:
                    self._called[source.handle] = one.called
        self._wired = {(link.target.handle, tensor): link for link in links for tensor in link.target.tensors}
        self._known: dict[tuple[Endpoint, Endpoint, str], Judgement] = {}

    def port(self, handle: str, signature: str, key: str, side: Side) -> Endpoint | Finding:
        """Return the endpoint of a signature's or callable's key, in its shortest form."""
        lookup = self.lookups[handle]
        if signature not in lookup.meta.signatures:
            wired, found_by_name = self._called.get(handle), find_variant(lookup.meta, signature)
            if wired is not None and found_by_name is not None:
                item, variant = found_by_name
                if (item.path, variant.index) == (wired.path, wired.index):
                    return lookup.find(f"{wired.key}#{key}", side)  # the wires name it otherwise
            called = self._by_callable(handle, signature)
            return called.find(f"{signature}#{key}", side) if isinstance(called, Lookup) else called
        if lookup.chosen is not None and lookup.chosen.key == signature:
            for text in (key, f"#{key}"):
                found = lookup.find(text, side)
                if isinstance(found, Endpoint) and found.key == key and found.signature == signature:
                    return found
        return lookup.find(f"{signature}#{key}", side)

    def _by_callable(self, handle: str, name: str) -> Lookup | Finding:
        """Return the model's lookup as if a wire named this callable, or a finding."""
        if (handle, name) not in self._callables:
            endpoint = f"{handle}@{name}#"
            source = next(source for source in self._plan.sources if source.handle == handle)
            seen = see(self._plan.with_wire(Connect(endpoint, endpoint)), source, self._models[handle])
            self._callables[handle, name] = seen.problem or Lookup(seen.meta, handle, seen.signature)
        return self._callables[handle, name]

    def tensor(self, handle: str, node: str, index: int, side: Side) -> Endpoint | Finding:
        """Return the endpoint of a main graph's tensor, or a finding."""
        lookup = self.lookups[handle]
        text = node if index == 0 else f"{node}:{index}"
        found = lookup.find(text, side)
        if isinstance(found, Endpoint) and found.tensors == (f"{node}:{index}",):
            return found
        return lookup.find(f"%{node}:{index}", side)

    def wired(self, endpoint: Endpoint) -> Link | None:
        """Return the wire that leads to an input, or None."""
        return next(
            (
                self._wired[endpoint.handle, tensor]
                for tensor in endpoint.tensors
                if (endpoint.handle, tensor) in self._wired
            ),
            None,
        )

    def shared(self, endpoint: Endpoint) -> SharedInput | None:
        """Return the shared input that feeds an input, or None."""
        found = (self._shared.get((endpoint.handle, tensor)) for tensor in endpoint.tensors)
        return next((one for one in found if one is not None), None)

    def judge_share(self, one: Endpoint, other: Endpoint) -> Judgement:
        """Return whether two inputs can share a value, and why not."""
        wrong = self._mixed(one) or self._mixed(other)
        if wrong is not None:
            return Judgement("no", wrong.message, wrong.hint, wrong.code)
        for endpoint in (one, other):
            if (taken := self.wired(endpoint)) is not None:
                return _wired(taken)
        mine, theirs = self.shared(one), self.shared(other)
        if mine is not None and theirs is not None:
            told = "each other" if mine is theirs else "others"
            return Judgement(
                "no", f"Both inputs share a value with {told}.", "Remove that step first.", "R2-twice"
            )
        known = (
            found.targets if found is not None else (end,) for found, end in ((mine, one), (theirs, other))
        )
        made = share(one.key or one.written, [end for ends in known for end in ends])
        if isinstance(made, Finding):
            return Judgement("no", made.message, made.hint, made.code)
        typed = shapes.typed(made.dtypes[0], made.shapes[0])
        return Judgement("fits", f"One input of the result, {typed}, feeds both.")

    def fed_by(self, endpoint: Endpoint) -> list[Link]:
        """Return the wires that start at an output."""
        wanted = set(endpoint.tensors)
        return [
            link
            for link in self.links
            if link.source.handle == endpoint.handle and wanted & set(link.source.tensors)
        ]

    def judge(self, source: Endpoint, target: Endpoint, through: str = "") -> Judgement:
        """Return whether `source` can be connected to `target`, and why not.

        Args:
            source: the output.
            target: the input.
            through: the chain of adapters between them; empty for none.
        """
        key = source, target, through
        if key not in self._known:
            self._known[key] = self._judge(source, target, through)
        return self._known[key]

    def _judge(self, source: Endpoint, target: Endpoint, through: str) -> Judgement:
        found = self._mixed(source) or self._mixed(target) or self._fit(source, target, through)
        if isinstance(found, Finding):
            hint = cache(partial(self._hint, source, target, through)) if found.hint is None else None
            return Judgement("no", found.message, found.hint, found.code, hint)
        taken = self.wired(target)
        if taken is not None:
            return _wired(taken)
        if (shared := self.shared(target)) is not None:
            told = f"The input shares the value of {show(shared.key)!r}."
            return Judgement("no", told, "Remove that step first.", "R2-twice")
        if source.handle in self._behind(target.handle):
            return Judgement(
                "no",
                f"{source.handle} already takes an output of {target.handle}; this wire would make a cycle.",
                "Open one of the models a second time.",
                "R2-cycle",
            )
        have = ", ".join(map(shapes.typed, source.dtypes, source.shapes))
        want = ", ".join(map(shapes.typed, target.dtypes, target.shapes))
        if found.chain is not None:
            have = f"{found.chain.type} behind its adapters"
        both = (
            f"Output `{show(source.written, 40)}` is {have}; input `{show(target.written, 40)}` takes {want}"
        )
        if found.proven:
            return Judgement("fits", f"{both}." if have != want else f"Both are {have}.")
        return Judgement(
            "unknown",
            f"{both}. The result checks the shape when it runs.",
        )

    def _hint(self, source: Endpoint, target: Endpoint, through: str) -> str | None:
        """Return what makes an output fit an input."""
        found = self._fit(source, target, through, hints=True)
        return found.hint if isinstance(found, Finding) else None

    def _fit(
        self, source: Endpoint, target: Endpoint, through: str, *, hints: bool = False
    ) -> Link | Finding:
        wire = write_wire(
            self._plan.handles, (source.handle, source.written), (target.handle, target.written)
        )
        metas = self.lookups[source.handle].meta, self.lookups[target.handle].meta
        written = wire.source, wire.target
        return judge(source, target, through, written=written, metas=metas, hints=hints)

    def _mixed(self, endpoint: Endpoint) -> Finding | None:
        """Return the finding for a wire that mixes a callable with other endpoints."""
        called = self._called.get(endpoint.handle)
        if called is not None:
            return outside_call(endpoint, called.key)
        if endpoint.signature is None or endpoint.signature in self.lookups[endpoint.handle].meta.signatures:
            return None
        others = (
            one for link in self.links for one in (link.source, link.target) if one.handle == endpoint.handle
        )
        other = next((one for one in others if one.signature != endpoint.signature), None)
        if other is None:
            return None
        return Finding(
            "R1-callables",
            "error",
            show(str(endpoint)),
            f"{show(str(other))} is wired. Wires of one model use either one callable, or a signature and tensors.",
            "Remove that wire first, or open the model a second time.",
        )

    def _behind(self, handle: str) -> set[str]:
        """Return the models that depend on this one, itself included."""
        seen, todo = {handle}, [handle]
        while todo:
            one = todo.pop()
            for link in self.links:
                if link.source.handle == one and link.target.handle not in seen:
                    seen.add(link.target.handle)
                    todo.append(link.target.handle)
        return seen


def _wired(link: Link) -> Judgement:
    """Return the verdict on an input that a wire feeds."""
    told = f"The input is already wired, from {show(str(link.source))}."
    return Judgement("no", told, "Remove that wire first.", "R2-twice")
