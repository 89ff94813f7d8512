"""Tensors of a model that get a place in its main graph, so that a signature or a Session can fetch them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.disk.schema import MetaGraphDef
from workbench.findings import Finding
from workbench.model import MetaGraph
from workbench.model.signature import Signature
from workbench.surgery.exposing.inner_tensors import InnerTensor, InnerTensors
from workbench.surgery.rewrite.expose_values import Exposed, expose_values

ITERATIONS = 1000
"""How many iterations of a loop are kept where nothing else is asked for."""


@dataclass(slots=True)
class ExposedTensors:
    """Tensors that were exposed, and what prevented others.

    Attributes:
        found: what each key names.
        wrong: what is wrong with the others.
        done: what was changed; `done.tensors` has the main graph's tensor `n:k` of each key.
    """

    found: dict[str, InnerTensor] = field(default_factory=dict)
    wrong: dict[str, Finding] = field(default_factory=dict)
    done: Exposed = field(default_factory=Exposed)


def find_tensors(
    meta: MetaGraph, addresses: Mapping[str, str], signature: Signature | None = None
) -> ExposedTensors:
    """Look up the tensors to expose, without changing the model.

    Args:
        meta: the MetaGraph.
        addresses: by key of the caller's choice, each as it is written: `node:0`, `CALL::CALL::node:0`,
            `LOOP[body]::node:0`.
        signature: whose output keys may be written as well.
    """
    lookup, result = InnerTensors(meta, signature), ExposedTensors()
    for key, text in addresses.items():
        one = lookup.find(text)
        if isinstance(one, Finding):
            result.wrong[key] = one
        else:
            result.found[key] = one
    return result


def expose_tensors(
    meta: MetaGraph,
    target: MetaGraphDef,
    addresses: Mapping[str, str],
    *,
    signature: Signature | None = None,
    iterations: int = ITERATIONS,
) -> ExposedTensors:
    """Give tensors of a model a place in its main graph; those that have none there get one.

    Each function on the way is cloned once, however many tensors are behind one call. Signatures and objects are not
    changed.

    Args:
        meta: the MetaGraph as it is.
        target: an equal copy, changed in place.
        addresses: as for `find_tensors`.
        signature: as for `find_tensors`.
        iterations: how many iterations of a loop are kept.
    """
    result = find_tensors(meta, addresses, signature)
    values = {key: one.value for key, one in result.found.items()}
    result.done = expose_values(target, values, iterations=iterations)
    return result
