"""Suggested wires: outputs of a model that fit inputs of the next one."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher
from itertools import pairwise

from workbench.model import Model
from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import Plan
from workbench.surgery.resolve.endpoints import Endpoint, Lookup
from workbench.surgery.resolve.join import Link, judge, see

_MAX_PORTS = 200


def suggest(plan: Plan, models: Mapping[str, Model]) -> list[Connect]:
    """Return wires between neighbouring models that fit by dtype and shape.

    Proven shapes come before unknown ones, then those whose names are alike.
    """
    lookups = []
    for source in plan.sources:
        seen = see(plan, source, models[source.handle])
        lookups.append(Lookup(seen.meta, source.handle, seen.signature))
    found: list[tuple[float, Connect]] = []
    for left, right in pairwise(lookups):
        if left.chosen is None or right.chosen is None:
            continue
        for out_key in list(left.chosen.outputs)[:_MAX_PORTS]:
            for in_key in list(right.chosen.inputs)[:_MAX_PORTS]:
                source_endpoint, target_endpoint = (
                    left.find(f"#{out_key}", "source"),
                    right.find(f"#{in_key}", "target"),
                )
                if not isinstance(source_endpoint, Endpoint) or not isinstance(target_endpoint, Endpoint):
                    continue
                link = judge(source_endpoint, target_endpoint)
                if isinstance(link, Link):
                    alike = SequenceMatcher(None, out_key.lower(), in_key.lower()).ratio()
                    score = (2.0 if link.proven else 1.0) + alike
                    out_text = (
                        out_key if isinstance(left.find(out_key, "source"), Endpoint) else f"#{out_key}"
                    )
                    in_text = in_key if isinstance(right.find(in_key, "target"), Endpoint) else f"#{in_key}"
                    wire = _wire(plan, left.handle, out_text, right.handle, in_text)
                    found.append((score, wire))
    return [wire for _, wire in sorted(found, key=lambda item: -item[0])]


def _wire(plan: Plan, left: str, out_key: str, right: str, in_key: str) -> Connect:
    if len(plan.sources) == 2:
        return Connect(out_key, in_key)
    return Connect(f"{left}@{out_key}", f"{right}@{in_key}")
