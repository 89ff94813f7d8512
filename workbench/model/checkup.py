"""What is the matter with a model, as findings: said, not fatal, so that any model can be looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.disk import dtypes
from workbench.disk.folder import is_lfs_pointer
from workbench.disk.schema import Message
from workbench.errors import DamagedFile, WorkbenchError
from workbench.findings import Finding, by_severity
from workbench.model import shapes
from workbench.model.saver import VARIABLE_OPS
from workbench.model.signature import INIT_OP, Port
from workbench.names import TensorName, did_you_mean, input_node, input_tensor, parse_tensor, show

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph
    from workbench.model.model import Model

_LISTED = 5
_CALLED_BY = {
    "PartitionedCall": ("f",),
    "StatefulPartitionedCall": ("f",),
    "If": ("then_branch", "else_branch"),
    "StatelessIf": ("then_branch", "else_branch"),
    "While": ("cond", "body"),
    "StatelessWhile": ("cond", "body"),
}


def examine(model: Model) -> list[Finding]:
    """All findings of a model, errors first."""
    found: list[Finding] = []
    found += [Finding("note", "info", show(str(model.path)), note) for note in model.notes]
    if not model.meta_graphs:
        found.append(Finding("no-metagraph", "error", show(str(model.path)), "The file holds no MetaGraph."))
    found += _checkpoint(model)
    for meta in model.meta_graphs:
        found += _names_that_name_nothing(meta)
        found += _functions(meta)
        found += _unknown_ops(meta)
        found += _variables(meta)
        found += _assets(meta)
    if model.origin is not None:
        found += model.origin.findings
    return by_severity(list(dict.fromkeys(found)))


def _problem(code: str, problem: WorkbenchError) -> Finding:
    return Finding(code, "error", problem.where or "", problem.message, problem.hint)


def _checkpoint(model: Model) -> list[Finding]:
    if model.bundle_problem is not None:
        return [_problem("bundle-problem", model.bundle_problem)]
    if model.bundle is not None:
        return model.bundle.check() + [
            _pointer(shard) for shard in model.bundle.shards if is_lfs_pointer(shard)
        ]
    if model.folder is None:
        return []
    restored = [meta for meta in model.meta_graphs if meta.proto.saver_def.restore_op_name]
    count = max((sum(meta.main_ops[op] for op in VARIABLE_OPS) for meta in restored), default=0)
    if not count:
        return []
    return [
        Finding(
            "no-checkpoint",
            "error",
            show(str(model.folder / "variables")),
            f"The graph restores {count} variables, but there is no checkpoint with their values.",
            "Copy the folder variables/ from where the model was exported.",
        )
    ]


def _pointer(shard: Path) -> Finding:
    message = "This shard is a Git LFS pointer: git left it where the real file should be."
    hint = "Run `git lfs pull` in the repository the model came from."
    return Finding("lfs-pointer", "error", show(str(shard)), message, hint)


def _names_that_name_nothing(meta: MetaGraph) -> list[Finding]:
    """Duplicate node names, inputs of nodes and tensors of signatures that no node has."""
    known = meta.nodes
    found: list[Finding] = []
    if "" in known:
        message = "A node has no name, so nothing can use it; TensorFlow refuses such a graph."
        found.append(Finding("nameless-node", "error", "", message))
    if len(known) != len(meta.graph.node):
        counts = Counter([node.name for node in meta.graph.node])
        for name in [name for name, number in counts.items() if number > 1][:_LISTED]:
            message = f"{counts[name]} nodes have this name; TensorFlow refuses such a graph."
            found.append(Finding("duplicate-node", "error", show(name), message))
    dangling = [
        (name, entry)
        for name, node in known.items()
        for entry in node.input
        if entry not in known and not _names_a_tensor(entry, known)
    ]
    found += [
        Finding(
            "dangling-input",
            "error",
            show(name),
            f"Its input {show(entry)!r} names no node of the graph.",
            did_you_mean(input_node(entry), known, noun="nodes"),
        )
        for name, entry in dangling[:_LISTED]
    ]
    if len(dangling) > _LISTED:
        message = f"{len(dangling) - _LISTED} more inputs name no node of the graph."
        found.append(Finding("dangling-input", "error", "", message))
    return found + _signatures(meta)


def _names_a_tensor(entry: str, known: Mapping[str, Message]) -> bool:
    name = entry[1:] if entry.startswith("^") else input_tensor(entry).node
    return name in known


def _signatures(meta: MetaGraph) -> list[Finding]:
    found = []
    for signature in meta.signatures.values():
        ports = [("input", port) for port in signature.inputs.values()]
        ports += [("output", port) for port in signature.outputs.values()]
        for side, port in ports:
            for name in port.tensors:
                parsed = parse_tensor(name)
                if not _is_there(meta, parsed, signature.key == INIT_OP):
                    found.append(
                        Finding(
                            "signature-tensor",
                            "error",
                            f"{show(signature.key)}#{show(port.key)}",
                            f"This {side} is tensor {show(name)!r}, which the graph does not have.",
                            did_you_mean(parsed.node if parsed else name, meta.nodes, noun="nodes"),
                        )
                    )
        if signature.key != INIT_OP and meta.format != "graphdef":
            found += _declared_against_graph(meta, signature.key, list(signature.inputs.values()))
    return found


def _is_there(meta: MetaGraph, tensor: TensorName | None, is_op: bool) -> bool:
    """Whether the graph has a tensor (or the node, if an op is meant); an unknown op has any."""
    node = meta.nodes.get(tensor.node) if tensor else None
    if tensor is None or node is None:
        return False
    types = None if is_op else meta.output_types(node)
    return types is None or tensor.index < len(types)


def _functions(meta: MetaGraph) -> list[Finding]:
    """Calls of functions that the library does not have."""
    called: dict[str, str] = {}
    for body, ops in meta.bodies:
        for index, op in enumerate(ops):
            for attr in _CALLED_BY.get(op, ()):
                called.setdefault(body[index].attr[attr].func.name, body[index].name)
    return [
        Finding(
            "missing-function",
            "error",
            show(node),
            f"It calls the function {show(name)!r}, which the model does not have.",
            did_you_mean(name, meta.functions, noun="functions"),
        )
        for name, node in called.items()
        if name not in meta.functions
    ]


def _declared_against_graph(meta: MetaGraph, key: str, ports: list[Port]) -> list[Finding]:
    """Inputs whose placeholder has another dtype or a contradicting shape than the signature declares."""
    found = []
    for port in ports:
        tensor = meta.node_tensor(port.tensor) if port.kind == "dense" else None
        if tensor is None:
            continue
        where = f"{show(key)}#{show(port.key)}"
        if tensor.dtype and port.dtype and dtypes.base(tensor.dtype) != dtypes.base(port.dtype):
            message = (
                f"The signature declares {dtypes.name(port.dtype)}, "
                f"the graph has {dtypes.name(tensor.dtype)}."
            )
            found.append(Finding("signature-dtype", "warning", where, message))
        if shapes.fits(port.shape, tensor.shape) == "refuted":
            message = (
                f"The signature declares shape {shapes.text(port.shape)}, "
                f"the graph has {shapes.text(tensor.shape)}; the graph counts."
            )
            found.append(Finding("signature-shape", "warning", where, message))
    return found


def _unknown_ops(meta: MetaGraph) -> list[Finding]:
    found = []
    for op in meta.unknown_ops:
        if not op:
            found.append(Finding("no-op", "error", "", f"{_nodes(meta.ops[op])} without an op."))
            continue
        told = op in meta.op_table
        message = f"TensorFlow 2.21 has no such op ({_nodes(meta.ops[op])}); " + (
            "the model itself tells its inputs and outputs." if told else "its outputs are unknown."
        )
        hint = "To run the model, its op library has to be loaded."
        found.append(Finding("unknown-op", "info", show(op), message, hint))
    return found


def _nodes(number: int) -> str:
    return f"{number} node" if number == 1 else f"{number} nodes"


def _variables(meta: MetaGraph) -> list[Finding]:
    """Variables against the checkpoint: keys it does not have, other dtypes and shapes."""
    bundle = meta.bundle
    if bundle is None:
        return []
    found = []
    missing = []
    for variable in meta.variables:
        if variable.key is None:
            continue
        if variable.key not in bundle:
            missing.append(variable)
            continue
        try:
            entry = bundle.entry(variable.key)
        except DamagedFile:  # told by the check of the checkpoint itself
            continue
        whole = variable.slice.full_shape if variable.slice else variable.shape
        if entry.dtype != variable.dtype or shapes.fits(tuple(entry.shape), whole) == "refuted":
            found.append(
                Finding(
                    "variable-mismatch",
                    "error",
                    show(variable.name),
                    f"The graph wants {dtypes.name(variable.dtype)}{shapes.text(whole)}, the checkpoint has "
                    f"{dtypes.name(entry.dtype)}{shapes.text(tuple(entry.shape))} "
                    f"under {show(variable.key)!r}.",
                )
            )
    found += [
        Finding(
            "missing-key",
            "error",
            show(variable.name),
            f"It is restored from {show(variable.key or '')!r}, which the checkpoint does not have.",
            did_you_mean(variable.key or "", bundle.keys(), noun="keys"),
        )
        for variable in missing[:_LISTED]
    ]
    if len(missing) > _LISTED:
        message = f"{len(missing) - _LISTED} more variables are restored from keys the checkpoint lacks."
        found.append(Finding("missing-key", "error", "", message))
    return found


def _assets(meta: MetaGraph) -> list[Finding]:
    found = []
    for asset in meta.assets:
        if asset.problem is not None:
            found.append(_problem("asset-outside", asset.problem))
        elif asset.path is not None and asset.nbytes is None:
            message = "The model names this asset, but the file is not there."
            hint = "Copy it from where the model was exported."
            found.append(Finding("missing-asset", "error", show(str(asset.path)), message, hint))
    return found
