"""Findings of an opened model: reported, not raised, so that any model can be looked at."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from workbench.disk import dtypes
from workbench.disk.folder.assets import links_out
from workbench.disk.folder.layout import is_lfs_pointer
from workbench.disk.schema import NodeDef
from workbench.errors import WorkbenchError
from workbench.findings import Finding, FirstFew, Severity, by_severity, rest
from workbench.model import shapes
from workbench.model.op_classes import FUNCTION_ATTRS, VARIABLES
from workbench.model.signature import INIT_OP, Port
from workbench.model.variables import mismatch
from workbench.names import TensorName, did_you_mean, input_node, input_tensor, parse_tensor, show

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph
    from workbench.model.model import Model

_LISTED = 5
_LISTED_PORTS = 20
_LISTED_OPS = 100
_HINTED = 20_000  # names that may be compared for the hints of one kind of finding


_examined: WeakKeyDictionary[Model, list[Finding]] = WeakKeyDictionary()


def examine(model: Model) -> list[Finding]:
    """Return all findings of an opened model, errors first. It is examined once."""
    found = _examined.get(model)
    if found is None:
        found = of_files(model)
        for meta in model.meta_graphs:
            found += of_meta(meta)
        found = _examined[model] = by_severity(list(dict.fromkeys(found)))
    return found


def of_files(model: Model) -> list[Finding]:
    """Return the findings about the folder, the checkpoint and the record of a merge."""
    found: list[Finding] = []
    found += [Finding("note", "info", show(str(model.path)), note) for note in model.notes]
    found += _checkpoint(model)
    if model.origin is not None:
        found += model.origin.findings
    return found


def of_meta(meta: MetaGraph) -> list[Finding]:
    """Return the findings about one MetaGraph, its variables and assets."""
    return [
        *_names_that_name_nothing(meta),
        *_functions(meta),
        *_unknown_ops(meta),
        *_variables(meta),
        *_assets(meta),
    ]


def _problem(code: str, problem: WorkbenchError) -> Finding:
    return Finding(code, "error", problem.where or "", problem.message, problem.hint)


def _values(model: Model) -> list[Finding]:
    """Report variables in a lone GraphDef, which was not frozen."""
    if model.format != "graphdef" or model.meta.is_frozen:
        return []
    count = sum(model.meta.main_ops[op] for op in VARIABLES)
    return [
        Finding(
            "no-values",
            "warning",
            show(str(model.path)),
            f"The graph was not frozen: it has {count} variable{'s' if count != 1 else ''}, "
            "and a GraphDef holds no values for them.",
            "What reads them can't be run. Save a SavedModel from where the checkpoint is, or freeze the graph there.",
        )
    ]


def _checkpoint(model: Model) -> list[Finding]:
    if model.bundle_problem is not None:
        return [_problem("bundle-problem", model.bundle_problem)]
    if model.bundle is not None:
        return (
            model.bundle.check()
            + _linked(model)
            + [_pointer(shard) for shard in model.bundle.present_shards if is_lfs_pointer(shard)]
        )
    if model.folder is None:
        return _values(model)
    restored = [meta for meta in model.meta_graphs if meta.proto.saver_def.restore_op_name]
    count = max((sum(meta.main_ops[op] for op in VARIABLES) for meta in restored), default=0)
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


def _linked(model: Model) -> list[Finding]:
    """Report files of the checkpoint that lie elsewhere."""
    found: list[Finding] = []
    with suppress(OSError):
        for link in links_out(model.folder) if model.folder is not None else []:
            target = show(os.path.realpath(link))
            message = (
                f"This link points outside the model, to {target}; that file is used as part of the model."
            )
            hint = "A copy of the model is complete only if links are followed (cp -rL)."
            found.append(Finding("linked-checkpoint", "info", show(str(link)), message, hint))
    return found


def _pointer(shard: Path) -> Finding:
    message = "This shard is a Git LFS pointer: git left it where the real file should be."
    hint = "Run `git lfs pull` in the repository the model came from."
    return Finding("lfs-pointer", "error", show(str(shard)), message, hint)


def _names_that_name_nothing(meta: MetaGraph) -> list[Finding]:
    """Report duplicate nodes, and inputs and signature tensors that do not exist."""
    known = meta.nodes
    found: list[Finding] = []
    if "" in known:
        message = "A node has no name, so nothing can use it; TensorFlow refuses such a graph."
        found.append(Finding("nameless-node", "error", "", message))
    if len(known) != len(meta.graph.node):
        counts = Counter([node.name for node in meta.graph.node])
        duplicate = _Some("duplicate-node", "error", _LISTED)
        for name, number in counts.items():
            if number > 1:
                duplicate.add(name, f"{number} nodes have this name; TensorFlow refuses such a graph.")
        found += duplicate.findings("more names belong to several nodes")
    dangling = _Some("dangling-input", "error", _LISTED, known, "nodes")
    for name, node in known.items():
        for entry in node.input:
            if entry not in known and not _names_a_tensor(entry, known):
                dangling.add(
                    name, f"Its input {show(entry)!r} names no node of the graph.", input_node(entry)
                )
    found += dangling.findings("inputs name no node of the graph")
    return found + _signatures(meta)


class _Some:
    """The findings of one kind, the first in full: a file can have a million mistakes.

    Args:
        code: theirs.
        severity: theirs.
        most: how many are listed.
        known: the names that hints choose from.
        noun: what those are.
    """

    def __init__(
        self, code: str, severity: Severity, most: int, known: Collection[str] = (), noun: str = "names"
    ) -> None:
        self.code = code
        self.severity: Severity = severity
        self.known = known
        self.noun = noun
        self.listed: list[Finding] = []
        self.few: FirstFew[str] = FirstFew(most)

    def add(self, where: str, message: str, wanted: str | None = None, hint: str | None = None) -> None:
        """Add one: where, what is wrong, and the name that was looked for."""
        if not self.few.takes(self.code):
            return
        if wanted is not None and (not self.listed or len(self.known) * len(self.listed) <= _HINTED):
            hint = did_you_mean(wanted, self.known, noun=self.noun)
        self.listed.append(Finding(self.code, self.severity, show(where, 1000), message, hint))

    def findings(self, text: str) -> list[Finding]:
        """Return the listed findings, and one for the rest: `123 more {text}.`."""
        left = self.few.left[self.code]
        return [*self.listed, rest(self.code, self.severity, left, text)] if left else self.listed


def _names_a_tensor(entry: str, known: Mapping[str, NodeDef]) -> bool:
    name = entry[1:] if entry.startswith("^") else input_tensor(entry).node
    return name in known


def _signatures(meta: MetaGraph) -> list[Finding]:
    absent = _Some("signature-tensor", "error", _LISTED_PORTS, meta.nodes, "nodes")
    dtype = _Some("signature-dtype", "warning", _LISTED_PORTS)
    shape = _Some("signature-shape", "warning", _LISTED_PORTS)
    for signature in meta.signatures.values():
        sides = (("input", signature.inputs.values()), ("output", signature.outputs.values()))
        for side, ports in sides:
            for port in ports:
                for name in port.tensors:
                    parsed = parse_tensor(name)
                    if not _is_there(meta, parsed, signature.key == INIT_OP):
                        absent.add(
                            f"{show(signature.key)}#{show(port.key)}",
                            f"This {side} is tensor {show(name)!r}, which the graph does not have.",
                            parsed.node if parsed else name,
                        )
        if signature.key != INIT_OP and meta.format != "graphdef":
            _declared_against_graph(meta, signature.key, signature.inputs.values(), dtype, shape)
    return [
        *absent.findings("inputs and outputs are tensors that the graph does not have"),
        *dtype.findings("inputs are declared with another dtype than the graph has"),
        *shape.findings("inputs are declared with another shape than the graph has"),
    ]


def _is_there(meta: MetaGraph, tensor: TensorName | None, is_op: bool) -> bool:
    """Return whether the graph has a tensor, or a node for an op; an unknown op has any."""
    node = meta.nodes.get(tensor.node) if tensor else None
    if tensor is None or node is None:
        return False
    types = None if is_op else meta.output_types(node)
    return types is None or tensor.index < len(types)


def _functions(meta: MetaGraph) -> list[Finding]:
    """Report calls of functions that the library lacks."""
    called: dict[str, str] = {}
    for body, ops in meta.bodies:
        for index, op in enumerate(ops):
            for attr in FUNCTION_ATTRS.get(op, ()):
                called.setdefault(body[index].attr[attr].func.name, body[index].name)
    missing = _Some("missing-function", "error", _LISTED_PORTS, meta.functions, "functions")
    for name, node in called.items():
        if name not in meta.functions:
            missing.add(node, f"It calls the function {show(name)!r}, which the model does not have.", name)
    return missing.findings("functions are called that the model does not have")


def _declared_against_graph(
    meta: MetaGraph, key: str, ports: Iterable[Port], wrong_dtype: _Some, wrong_shape: _Some
) -> None:
    """Report inputs whose signature contradicts their placeholder's dtype or shape."""
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
            wrong_dtype.add(where, message)
        if shapes.fits(port.shape, tensor.shape) == "refuted":
            message = (
                f"The signature declares shape {shapes.text(port.shape)}, "
                f"the graph has {shapes.text(tensor.shape)}; the graph counts."
            )
            wrong_shape.add(where, message)


def _unknown_ops(meta: MetaGraph) -> list[Finding]:
    nameless: list[Finding] = []
    unknown = _Some("unknown-op", "info", _LISTED_OPS)
    for op in meta.unknown_ops:
        if not op:
            nameless.append(Finding("no-op", "error", "", f"{_nodes(meta.ops[op])} without an op."))
            continue
        told = op in meta.op_table
        message = f"TensorFlow 2.21 has no such op ({_nodes(meta.ops[op])}); " + (
            "the model itself tells its inputs and outputs." if told else "its outputs are unknown."
        )
        hint = "To run the model, its op library has to be loaded."
        unknown.add(op, message, hint=hint)
    return [*nameless, *unknown.findings("ops that TensorFlow 2.21 does not have")]


def _nodes(number: int) -> str:
    return f"{number} node" if number == 1 else f"{number} nodes"


def _variables(meta: MetaGraph) -> list[Finding]:
    """Compare the variables with the checkpoint: missing keys, other dtypes and shapes."""
    bundle = meta.bundle
    if bundle is None:
        return []
    wrong = _Some("variable-mismatch", "error", _LISTED_PORTS)
    missing = _Some("missing-key", "error", _LISTED, bundle.keys(), "keys")
    for variable in meta.variables:
        if variable.key is None:
            continue
        if variable.key not in bundle:
            message = f"It is restored from {show(variable.key)!r}, which the checkpoint does not have."
            missing.add(variable.name, message, variable.key)
            continue
        problem = mismatch(variable, bundle)
        if problem is not None:
            wrong.add(variable.name, problem)
    return [
        *wrong.findings("variables differ from the checkpoint in dtype or shape"),
        *missing.findings("variables are restored from keys the checkpoint lacks"),
    ]


def _assets(meta: MetaGraph) -> list[Finding]:
    outside = _Some("asset-outside", "error", _LISTED_PORTS)
    missing = _Some("missing-asset", "error", _LISTED_PORTS)
    for asset in meta.assets:
        if asset.problem is not None:
            outside.add(asset.problem.where or "", asset.problem.message, hint=asset.problem.hint)
        elif asset.path is not None and asset.nbytes is None:
            message = "The model names this asset, but the file is not there."
            hint = "Copy it from where the model was exported."
            missing.add(str(asset.path), message, hint=hint)
    return [
        *outside.findings("assets lead out of the model"),
        *missing.findings("assets are not there"),
    ]
