"""The JSON of `inspect --json`, one object a model."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from workbench.checks.open_model import examine
from workbench.cli.output import SCHEMA_VERSION
from workbench.describe.actions import finding_json
from workbench.describe.signatures import signature_json
from workbench.disk import dtypes
from workbench.model import shapes
from workbench.runtime.comparison.verdict import recorded

if TYPE_CHECKING:
    from workbench.graph.level import Level
    from workbench.model.callables import Callable_
    from workbench.model.meta import MetaGraph
    from workbench.model.model import Model
    from workbench.model.signature import Signature
    from workbench.model.structured import Spec


def report(model: Model, signatures: Iterable[Mapping[str, Signature]]) -> dict[str, Any]:
    """Return the JSON object of one model.

    Args:
        model: the model.
        signatures: the signatures to show of each MetaGraph.
    """
    found: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "path": os.fspath(model.read_from),
        "format": model.format,
        "meta_graphs": [
            meta_graph(meta, shown) for meta, shown in zip(model.meta_graphs, signatures, strict=True)
        ],
        "findings": [finding_json(finding) for finding in examine(model)],
    }
    if model.origin is not None:
        proof = model.origin.proof
        verdict = recorded(proof)[0] if proof is not None else None
        found["origin"] = {"recipe": model.origin.recipe, "proof": proof, "verdict": verdict}
    return found


def meta_graph(meta: MetaGraph, signatures: Mapping[str, Signature]) -> dict[str, Any]:
    """Return the JSON object of one MetaGraph."""
    return {
        "tags": list(meta.tags),
        "tensorflow_version": meta.tensorflow_version,
        "producer": meta.producer,
        "object_graph": meta.has_object_graph,
        "signatures": {key: signature_json(signature) for key, signature in signatures.items()},
        "callables": [_callable(found) for found in meta.callables],
        "variables": [
            {
                "name": variable.name,
                "key": variable.key,
                "dtype": dtypes.name(variable.dtype),
                "shape": shapes.as_json(variable.shape),
                "bytes": variable.nbytes,
                "shard": variable.shard,
                "trainable": variable.trainable,
            }
            | ({"slice": str(variable.slice)} if variable.slice else {})
            for variable in meta.variables
        ],
        "ops": dict(sorted(meta.ops.items())),
        "unknown_ops": list(meta.unknown_ops),
        "nodes": len(meta.graph.node),
        "functions": [{"name": name, "nodes": nodes} for name, nodes in meta.function_sizes.items()],
        "assets": [
            {"filename": asset.filename, "tensor": asset.tensor, "bytes": asset.nbytes}
            for asset in meta.assets
        ],
    }


def _callable(found: Callable_) -> dict[str, Any]:
    return {
        "path": found.path,
        "variants": [
            {
                "index": variant.index,
                "function": variant.function,
                "arguments": variant.arguments,
                "inputs": [_spec(spec) for spec in variant.inputs],
                "outputs": [_spec(spec) for spec in variant.outputs],
            }
            for variant in found.variants
        ],
    }


def _spec(spec: Spec) -> dict[str, Any]:
    found = {"key": spec.key, "dtype": dtypes.name(spec.dtype), "shape": shapes.as_json(spec.shape)}
    return found if spec.kind == "dense" else found | {"kind": spec.kind}


def node_list(found: Iterable[tuple[Level, str]]) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of nodes by level and name, for `--nodes`."""
    for level, name in found:
        node = level.nodes[name]
        types = level.meta.output_types(node)
        outputs = None
        if types is not None:
            tensors = [level.tensor(name, index) for index in range(len(types))]
            outputs = [
                {"dtype": dtypes.name(tensor.dtype), "shape": shapes.as_json(tensor.shape)}
                for tensor in tensors
                if tensor is not None
            ]
        yield {"name": level.full_name(name), "op": node.op, "inputs": list(node.input), "outputs": outputs}
