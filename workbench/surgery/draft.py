"""The result in memory: built from a plan, complete, and not yet written anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from workbench import names
from workbench.disk import schema
from workbench.disk.bundle import Bundle
from workbench.disk.optable import OpTable, is_known
from workbench.disk.schema import Message
from workbench.errors import PlanError
from workbench.findings import Finding, by_severity
from workbench.graph.adjacency import Adjacency
from workbench.model import MetaGraph, Model
from workbench.model.assets import Asset
from workbench.model.shapes import to_proto
from workbench.names import show
from workbench.surgery import recipe as recipe_
from workbench.surgery.collection_defs import merge_collections, merge_meta_info, merge_versions
from workbench.surgery.freeze import bytes_to_freeze, freeze_variables
from workbench.surgery.interface import Interface, ResultPort, design_interface, port_info
from workbench.surgery.join import Join, Link, look_up, open_sources
from workbench.surgery.meaning import remarks
from workbench.surgery.objects import (
    Alias,
    Objects,
    add_call,
    add_lists,
    add_objects,
    add_signature,
    add_signature_map,
    add_variables,
    begin,
    constants_of_objects,
    functions_of_objects,
)
from workbench.surgery.part import VARIABLE_OPS, Part, attr_shape, is_placeholder
from workbench.surgery.plan import Plan
from workbench.surgery.refs import rewrite_references
from workbench.surgery.rename import RenameLog, Renamer, Rule
from workbench.surgery.result_keys import rename_keys
from workbench.surgery.saver import CheckpointNames, merge_savers, prefix_const, saver_nodes
from workbench.surgery.twins import join_twins
from workbench.surgery.uplift import CannotUplift, Uplift
from workbench.surgery.variables import describe_variables

PREDICT = "tensorflow/serving/predict"
# protobuf's own limit on a serialised message (2 GiB - 1).
MAX_PROTO_BYTES = 2**31 - 1
_WARMUP = "tf_serving_warmup_requests"


@dataclass(frozen=True, slots=True)
class Copied:
    """A file of a source that goes into the result as it is.

    Attributes:
        path: where it is.
        relative: where it goes, with `/`.
        nbytes: its size.
    """

    path: Path
    relative: str
    nbytes: int


@dataclass
class Draft:
    """A merged model in memory.

    Attributes:
        plan: what was asked for.
        join: what the plan was found to mean.
        interface: inputs and outputs, under the parts' own names.
        proto: the SavedModel message of the result.
        checkpoints: the parts' checkpoints with the prefix of their keys, in shard order.
        files: assets and extra files.
        logs: what was renamed, by handle.
        rewritten: counts of what was done besides: `references`, `described`, `frozen`.
        findings: everything found, errors excluded: a draft has none.
        tracked: TrackableObjectGraph of the checkpoint, or None for the TF1 format.
        aliases: second keys of variables, which the object graph goes by.
    """

    plan: Plan
    join: Join
    interface: Interface
    proto: Message
    checkpoints: list[tuple[Bundle, str]]
    files: list[Copied]
    logs: dict[str, RenameLog]
    rewritten: dict[str, int]
    findings: list[Finding] = field(default_factory=list)
    tracked: Message | None = None
    aliases: list[Alias] = field(default_factory=list)

    @property
    def parts(self) -> dict[str, Part]:
        """The sources by handle."""
        return self.join.parts

    @cached_property
    def meta(self) -> MetaGraph:
        """A view of the result's MetaGraph, with the assets where the sources have them."""
        self.serialize()  # first: reading a key of a protobuf map makes it, and readers do
        view = MetaGraph(self.proto.meta_graphs[0])
        places = {copied.relative: copied for copied in self.files}
        assets = []
        for definition in view.proto.asset_file_def:
            copied = places[f"assets/{definition.filename}"]
            assets.append(Asset(definition.filename, definition.tensor_info.name, copied.path, copied.nbytes))
        view.__dict__["assets"] = tuple(assets)
        return view

    @cached_property
    def recipe(self) -> bytes:
        """`assets.extra/workbench.json`: the same bytes for the same plan on the same sources."""
        return recipe_.dump(recipe_.describe(self.plan, self.join))

    @property
    def nbytes(self) -> int:
        """Bytes to be written, the checkpoint's index and the proof excluded."""
        shards = sum(bundle.nbytes for bundle, _ in self.checkpoints)
        files = sum(copied.nbytes for copied in self.files)
        return int(self.proto.ByteSize()) + int(shards) + files + len(self.recipe)

    @cached_property
    def _bytes(self) -> bytes:
        return bytes(self.proto.SerializeToString(deterministic=True))

    def serialize(self) -> bytes:
        """The bytes of `saved_model.pb`, the same for equal drafts."""
        return self._bytes


def check(plan: Plan, models: Mapping[str, Model] | None = None) -> list[Finding]:
    """Everything there is to say about a plan, errors first.

    Args:
        plan: the plan.
        models: opened models by handle, to spare opening them again.

    Raises:
        WorkbenchError: a source can't be read at all.
    """
    return build(plan, models)[1]


def apply(plan: Plan, models: Mapping[str, Model] | None = None) -> Draft:
    """The draft of a plan.

    Raises:
        PlanError: a finding is an error; it carries all findings.
        WorkbenchError: a source can't be read at all.
    """
    draft, findings = build(plan, models)
    if draft is None:
        errors = [finding for finding in findings if finding.severity == "error"]
        raise PlanError(
            f"The plan can't be applied: {errors[0].message}"
            + (f" ({len(errors) - 1} more errors.)" if len(errors) > 1 else ""),
            findings,
            where=errors[0].where,
            hint=errors[0].hint,
        )
    return draft


def build(
    plan: Plan, models: Mapping[str, Model] | None = None, *, without: Iterable[Rule] = ()
) -> tuple[Draft | None, list[Finding]]:
    """Checks a plan and builds its draft in one go: the draft, or None if a finding is an error; all findings.

    Args:
        plan: the plan.
        models: opened models by handle.
        without: rename rules to leave out, for tests that show what each is for.

    Raises:
        WorkbenchError: a source can't be read at all.
    """
    models = open_sources(plan) if models is None else models
    try:
        return _build(plan, models, frozenset(without), with_objects=plan.format != "tf1")
    except CannotUplift as problem:
        fallback = Finding(
            "tf1-format",
            "error" if plan.format == "tf2" else "info",
            show(problem.node),
            f"The result can't have an object graph, because {problem.why}.",
            "Leave out --format tf2."
            if plan.format == "tf2"
            else "It is written in TF1 format: its signature "
            "works in every loader, its variables can be listed, but not trained in place.",
        )
    draft, findings = _build(plan, models, frozenset(without), with_objects=False)
    findings = by_severity([*findings, fallback])
    if draft is None or fallback.severity == "error":
        return None, findings
    draft.findings = findings
    return draft, findings


def _build(
    plan: Plan, models: Mapping[str, Model], without: frozenset[Rule], *, with_objects: bool
) -> tuple[Draft | None, list[Finding]]:
    join = look_up(plan, models)
    if join.blocked:
        return None, by_severity(join.findings)
    builder = _Builder(join, without, with_objects=with_objects)
    draft = builder.build()
    findings = list(join.findings)
    for part in join.parts.values():
        findings += part.findings
    findings = by_severity(findings)
    if draft is None or any(finding.severity == "error" for finding in findings):
        return None, findings
    draft.findings = findings
    return draft, findings


class _Builder:
    """The steps from a join to a draft, each over all parts."""

    def __init__(self, join: Join, without: frozenset[Rule], *, with_objects: bool) -> None:
        self.join = join
        self.with_objects = with_objects
        self.asset_numbers: dict[str, dict[int, int]] = {}
        self.plan = join.plan
        self.parts = list(join.parts.values())
        self.proto = schema.SavedModel(saved_model_schema_version=1)
        self.meta = self.proto.meta_graphs.add()
        self.graph = self.meta.graph_def
        self.without = without
        self.rewritten = {"references": 0, "described": 0, "frozen": 0}
        self.renamers: dict[str, Renamer] = {}
        self.interface = Interface()
        self.files: list[Copied] = []

    def build(self) -> Draft | None:
        for link in self.join.links:
            part = self.join.parts[link.target.handle]
            for tensor in link.target.tensors:
                part.cut(tensor)
            source = self.join.parts[link.source.handle]
            self.join.findings += remarks(link, source.meta, part.meta)
        self.interface = design_interface(self.join)
        rename_keys(self.join, self.interface)
        if self.join.blocked:
            return None
        for part in self.parts:
            self._keep(part)
            self._look_closer(part)
        if self._failed() or not self._fits_in_a_proto():
            return None
        for part in self.parts:
            self._rewrite(part)
        if self._failed():
            return None
        for part in self.parts:
            self._rename(part)
        self._wire()
        self._compact()
        savers = [part for part in self.parts if part.has_saver]
        taken = {node.name for node in self.graph.node}
        saver = merge_savers(savers, self.graph, taken)
        if savers:
            self.meta.saver_def.CopyFrom(savers[0].saver if Rule.SAVER in self.without else saver)
        self._init_op(taken)
        merge_versions(self.graph, self.parts)
        merge_meta_info(self.meta, self.parts, self.plan.tags)
        self._signatures()
        for part in self.parts:
            merge_collections(self.meta, part, self.renamers[part.handle])
            self._assets(part)
            self._dropped(part)
        if self._failed():
            return None
        objects = self._objects() if self.with_objects else None
        checkpoints = [(part.model.bundle, part.handle) for part in savers if part.model.bundle is not None]
        logs = {handle: renamer.log for handle, renamer in self.renamers.items()}
        return Draft(
            self.plan,
            self.join,
            self.interface,
            self.proto,
            checkpoints,
            self.files,
            logs,
            self.rewritten,
            tracked=objects.tracked if objects is not None else None,
            aliases=objects.aliases if objects is not None else [],
        )

    def _objects(self) -> Objects:
        """Makes the object graph (TF2 format)."""
        objects = begin()
        for part in self.parts:
            if self.plan.freeze:
                continue
            if part.meta.has_object_graph:
                numbers = self.asset_numbers.get(part.handle, {})
                add_objects(objects, part, self.renamers[part.handle], numbers)
            else:
                add_variables(objects, part)
        signature_map = add_signature_map(objects)
        nodes = {node.name: node for node in self.graph.node}
        functions = {function.signature.name: function for function in self.graph.library.function}
        op_table = OpTable(self.meta.meta_info_def.stripped_op_list)
        uplift = Uplift(nodes, functions, op_table, set_up=self._set_up(nodes))
        for key in sorted(self.meta.signature_def):
            add_signature(objects, self.meta, uplift, key, signature_map)
        add_call(objects, self.meta, uplift, self.plan.signature)
        add_lists(objects)
        self.meta.object_graph_def.CopyFrom(objects.graph)
        return objects

    def _set_up(self, nodes: Mapping[str, Message]) -> set[str]:
        """Resources of TF1 parts that their init ops do something to but read: the TF2 format runs no init op."""
        roots = [
            f"{part.handle}/{part.init_op}"
            for part in self.parts
            if part.init_op in part.kept and not part.meta.has_object_graph
        ]
        ran = Adjacency(nodes).ancestors(roots) if roots else set()
        return {
            names.input_node(text)
            for name in ran
            if nodes[name].op not in ("ReadVariableOp", "VarIsInitializedOp", "NoOp")
            for text in nodes[name].input
            if not text.startswith("^")
        }

    def _failed(self) -> bool:
        findings = [*self.join.findings, *(finding for part in self.parts for finding in part.findings)]
        return any(finding.severity == "error" for finding in findings)

    # -- keep

    def _keep(self, part: Part) -> None:
        roots = list(self.interface.roots.get(part.handle, []))
        for port in (*self.interface.inputs, *self.interface.outputs):
            if port.handle == part.handle:
                roots += port.tensors
                part.exported.update(str(names.input_tensor(tensor)) for tensor in port.tensors)
        for link in self.join.links_from(part.handle):
            part.exported.update(link.source.tensors)
        for handle, signature in self.interface.kept.values():
            if handle == part.handle:
                for port_ in (*signature.inputs.values(), *signature.outputs.values()):
                    part.exported.update(str(names.input_tensor(tensor)) for tensor in port_.tensors)
        init = part.meta.init_op
        if init is not None and init in part.meta.nodes:
            part.init_op = init
            roots.append(f"^{init}")
        saver = saver_nodes(part)
        if len(saver) == 3 and not self.plan.freeze:
            part.has_saver = self._has_checkpoint(part)
            roots += [f"^{name}" for name in saver]
        functions: list[str] = []
        if self.with_objects and not self.plan.freeze and part.meta.has_object_graph:
            functions = functions_of_objects(part)
            roots += [f"^{name}" for name in constants_of_objects(part)]
            roots += [
                f"^{node}"
                for asset in part.meta.assets
                if (node := names.input_node(asset.tensor)) in part.meta.nodes
            ]
        part.keep(roots, self.graph, with_initializers=not self.plan.freeze, more_functions=functions)
        join_twins(part)
        if self.plan.freeze and len(saver) == 3:
            self._has_checkpoint(part)
        self._variables_have_data(part)

    def _has_checkpoint(self, part: Part) -> bool:
        """Whether there is a readable, complete checkpoint; if one is missing it is a finding."""
        bundle = part.model.bundle
        if bundle is not None:
            missing = bundle.missing_shards
            if missing:
                part.note(
                    "R10-missing-shard",
                    "error",
                    "",
                    f"{len(missing)} of {bundle.num_shards} data files of the checkpoint are missing: "
                    f"{', '.join(show(path.name) for path in missing[:4])}.",
                    "Fetch the whole variables/ folder again.",
                )
            return True
        needed = [name for name, node in part.meta.nodes.items() if node.op in VARIABLE_OPS]
        problem = part.model.bundle_problem
        if needed or problem is not None:
            part.note(
                "R10-no-checkpoint",
                "error",
                "",
                (f"{problem.where}: " if problem.where else "") + problem.message
                if problem is not None
                else f"The model has {len(needed)} variables and no variables/variables.index.",
                (problem.hint if problem is not None else None) or "Fetch the whole variables/ folder again.",
            )
        return False

    def _variables_have_data(self, part: Part) -> None:
        """Whether everything that is read has a value: from the checkpoint, the init op, or an op of the graph."""
        bundle = part.model.bundle
        if (
            part.meta.variables
            and bundle is None
            and any(f.code == "R10-no-checkpoint" for f in part.findings)
        ):
            return
        known = {variable.node: variable for variable in part.meta.variables}
        initialised = part.ancestors([f"^{part.init_op}"]) if part.init_op else set()
        set_by_graph: set[str] | None = None
        for name, node in part.kept.items():
            if node.op not in VARIABLE_OPS or name in initialised or name in part.twins:
                continue
            variable = known.get(name)
            if variable is not None and variable.key is not None and (part.has_saver or self.plan.freeze):
                if bundle is not None and variable.key not in bundle:
                    part.note(
                        "R10-no-data",
                        "error",
                        show(name),
                        f"The saver restores it from {show(variable.key)!r}, which the checkpoint does not have.",
                        names.did_you_mean(variable.key, bundle.keys(), noun="keys"),
                    )
                continue
            if set_by_graph is None:
                running = part.ancestors(self.interface.roots.get(part.handle, []))
                set_by_graph = {
                    names.input_node(other.input[0])
                    for other in part.kept.values()
                    if other.op.startswith("Assign") and other.name in running
                }
            part.note(
                "R10-not-restored",
                "warning" if bundle is not None or name in set_by_graph else "error",
                show(name),
                "Neither a saver nor the init op gives this variable a value.",
                "Save the model again with a saver for all its variables, or freeze it with TensorFlow.",
            )

    def _look_closer(self, part: Part) -> None:
        """A cycle outside while loops (R2), and ops that TensorFlow does not know (R8)."""
        cycle = Adjacency(part.kept).find_cycle()
        if cycle is not None:
            part.note(
                "R2-source-cycle", "error", show(cycle[0]),
                "The model's graph has a cycle that is no while loop: "
                + " → ".join(show(name, 60) for name in [*cycle[:6], cycle[0]]) + ".",
                "No loader takes it; save the model again.",
            )  # fmt: skip
        unknown = sorted({node.op for node in part.kept.values() if self._is_unknown(part, node.op)})
        bodies = [node.op for name in part.functions for node in part.meta.functions[name].node_def]
        unknown = sorted({*unknown, *(op for op in set(bodies) if self._is_unknown(part, op))})
        if unknown:
            listed = ", ".join(map(show, unknown[:8]))
            part.note(
                "R8-unknown-op", "warning", "",
                f"TensorFlow 2.21 does not have {'this op' if len(unknown) == 1 else 'these ops'}: {listed}.",
                "The result needs the same library as the source: --import MODULE or --op-library FILE.so.",
            )  # fmt: skip

    @staticmethod
    def _is_unknown(part: Part, op: str) -> bool:
        return op not in part.meta.functions and not is_known(op)

    def _fits_in_a_proto(self) -> bool:
        size = self.graph.ByteSize() + sum(
            function.ByteSize()
            for part in self.parts
            for function in map(part.meta.functions.__getitem__, part.functions)
        )
        frozen = sum(map(bytes_to_freeze, self.parts)) if self.plan.freeze else 0
        if size + frozen <= MAX_PROTO_BYTES:
            return True
        self.join.findings.append(
            Finding(
                "R11-size",
                "error",
                "result",
                f"saved_model.pb would be about {(size + frozen) / 1e9:.2f} GB; a proto can't be over 2 GB.",
                "Merge without --freeze: variables stay in the checkpoint."
                if frozen
                else "Keep the large constants in variables.",
            )
        )
        return False

    # -- rewrite and rename

    def _rewrite(self, part: Part) -> None:
        if self.plan.freeze:
            self.rewritten["frozen"] += freeze_variables(part)
            return
        self.rewritten["references"] += rewrite_references(part)
        self.rewritten["described"] += describe_variables(part)

    def _rename(self, part: Part) -> None:
        library = part.meta.proto.graph_def.library
        kept = frozenset(part.functions)
        gradient_ops = frozenset(
            gradient.registered_op_type
            for gradient in library.registered_gradients
            if gradient.gradient_func in kept
        )
        renamer = Renamer(part.handle, kept, gradient_ops, self.without)
        self.renamers[part.handle] = renamer
        copies: dict[str, Message] = {}
        for name in part.functions:
            copy = self.graph.library.function.add()
            copy.CopyFrom(part.function(name))
            copies[name] = copy
        if part.has_saver:
            checkpoint = CheckpointNames(part, copies)
            for name in checkpoint.main:
                prefix_const(part.kept[name], renamer.key)
            for function, consts in checkpoint.bodies.items():
                for node in copies[function].node_def:
                    if node.name in consts:
                        prefix_const(node, renamer.key)
        nodes = frozenset(part.kept)
        for node in part.kept.values():
            renamer.main_node(node, nodes)
        for copy in copies.values():
            renamer.function_def(copy)
        for gradient in library.gradient:
            if gradient.function_name in kept:
                copy = self.graph.library.gradient.add()
                copy.CopyFrom(gradient)
                renamer.gradient(copy)
        for gradient in library.registered_gradients:
            if gradient.gradient_func in kept:
                copy = self.graph.library.registered_gradients.add()
                copy.CopyFrom(gradient)
                renamer.registered_gradient(copy)
        for name, alias in part.meta.proto.meta_info_def.function_aliases.items():
            if name in kept:
                self.meta.meta_info_def.function_aliases[renamer.function(name)] = alias

    def _final(self, handle: str, tensor: str) -> str:
        """The name in the result of a tensor of a part."""
        part = self.join.parts[handle]
        tensor = str(names.input_tensor(tensor))
        if tensor in part.moved:
            tensor = part.moved[tensor]
        elif tensor in part.cuts:
            tensor = f"{part.cuts[tensor]}:0"
        return f"{handle}/{tensor}"

    # -- wires

    def _wire(self) -> None:
        loose: set[str] = set()
        for handle in self.join.order:
            for link in self.join.links_into(handle):
                self._wire_link(link)
                if not link.proven or link.source.handle in loose:
                    loose.add(handle)
        for handle in loose:
            # Shapes noted for the old inputs may contradict what now flows in; they are hints and can go.
            for node in self.join.parts[handle].kept.values():
                if "_output_shapes" in node.attr:
                    del node.attr["_output_shapes"]

    def _wire_link(self, link: Link) -> None:
        part = self.join.parts[link.target.handle]
        for source, target, dtype, shape, fit in zip(
            link.source.tensors,
            link.target.tensors,
            link.target.dtypes,
            link.target.shapes,
            link.fits,
            strict=True,
        ):
            tensor = names.input_tensor(self._final(link.source.handle, source))
            feed = names.format_input(tensor)
            bridge = part.cuts[target]
            node = part.kept.get(bridge)
            declared = schema.AttrValue()
            if node is not None and is_placeholder(node) and "shape" in node.attr:
                declared.CopyFrom(node.attr["shape"])
            else:
                declared.CopyFrom(attr_shape(to_proto(shape)))
            if node is None:
                node = self.graph.node.add(name=f"{part.handle}/{bridge}")
            controls = [text for text in node.input if text.startswith("^")]
            unknown = fit == "unknown"
            if unknown and self.plan.keep_signatures:
                guard = self.graph.node.add(name=f"{node.name}/shape", op="EnsureShape")
                guard.input.append(feed)
                guard.attr["T"].type = dtype
                guard.attr["shape"].CopyFrom(declared)
                feed = guard.name
            node.attr.clear()
            if self.plan.keep_signatures:
                node.op = "PlaceholderWithDefault"
                node.attr["dtype"].type = dtype
                node.attr["shape"].CopyFrom(declared)
            else:
                node.op = "EnsureShape" if unknown else "Identity"
                node.attr["T"].type = dtype
                if unknown:
                    node.attr["shape"].CopyFrom(declared)
            node.input[:] = [feed, *controls]

    def _compact(self) -> None:
        for index in reversed([index for index, node in enumerate(self.graph.node) if not node.op]):
            del self.graph.node[index]

    # -- what stands beside the graph

    def _init_op(self, taken: set[str]) -> None:
        waits = [f"^{part.handle}/{part.init_op}" for part in self.parts if part.init_op in part.kept]
        if not waits:
            return
        name = "init"
        while name in taken:
            name += "_"
        node = self.graph.node.add(name=name, op="NoOp")
        node.input.extend(waits)
        self.meta.collection_def["saved_model_main_op"].node_list.value.append(name)

    def _signatures(self) -> None:
        result = self.meta.signature_def[self.plan.signature]
        result.method_name = PREDICT
        for side, ports in (("inputs", self.interface.inputs), ("outputs", self.interface.outputs)):
            for port in ports:
                getattr(result, side)[port.key].CopyFrom(self._info(port))
                if port.default is not None:
                    result.defaults[port.key].CopyFrom(port.default)
        for key, (handle, signature) in self.interface.kept.items():
            part = self.join.parts[handle]
            kept = self.meta.signature_def[key]
            kept.method_name = signature.method_name
            for own_key, port_ in signature.inputs.items():
                info = port_info(part, signature, own_key, "inputs")
                kept.inputs[own_key].CopyFrom(self._renamed(handle, info))
                if port_.default is not None:
                    kept.defaults[own_key].CopyFrom(port_.default)
            for own_key in signature.outputs:
                info = port_info(part, signature, own_key, "outputs")
                kept.outputs[own_key].CopyFrom(self._renamed(handle, info))

    def _info(self, port: ResultPort) -> Message:
        return self._renamed(port.handle, port.info)

    def _renamed(self, handle: str, info: Message) -> Message:
        copy = schema.TensorInfo()
        copy.CopyFrom(info)
        self._rename_info(handle, copy)
        self.renamers[handle].log.counts[Rule.SIGNATURE] += 1
        return info if Rule.SIGNATURE in self.without else copy

    def _rename_info(self, handle: str, info: Message) -> None:
        kind = info.WhichOneof("encoding")
        if kind == "coo_sparse":
            sparse = info.coo_sparse
            for part in ("values", "indices", "dense_shape"):
                name = f"{part}_tensor_name"
                setattr(sparse, name, self._final(handle, getattr(sparse, name)))
        elif kind == "composite_tensor":
            for component in info.composite_tensor.components:
                self._rename_info(handle, component)
        else:
            info.name = self._final(handle, info.name)

    def _assets(self, part: Part) -> None:
        renamer = self.renamers[part.handle]
        numbers = self.asset_numbers.setdefault(part.handle, {})
        for number, asset in enumerate(part.meta.assets):
            if names.input_node(asset.tensor) not in part.kept:
                continue
            if asset.problem is not None or asset.path is None or asset.nbytes is None:
                part.note(
                    "R10-asset",
                    "error",
                    show(asset.filename),
                    asset.problem.message if asset.problem else "The asset file is missing.",
                    (asset.problem.hint if asset.problem else None)
                    or "Fetch the whole assets/ folder again.",
                )
                continue
            numbers[number] = len(self.meta.asset_file_def)
            definition = self.meta.asset_file_def.add()
            definition.filename = renamer.asset(asset.filename)
            definition.tensor_info.name = self._final(part.handle, asset.tensor)
            relative = f"assets/{definition.filename}"
            if all(copied.relative != relative for copied in self.files):
                self.files.append(Copied(asset.path, relative, asset.nbytes))

    def _dropped(self, part: Part) -> None:
        """Files of a source that are not carried over, each told; other extra files are."""
        folder = part.model.location.folder
        if folder is None:
            return
        for name, why in (
            ("fingerprint.pb", "it names the source's bytes"),
            ("keras_metadata.pb", "it describes the source's Keras layers"),
            ("debug", "it maps the source's nodes to Python lines"),
        ):
            if (folder / name).exists():
                part.note("dropped-file", "info", name, f"Not carried over: {why}.")
        extra = folder / "assets.extra"
        for path in sorted(extra.rglob("*")) if extra.is_dir() else ():
            if path.is_symlink() or not path.is_file() or path.name in recipe_.OWN_FILES:
                continue
            if path.name.startswith(_WARMUP):
                part.note(
                    "dropped-file",
                    "info",
                    path.name,
                    "Not carried over: the inputs of warm-up requests changed.",
                )
                continue
            relative = f"assets.extra/{part.handle}/{path.relative_to(extra).as_posix()}"
            self.files.append(Copied(path, relative, path.stat().st_size))
        if part.meta.has_object_graph and part.meta.callables and not self.with_objects:
            part.note(
                "dropped-objects",
                "info",
                "",
                "The result is in TF1 format: its signature can be called, the objects and callables of the source "
                f"({', '.join(show(item.path) for item in part.meta.callables[:4])}) are not in it.",
            )
