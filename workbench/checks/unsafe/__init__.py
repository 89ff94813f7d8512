"""Where a model touches more than tensors: files, the network, the process, Python, code that nobody knows.

TensorFlow models are programs. `ops.py` lists the unsafe ops. The walk visits every function
that is called by anything, branches and loop bodies included; TensorFlow's own `saved_model_cli scan` does not. It
follows what runs: the nodes behind a signature, the function that `tf.saved_model.load` gives for it (which may be
another one), and what loading alone runs (`loading.py`).

Found, and excused (`trust.py`): the saver's own save and restore nodes where only the saver reaches them and the file
is the one they are given, those of savers that nothing reaches, and ops that read one of the model's own assets. Not
found at all: PrintV2 to the terminal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from workbench.checks.unsafe.ops import classify
from workbench.checks.unsafe.report import (
    FETCHED,
    INIT,
    OTHER_SAVERS,
    OWN_ASSET,
    SAVERS_OWN,
    Danger,
    unsafe_message,
)
from workbench.disk.schema import NodeDef

if TYPE_CHECKING:
    from workbench.checks.unsafe.walk import Walk
    from workbench.model.meta import MetaGraph

__all__ = [
    "CLI_DENYLIST",
    "OTHER_SAVERS",
    "OWN_ASSET",
    "SAVERS_OWN",
    "Danger",
    "unsafe_ops",
    "on_denylist",
    "scan",
    "unsafe_message",
]

CLI_DENYLIST = ("WriteFile", "ReadFile", "PrintV2")
"""What `saved_model_cli scan` looks for when it is not told otherwise."""


def scan(meta: MetaGraph) -> list[Danger]:
    """Return all unsafe ops, reached or not, each node of a body once; excused ones last."""
    return [*_unknown_fields(meta), *_walk(meta, None).all()]


def unsafe_ops(
    meta: MetaGraph,
    signature_keys: Iterable[str] | None = None,
    *,
    tensors: Iterable[str] = (),
    fed: Iterable[str] = (),
    called: Iterable[str] = (),
    tensorflow: str | None = None,
) -> list[Danger]:
    """Return the unsafe ops of a MetaGraph that have no excuse, each node of a body once.

    Args:
        meta: the MetaGraph.
        signature_keys: the signatures to run: only what they or loading the model reach is listed.
            None lists everything in the graph and its library, reached or not.
        tensors: of the main graph, that are fetched besides.
        fed: tensors of the main graph that are fed then.
        called: paths of callables that are called besides.
        tensorflow: the version that is to load it, where that is known (`loading.starts`).
    """
    fetched = tuple(tensors)
    walk = _walk(meta, signature_keys, fed, fetched, tensorflow)
    walk.from_main(fetched, FETCHED)
    if meta.objects is not None:
        from workbench.checks.unsafe.objects import LoadedObjects

        loaded = LoadedObjects(meta.objects)
        for name in dict.fromkeys(name for path in called for name in loaded.at(path)):
            walk.from_function(name, FETCHED)
    return [*_unknown_fields(meta), *walk.found.values()]


def _unknown_fields(meta: MetaGraph) -> list[Danger]:
    """Return a finding for unknown fields, which another TensorFlow may run."""
    if not meta.has_unknown_fields:
        return []
    why = "may mean anything to another TensorFlow than 2.21"
    return [Danger("fields that are not known", "code", why, "MetaGraphDef", (), ("(load)",))]


def _walk(
    meta: MetaGraph,
    signature_keys: Iterable[str] | None,
    fed: Iterable[str] = (),
    fetched: Iterable[str] = (),
    tensorflow: str | None = None,
) -> Walk:
    """Walk from all that runs; with no keys, over everything else too."""
    # not above: a merge only glances at the ops of its result, and most need no walk
    from workbench.checks.unsafe import loading
    from workbench.checks.unsafe.walk import Walk

    starts = list(loading.starts(meta, signature_keys, tensorflow=tensorflow))
    run = [name for start in starts if start.label != INIT for name in start.nodes]
    walk = Walk(meta, fed, [*run, *fetched])
    for start in starts:
        walk.from_main(start.nodes, start.label)
        for name in start.functions:
            walk.from_function(name, start.label)
    walk.from_import()
    if signature_keys is None:
        walk.the_rest()
    return walk


def on_denylist(meta: MetaGraph, denylist: Collection[str]) -> list[Danger]:
    """Return each node of the main graph and of all functions whose op is on a list."""
    found = []
    places: list[tuple[tuple[str, ...], Iterable[NodeDef]]] = [((), meta.nodes.values())]
    places += [((name,), function.node_def) for name, function in meta.functions.items()]
    for path, nodes in places:
        for node in nodes:
            if node.op in denylist:
                tier, why = classify(node, meta.functions) or ("code", "is on the list")
                found.append(Danger(node.op, tier, why, node.name, path, ()))
    return found
