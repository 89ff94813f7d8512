"""Suggested wires: outputs of a model that fit inputs of the next one. Suggested shared inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import pairwise

from workbench.model import Model
from workbench.surgery.operations.connect import Connect
from workbench.surgery.operations.share import Share
from workbench.surgery.plan import Plan
from workbench.surgery.resolve.endpoints import Endpoint, Lookup
from workbench.surgery.resolve.join import see
from workbench.surgery.resolve.links import Link, judge
from workbench.surgery.resolve.shares import SharedInput, share

_MAX_PORTS = 200


def suggest(plan: Plan, models: Mapping[str, Model]) -> list[Connect]:
    """Return wires between neighbouring models that fit by dtype and shape.

    Proven shapes come before unknown ones, then those whose names are alike.
    """
    found: list[tuple[float, Connect]] = []
    for source, target, alike, wire in _pairs(plan, models):
        link = judge(source, target, hints=False)
        if isinstance(link, Link):
            found.append(((2.0 if link.proven else 1.0) + alike, wire))
    return [wire for _, wire in sorted(found, key=lambda item: -item[0])]


def suggest_shares(plan: Plan, models: Mapping[str, Model]) -> list[Share]:
    """Return inputs that models can share: those of one key, else the only input of each."""
    inputs: dict[str, list[Endpoint]] = {}
    only: list[Endpoint] = []
    for source in plan.sources:
        seen = see(plan, source, models[source.handle])
        lookup = Lookup(seen.meta, source.handle, seen.signature)
        keys = list(seen.signature.inputs)[:_MAX_PORTS] if seen.signature is not None else []
        found = {key: one for key in keys if isinstance(one := lookup.find(f"#{key}", "target"), Endpoint)}
        only += found.values() if len(found) == 1 else ()
        for key, one in found.items():
            inputs.setdefault(key, []).append(one)
    same = [
        Share({key: [key]})
        for key, listed in inputs.items()
        if len(listed) > 1 and isinstance(share(key, listed), SharedInput)
    ]
    if same or len(only) < max(len(plan.sources), 2):
        return same
    key = only[0].key or "input"
    fits = isinstance(share(key, only), SharedInput)
    return [Share({key: [f"{one.handle}@{one.key}" for one in only]})] if fits else []


def suggest_adapted(plan: Plan, models: Mapping[str, Model]) -> list[Connect]:
    """Return wires between neighbouring models that adapters make fit.

    Short chains come before longer, lossy and guessed ones, then those whose names are alike.
    """
    from workbench.surgery.adapters.suggest import suggest as suggest_chain
    from workbench.surgery.adapters.tensor_type import TensorType

    found: list[tuple[float, Connect]] = []
    for source, target, alike, wire in _pairs(plan, models):
        if source.kind == target.kind == "dense" and source.handle != target.handle:
            have, want = (TensorType.of(one.dtypes[0], one.shapes[0]) for one in (source, target))
            chain = suggest_chain(have, want)
            if chain is not None and chain.text:
                found.append((chain.cost - alike, replace(wire, through=chain.text)))
    return [wire for _, wire in sorted(found, key=lambda item: item[0])]


def _pairs(plan: Plan, models: Mapping[str, Model]) -> Iterator[tuple[Endpoint, Endpoint, float, Connect]]:
    """Yield outputs of models with inputs of the next, how alike their names are, and the wire."""
    lookups = []
    for source in plan.sources:
        seen = see(plan, source, models[source.handle])
        lookups.append(Lookup(seen.meta, source.handle, seen.signature))
    for left, right in pairwise(lookups):
        if left.chosen is None or right.chosen is None:
            continue
        for out_key in list(left.chosen.outputs)[:_MAX_PORTS]:
            for in_key in list(right.chosen.inputs)[:_MAX_PORTS]:
                gives, takes = left.find(f"#{out_key}", "source"), right.find(f"#{in_key}", "target")
                if not isinstance(gives, Endpoint) or not isinstance(takes, Endpoint):
                    continue
                alike = SequenceMatcher(None, out_key.lower(), in_key.lower()).ratio()
                out_text = out_key if isinstance(left.find(out_key, "source"), Endpoint) else f"#{out_key}"
                in_text = in_key if isinstance(right.find(in_key, "target"), Endpoint) else f"#{in_key}"
                yield gives, takes, alike, _wire(plan, left.handle, out_text, right.handle, in_text)


def _wire(plan: Plan, left: str, out_key: str, right: str, in_key: str) -> Connect:
    if len(plan.sources) == 2:
        return Connect(out_key, in_key)
    return Connect(f"{left}@{out_key}", f"{right}@{in_key}")
