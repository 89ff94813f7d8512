"""The pages of `inspect`, in the order in which people ask."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from workbench.cli.output import DIM, DTYPE, LABEL, NAME, NUMBER, TEXT, TIE, Output
from workbench.describe.text import size
from workbench.disk import dtypes
from workbench.findings import by_severity, total
from workbench.model import shapes
from workbench.model.shapes import Shape
from workbench.model.signature import PREDICT, Port, Signature
from workbench.names import count, show

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.graph.level import Level
    from workbench.model.meta import MetaGraph
    from workbench.model.model import Model
    from workbench.model.structured import Spec
    from workbench.model.variables import Variable

LISTED = 20
_KINDS = {"pb": "SavedModel", "pbtxt": "SavedModel in text format", "graphdef": "GraphDef"}


class Page:
    """Write the page of one model.

    Args:
        out: where to.
        model: the model.
        all_variables: list every variable, with its checkpoint key.
        all_functions: list every function and callable.
    """

    def __init__(
        self, out: Output, model: Model, *, all_variables: bool = False, all_functions: bool = False
    ) -> None:
        self.out = out
        self.model = model
        self.all_variables = all_variables
        self.all_functions = all_functions

    def whole(self, *, only_lists: bool = False) -> None:
        """Write a summary of everything, or only the lists that were asked for."""
        if only_lists:
            self.out.heading(show(os.fspath(self.model.path)))
            for meta in self.model.meta_graphs:
                self._meta_heading(meta)
                if self.all_variables:
                    self._variables(meta)
                if self.all_functions:
                    self._callables(meta)
                    self._functions(meta)
            return
        self._what()
        for meta in self.model.meta_graphs:
            self._meta_heading(meta)
            self._signatures(meta)
            self._callables(meta)
            self._variables(meta)
            self._graph(meta)
            self._functions(meta)
            self._assets(meta)
        self._findings()

    def _what(self) -> None:
        model = self.model
        self.out.heading(show(os.fspath(model.path)))
        facts = [("what", self._kind())]
        facts += [("note", show(note, 1000)) for note in model.notes]
        versions = {(meta.tensorflow_version, meta.producer) for meta in model.meta_graphs}
        for version, producer in sorted(versions):
            writer = f"TensorFlow {show(version)}" if version else "an unknown version of TensorFlow"
            facts.append(("written by", f"{writer}, graph version {producer}" if producer else writer))
        facts.append(("size", self._sizes()))
        self.out.facts(facts)
        if model.origin is not None:
            self._origin(model.origin.recipe, model.origin.proof)

    def _kind(self) -> str:
        model = self.model
        kind = _KINDS[model.format]
        if model.format == "graphdef":
            if model.meta.is_frozen:
                return f"frozen {kind}: one graph, its variables converted to constants"
            return f"{kind}: one graph, without the values of its variables"
        if all(meta.has_object_graph for meta in model.meta_graphs):
            kind += " of TF2, with an object graph"
        elif not any(meta.has_object_graph for meta in model.meta_graphs):
            kind += " of TF1: no object graph"
        number = len(model.meta_graphs)
        return kind if number == 1 else f"{kind}, {count(number, 'MetaGraph')}"

    def _sizes(self) -> str:
        parts = [f"{size(_nbytes(self.model.location.file))} graph"]
        bundle = self.model.bundle
        if bundle is not None:
            shards = count(bundle.num_shards, "shard")
            missing = bundle.num_shards - len(bundle.present_shards)
            parts.append(
                f"{size(self.model.variables_nbytes)} checkpoint in {shards}"
                + (f", {missing} missing" if missing else "")
            )
        assets = {
            asset.filename: asset.nbytes or 0 for meta in self.model.meta_graphs for asset in meta.assets
        }
        if assets:
            parts.append(f"{size(sum(assets.values()))} in {count(len(assets), 'asset')}")
        return ", ".join(parts)

    def _origin(self, recipe: dict[str, Any] | None, proof: dict[str, Any] | None) -> None:
        from workbench.cli.pages.origin import origin_facts, origin_title

        self.out.line()
        self.out.heading(origin_title(recipe), indent=2)
        self.out.facts(origin_facts(recipe, proof), indent=4)

    def _meta_heading(self, meta: MetaGraph) -> None:
        if meta.format == "graphdef":
            return
        self.out.line()
        tags = show(meta.tags_text) if meta.tags else "without tags"
        self.out.heading(f"MetaGraph {tags}")

    # ---- what can be called

    def _signatures(self, meta: MetaGraph) -> None:
        listed = list(meta.shown_signatures.values())
        if not listed:
            self.out.line()
            self.out.line("No signature: call it by a callable or by tensor names.", indent=2)
        for signature in listed:
            self.out.line()
            method = signature.method_name
            self.out.heading(
                f"Signature {show(signature.key)}", show(method) if method != PREDICT else "", indent=2
            )
            rows = [("in", port) for port in signature.inputs.values()][:LISTED]
            rows += [("out", port) for port in signature.outputs.values()][:LISTED]
            self._ports(rows)
            more = max(len(signature.inputs), LISTED) + max(len(signature.outputs), LISTED) - 2 * LISTED
            self._more(more, f"--signature {show(signature.key)}")

    def _ports(self, rows: Iterable[tuple[str, Port]]) -> None:
        self.out.table(
            [(side, show(port.key), _dtype(port), _shape(port.shape), _tensors(port)) for side, port in rows],
            (LABEL, NAME, DTYPE, DTYPE, DIM),
            indent=4,
        )

    def _callables(self, meta: MetaGraph) -> None:
        if not meta.callables:
            return
        own = [found for found in meta.callables if self.all_functions or "." not in found.path]
        own = own or list(meta.callables)
        rows = [
            (
                f"{show(found.path)}[{variant.index}]",
                f"({variant.arguments}) →{TIE}{_results(variant.outputs)}",
            )
            for found in own
            for variant in found.variants
        ]
        total = sum(len(found.variants) for found in meta.callables)
        self.out.line()
        self.out.heading("Callables", indent=2)
        shown = rows if self.all_functions else rows[:LISTED]
        self.out.facts(shown, indent=4)
        self._more(total - len(shown), "--functions")

    # ---- how big

    def _variables(self, meta: MetaGraph) -> None:
        variables = meta.variables
        if not variables:
            return
        counts = meta.variable_counts
        note = counts.notes
        if counts.restored and counts.nbytes is not None:
            note.insert(0, size(counts.nbytes))
        self.out.line()
        self.out.heading(count(counts.number, "variable"), ", ".join(note), indent=2)
        restored = [variable for variable in variables if variable.key is not None]
        ordered = sorted(restored or variables, key=lambda variable: -(variable.nbytes or 0))
        if self.all_variables and restored:
            ordered += [variable for variable in variables if variable.key is None]
        shown = ordered if self.all_variables else ordered[:LISTED]
        self.out.table(
            [_variable_row(variable, self.all_variables) for variable in shown],
            (NAME, DTYPE, DTYPE, NUMBER, LABEL, LABEL, DIM),
            indent=4,
        )
        self._more(len(ordered) - len(shown), "--variables")

    # ---- what is inside

    def _graph(self, meta: MetaGraph) -> None:
        self.out.line()
        nodes, inner = len(meta.graph.node), sum(meta.function_sizes.values())
        heading = count(nodes, "node")
        if meta.functions:
            heading += f", and {inner:,} in {count(len(meta.functions), 'function')}"
        kinds = len(meta.ops)
        self.out.heading(heading, f"{kinds} kind{'' if kinds == 1 else 's'} of op", indent=2)
        common = meta.ops.most_common(LISTED)
        words = [f"{show(op)} {number:,}" for op, number in common]
        if kinds > len(common):
            words.append(f"… {kinds - len(common)} more: --json")
        self.out.line(f"{TIE}· ".join(word.replace(" ", TIE) for word in words), indent=4)
        facts = []
        if meta.unknown_ops:
            facts.append(("unknown ops", ", ".join(map(show, meta.unknown_ops))))
        init = meta.nodes.get(meta.init_op) if meta.init_op is not None else None
        if meta.init_op is not None and (init is None or init.op != "NoOp" or init.input):
            facts.append(("when loaded", f"{show(meta.init_op)} runs once"))
        if meta.implicit_init:
            listed = ", ".join(map(show, meta.implicit_init[:4]))
            more = ", …" if len(meta.implicit_init) > 4 else ""
            facts.append(("no init op", f"only tf.saved_model.load runs {listed}{more}"))
        self.out.facts(facts, indent=4)

    def _functions(self, meta: MetaGraph) -> None:
        sizes = sorted(meta.function_sizes.items(), key=lambda item: -item[1])
        if not sizes:
            return
        shown = sizes if self.all_functions else sizes[:LISTED]
        self.out.line()
        self.out.heading(count(len(sizes), "function"), indent=2)
        self.out.table(
            [(show(name), f"{nodes:,}", "node" if nodes == 1 else "nodes") for name, nodes in shown],
            (NAME, NUMBER, DIM),
            indent=4,
        )
        self._more(len(sizes) - len(shown), "--functions")

    def _assets(self, meta: MetaGraph) -> None:
        if not meta.assets:
            return
        self.out.line()
        self.out.heading(count(len(meta.assets), "asset"), indent=2)
        shown = meta.assets[:LISTED]
        self.out.table(
            [
                (
                    show(asset.filename),
                    size(asset.nbytes) if asset.nbytes is not None else "missing",
                    show(asset.tensor),
                )
                for asset in shown
            ],
            (NAME, NUMBER, DIM),
            indent=4,
        )
        self._more(len(meta.assets) - len(shown), "--json")

    def _findings(self) -> None:
        from workbench.checks.open_model import examine

        findings = [finding for finding in by_severity(examine(self.model)) if finding.code != "note"]
        if not findings:
            return
        self.out.line()
        self.out.heading("Findings")
        folder = f"{show(os.fspath(self.model.path))}/"
        shown = [replace(finding, where=finding.where.removeprefix(folder)) for finding in findings[:LISTED]]
        self.out.findings(shown)
        self._more(total(findings) - total(shown), "--json")

    def _more(self, number: int, flag: str) -> None:
        if number > 0:
            self.out.line(f"… {number:,} more: {flag}", style="dim", indent=4)

    # ---- one signature, and nodes

    def signature_in_depth(self, chosen: Sequence[Mapping[str, Signature]]) -> None:
        """Write one signature with what it needs of the graph."""
        self.out.heading(show(os.fspath(self.model.path)))
        for meta, signatures in zip(self.model.meta_graphs, chosen, strict=True):
            for signature in signatures.values():
                self._meta_heading(meta)
                self.out.line()
                self.out.heading(f"Signature {show(signature.key)}", show(signature.method_name), indent=2)
                rows = [("in", port) for port in signature.inputs.values()]
                self._ports(rows + [("out", port) for port in signature.outputs.values()])
                self.out.line()
                self.out.facts(_needs(meta, signature), indent=4)

    def nodes(self, found: Sequence[tuple[MetaGraph, Sequence[tuple[Level, str]]]]) -> None:
        """Write nodes by their written places, with op and outputs."""
        several = len(found) > 1
        for meta, places in found:
            if several:
                self._meta_heading(meta)
            rows = []
            for level, name in places:
                node = level.nodes[name]
                rows.append((show(level.full_name(name)), show(node.op), _outputs(level, name)))
            self.out.table(rows, (NAME, DTYPE, TEXT), indent=2 if several else 0)


def _nbytes(file: Path) -> int | None:
    """Return the bytes of a file; None if it no longer exists."""
    try:
        return file.stat().st_size
    except OSError:
        return None


def _dtype(port: Port) -> str:
    name = dtypes.shown(port.dtype)
    if port.kind == "sparse":
        return f"sparse {name}"
    return f"{show(port.spec)} {name}" if port.spec else name


def _shape(shape: Shape) -> str:
    return shapes.text(shape)


def _tensors(port: Port) -> str:
    default = " (has a default)" if port.default is not None else ""
    return ", ".join(map(show, port.tensors)) + default


def _results(outputs: Sequence[Spec]) -> str:
    from workbench.model.structured import spec_text

    if not outputs:
        return "nothing"
    return ", ".join(f"{show(spec.key)}:{TIE}{spec_text(spec)}" for spec in outputs)


def _variable_row(variable: Variable, with_key: bool) -> tuple[str, ...]:
    marks = ["not trainable"] if variable.trainable is False else []
    if variable.slice is not None:
        marks.append(f"part of {show(variable.key or '')}")
    if variable.key is None:
        marks.append("not restored")
    # a node that is called just Variable_7 is shown with the name it had in Python
    generic = bool(variable.title) and variable.name.partition("_")[0] == "Variable"
    return (
        show(variable.title if generic else variable.name),
        dtypes.name(variable.dtype),
        _shape(variable.shape),
        size(variable.nbytes),
        ", ".join(marks),
        show(variable.name) if generic and variable.title != variable.name else "",
        show(variable.key or "") if with_key else "",
    )


def _outputs(level: Level, name: str) -> str:
    types = level.meta.output_types(level.nodes[name])
    if types is None:
        return "?"
    found = [level.tensor(name, index) for index in range(len(types))]
    words = [shapes.typed(tensor.dtype, tensor.shape) for tensor in found if tensor is not None]
    if len(words) > 3:
        words[3:] = [f"… {len(words) - 3} more"]
    return ", ".join(words)


def _needs(meta: MetaGraph, signature: Signature) -> list[tuple[str, str]]:
    """Return what of the graph runs when a signature is called, as facts."""
    from workbench.graph.adjacency import Adjacency
    from workbench.graph.functions import reachable
    from workbench.model.variables import count_variables

    outputs = [name for port in signature.outputs.values() for name in port.tensors]
    fed = [name for port in signature.inputs.values() for name in port.tensors]
    cut = Adjacency(meta.nodes).cut(outputs, fed)
    duplicates = meta.duplicate_variables
    nodes = [variable for variable in meta.variables if variable.name in cut.nodes]
    used = list({one.name: one for node in nodes for one in [duplicates.get(node.name, node)]}.values())
    facts = [("needs", f"{len(cut.nodes):,} of {count(len(meta.nodes), 'node')}")]
    if meta.functions:
        functions = reachable(meta.graph, [meta.nodes[name] for name in cut.nodes])
        facts.append(("calls", f"{len(functions)} of {count(len(meta.functions), 'function')}"))
    if used:
        reads, all_ = count_variables(used, {}), meta.variable_counts
        here = reads.number + reads.unrestored
        there = count(all_.number + all_.unrestored, "variable")
        facts.append(("reads", f"{here:,} of {there}, {size(reads.nbytes)}"))
    unused = [key for key, port in signature.inputs.items() if not set(port.tensors) & cut.fed]
    if unused:
        facts.append(("not used", ", ".join(map(show, unused))))
    if cut.unfed:
        facts.append(("can't run", f"placeholders that no input feeds: {', '.join(map(show, cut.unfed))}"))
    for port in signature.inputs.values():
        tensor = meta.node_tensor(port.tensor) if port.kind == "dense" else None
        if tensor is not None and (tensor.dtype, tensor.shape) != (port.dtype, port.shape):
            has = shapes.typed(tensor.dtype, tensor.shape)
            facts.append((show(port.key), f"the graph has {has}"))
    return facts
