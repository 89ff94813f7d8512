"""All checks of a model, brought together: `check_model`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from types import NoneType
from typing import TYPE_CHECKING

from workbench.checks import signatures
from workbench.checks.codes import LISTED, Found
from workbench.checks.codes_of_opening import DANGLING_INPUT
from workbench.checks.folder import assets, checkpoint, files, tracked
from workbench.checks.graphs import (
    attrs,
    captures,
    functions,
    initialised,
    loading,
    names,
    nodes,
    objects,
    ops,
    saver,
    values,
)
from workbench.checks.open_model import of_files, of_meta
from workbench.errors import UsageError, expect
from workbench.findings import Finding, Severity, by_severity, total
from workbench.graph.body import Bodies, Body
from workbench.model import as_model
from workbench.names import count

if TYPE_CHECKING:
    from workbench.disk.files import Progress
    from workbench.disk.schema import TrackableObjectGraph
    from workbench.model.meta import MetaGraph
    from workbench.model.model import Model


@dataclass(frozen=True, slots=True)
class Checked:
    """The findings of a check.

    Attributes:
        model: what is about the files, the checkpoint and the assets as a whole.
        metas: what is about each MetaGraph that was looked at: its tags, and the findings, errors first.
        nodes: how many nodes were looked at, those of functions included.
        functions: how many functions.
        tensors: how many tensors of the checkpoint had their checksums compared.
        nbytes: how many bytes they have.
    """

    model: tuple[Finding, ...]
    metas: tuple[tuple[tuple[str, ...], tuple[Finding, ...]], ...]
    nodes: int = 0
    functions: int = 0
    tensors: int = 0
    nbytes: int = 0

    def __repr__(self) -> str:
        counts = ", ".join(count(self.count(one), one) for one in ("error", "warning", "info"))
        return (
            f"<Checked: {counts} in {count(self.nodes, 'node')}, "
            f"{count(self.functions, 'function')}, {count(self.tensors, 'tensor')}>"
        )

    @property
    def findings(self) -> list[Finding]:
        """Return all findings, errors first."""
        return by_severity([*self.model, *(one for _, found in self.metas for one in found)])

    def count(self, severity: Severity) -> int:
        """Return how many findings there are of a severity, listed or not."""
        return total(self.findings, severity)


class _Graph:
    """A MetaGraph with its bodies, the main graph first."""

    def __init__(self, meta: MetaGraph) -> None:
        self.meta = meta
        self.bodies = tuple(Bodies(meta))

    @property
    def main(self) -> Body:
        return self.bodies[0]


def check_model(
    model: Model | str | os.PathLike[str],
    *,
    only: Sequence[MetaGraph] | None = None,
    checksums: bool = True,
    serving: bool = False,
    limit: int | None = LISTED,
    progress: Progress | None = None,
) -> Checked:
    """Check a model for everything that `codes.registry` lists.

    Time is linear in the graph and in the bytes of the checkpoint; TensorFlow is not needed.

    Args:
        model: an opened model, or what `open_model` takes.
        only: the MetaGraphs to look at; None for all.
        checksums: read the data files and compare the checksum of every tensor.
        serving: also look for what TensorFlow Serving stumbles over.
        limit: how many findings of one code are listed; None for all.
        progress: called with the bytes read and those in all while checksums are compared.

    Raises:
        DiskError: the model can't be read at all.
        UsageError: one of `only` is no MetaGraph of the model.
    """
    model = as_model(model)
    expect(only, (Sequence, NoneType), "The MetaGraphs to look at", "a list of them")
    for one in only or ():
        if not any(one is meta for meta in model.meta_graphs):
            raise UsageError(
                "A MetaGraph to look at is none of the model's.", hint="Take it from meta_graphs."
            )
    whole = Found(limit)
    graphs = [_Graph(meta) for meta in model.meta_graphs]
    graph_of_checkpoint = _checkpoint(model, graphs, whole)
    files.check(model, whole)
    if model.folder is not None:
        assets.check_files(model.folder, model.meta_graphs, whole)
        if (model.folder / "fingerprint.pb").exists():
            from workbench.checks.folder import fingerprint

            fingerprint.check(model, whole)
    served = _served(model, whole) if serving else []
    metas = []
    looked_at = [graph for graph in graphs if only is None or any(graph.meta is one for one in only)]
    for graph in looked_at:
        found = Found(limit)
        _meta(graph, graph_of_checkpoint, found)
        if any(graph.meta is one for one in served):
            from workbench.checks import serving as for_serving

            for_serving.check_meta(model, graph.meta, graph.main, found)
        told = [one for one in of_meta(graph.meta) if one.code != DANGLING_INPUT.name]  # told here in full
        metas.append((graph.meta.tags, _ordered([*told, *found.findings])))
    compared = model.bundle if checksums else None
    sums = [] if compared is None else compared.verify(progress)
    return Checked(
        _ordered([*of_files(model), *sums, *whole.findings]),
        tuple(metas),
        nodes=sum(len(body.nodes) for graph in looked_at for body in graph.bodies),
        functions=sum(len(graph.meta.functions) for graph in looked_at),
        tensors=0 if compared is None else len(compared),
        nbytes=0 if compared is None else compared.nbytes,
    )


def _ordered(findings: list[Finding]) -> tuple[Finding, ...]:
    return tuple(by_severity(list(dict.fromkeys(findings))))


def _served(model: Model, found: Found) -> list[MetaGraph]:
    from workbench.checks import serving as for_serving

    return for_serving.check(model, found)


def _checkpoint(model: Model, graphs: Sequence[_Graph], found: Found) -> TrackableObjectGraph | None:
    """Check the whole checkpoint; return its object graph, if it has one that parses."""
    bundle = model.bundle
    if bundle is None:
        return None
    checkpoint.check_files(bundle, found)
    graph_of_checkpoint = tracked.read(bundle) if any(meta.objects for meta in model.meta_graphs) else None
    unused = checkpoint.unused_keys(
        bundle, [graph.bodies for graph in graphs], model.meta_graphs, graph_of_checkpoint
    )
    checkpoint.tell_unused(unused, bundle, found)
    return graph_of_checkpoint


def _meta(graph: _Graph, graph_of_checkpoint: TrackableObjectGraph | None, found: Found) -> None:
    """Check one MetaGraph, without what `open_model` reports already."""
    meta = graph.meta
    for body in graph.bodies:
        nodes.check(body, found)
        attrs.check(body, found)
        values.check(body, found)
        names.check(body, found)
    functions.check(meta, graph.bodies, found)
    signatures.check(meta, graph.main, found)
    for body in graph.bodies[1:]:
        signatures.check_body(body, found)
    saver.check(meta, found)
    objects.check(meta, found)
    captures.check(meta, found)
    tracked.check(meta, graph_of_checkpoint, found)
    checkpoint.check_variables(meta, graph.main.adjacency, found)
    initialised.check(meta, graph.main, graph.bodies, found)
    assets.check_tensors(meta, found)
    ops.check(meta, graph.bodies, found)
    loading.check(meta, graph.bodies, found)
