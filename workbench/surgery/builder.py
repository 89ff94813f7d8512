"""The build of a join: keep, rewrite, rename, wire and tie the sources together."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from workbench import names
from workbench.disk import dtypes, schema
from workbench.disk.optable import OpTable
from workbench.disk.schema import FunctionDef, FunctionDefLibrary, NodeDef, TensorInfo
from workbench.disk.serialized.packed import PackedModel
from workbench.findings import Action, Finding, Hint
from workbench.model.objects import OBJECT_GRAPH_KEY
from workbench.surgery.conditions.preconditions import has_checkpoint, look_closer, variables_have_data
from workbench.surgery.copied_files import CopiedFile
from workbench.surgery.export.asset_names import place_assets
from workbench.surgery.export.collections import merge_collections, merge_meta_info, merge_versions
from workbench.surgery.export.duplicate_variables import join_duplicates
from workbench.surgery.export.files import add_assets, add_extra_files, place_files
from workbench.surgery.export.functions import add_call, add_lists, add_signature, add_signature_map
from workbench.surgery.export.init_ops import init_ops, set_up_by, tell_implicit
from workbench.surgery.export.object_graph import (
    Objects,
    add_objects,
    add_variables,
    begin,
    constants_of_objects,
    functions_of_objects,
)
from workbench.surgery.export.saver import CheckpointNames, merge_savers, prefix_const, saver_nodes
from workbench.surgery.export.tables import add_tables
from workbench.surgery.export.training_mode import both_modes, differs_in_training, tell
from workbench.surgery.export.variable_defs import describe_variables, known_by_name
from workbench.surgery.imported import ImportedModel
from workbench.surgery.lineage import References
from workbench.surgery.resolve.join import Join
from workbench.surgery.resolve.preprocessing import remarks, shared_remarks
from workbench.surgery.result import Draft
from workbench.surgery.rewrite.connect_wires import connect_wires
from workbench.surgery.rewrite.outline import CannotOutline, Outliner
from workbench.surgery.rewrite.prefix import Renamer, Rule
from workbench.surgery.rewrite.resource_variables import rewrite_references
from workbench.surgery.rewrite.shared_inputs import add_placeholders, feed_targets
from workbench.surgery.signatures.interface import Interface, ResultPort, port_info, rename_tensors
from workbench.surgery.signatures.result_keys import rename_keys
from workbench.surgery.signatures.result_signature import design_interface
from workbench.surgery.workspace import Checkpoint, Workspace

if TYPE_CHECKING:
    from workbench.surgery.adapters.fragment import Fragment

PREDICT = "tensorflow/serving/predict"
# protobuf's own limit on a serialised message (2 GiB - 1).
MAX_PROTO_BYTES = 2**31 - 1


class Builder:
    """The steps from a join to a draft, each over all sources."""

    def __init__(self, join: Join, without: frozenset[Rule], *, with_objects: bool) -> None:
        self.join = join
        self.with_objects = with_objects
        self.asset_numbers: dict[str, dict[int, int]] = {}
        self.plan = join.plan
        self.parts = list(join.parts.values())
        self.proto = schema.SavedModel(saved_model_schema_version=1)
        self.packed = PackedModel(self.proto)
        self.meta = self.proto.meta_graphs.add()
        self.graph = self.meta.graph_def
        self.without = without
        self.rewritten = {"references": 0, "described": 0, "frozen": 0}
        self.renamers: dict[str, Renamer] = {}
        self.interface = Interface()
        self.files: list[CopiedFile] = []
        self.chains: list[Fragment] = []

    def build(self) -> Draft | None:
        """Build the draft; return None if a step found an error."""
        for link in self.join.links:
            part = self.join.parts[link.target.handle]
            for tensor in link.target.tensors:
                part.cut(tensor)
            source = self.join.parts[link.source.handle]
            self.join.findings += remarks(link, source.meta, part.meta)
        for shared in self.join.shared:
            self.join.findings += shared_remarks(
                shared, {handle: part.meta for handle, part in self.join.parts.items()}
            )
            for target in shared.targets:
                for tensor in target.tensors:
                    self.join.parts[target.handle].cut(tensor)
        self.interface = design_interface(self.join)
        rename_keys(self.join, self.interface)
        for part in self.parts:
            part.needs.forget()
        if self.join.blocked:
            return None
        shared_inputs = [port.shared for port in self.interface.inputs if port.shared is not None]
        for found in shared_inputs:
            add_placeholders(self.graph, found)
        for part in self.parts:
            self._keep(part)
            look_closer(part)
            if self.with_objects and not self.plan.result.freeze and part.called is None:
                part.differs_in_training = differs_in_training(part)  # before the bodies are released
            part.model.release()
        if self._failed() or not self._fits_in_a_proto():
            return None
        for part in self.parts:
            self._rewrite(part)
        if self._failed():
            return None
        for part in self.parts:
            self._rename(part)
            part.model.release()
        self.chains = connect_wires(self.join, self.graph, self._final)
        for found in shared_inputs:
            feed_targets(self.graph, found, self.join.parts, keep_signatures=self.plan.result.keep_signatures)
        self._compact()
        savers = [part for part in self.parts if part.has_saver]
        self._add_ops(savers)
        merge_versions(self.graph, self.parts)
        merge_meta_info(self.meta, self.parts, self.plan.result.tags)
        self._signatures()
        placed = place_assets(self.parts, apart=Rule.ASSET not in self.without)
        for part in self.parts:
            merge_collections(self.meta, part, self.renamers[part.handle])
            self.asset_numbers[part.handle] = add_assets(
                self.meta,
                part,
                self.renamers[part.handle],
                placed[part.handle],
                partial(self._final, part.handle),
                self.files,
            )
            add_extra_files(part, self.files, with_objects=self.with_objects)
        assets = [asset for chain in self.chains for asset in chain.assets]
        place_files(self.meta, assets, self.files, self.plan.file_name)
        if self._failed():
            return None
        objects = self._objects() if self.with_objects else None
        logs = {handle: renamer.log for handle, renamer in self.renamers.items()}
        return Draft(self._workspace(savers, objects), [], self.interface, logs, self.rewritten)

    def _workspace(self, savers: list[ImportedModel], objects: Objects | None) -> Workspace:
        """Return the workspace of the joined models, for the steps that follow."""
        from workbench.disk.checkpoint.bundle_write import JoinPart

        aliases = objects.aliases if objects is not None else {}
        parts = [
            JoinPart(part.model.bundle, part.handle, aliases=aliases.get(part.handle, ()))
            for part in savers
            if part.model.bundle is not None
        ]
        checkpoint = Checkpoint("join", parts)
        if objects is not None:
            graph = objects.tracked.SerializeToString(deterministic=True)
            checkpoint.tensors[OBJECT_GRAPH_KEY] = (dtypes.STRING, (), [graph])
        if not parts and not checkpoint.tensors:
            checkpoint.how = "drop"
        references = References()
        references.known[self.plan.result.signature] = self.interface.reference()
        references.verify([self.plan.result.signature])
        shared = {
            port.shared.tensors: port.taking for port in self.interface.inputs if port.shared is not None
        }
        return Workspace(
            self.plan,
            self.join,
            self.packed,
            0,
            self.parts[0].model,
            references,
            checkpoint=checkpoint,
            joined_files=self.files,
            shared=shared,
        )

    def _objects(self) -> Objects:
        """Make the object graph of the result (TF2 format)."""
        objects = begin()
        for part in self.parts:
            if self.plan.result.freeze:
                continue
            if part.meta.has_object_graph:
                numbers = self.asset_numbers.get(part.handle, {})
                add_objects(objects, part, self.renamers[part.handle], numbers)
                part.model.release()
            else:
                add_variables(objects, part)
        signature_map = add_signature_map(objects)
        nodes = {node.name: node for node in self.graph.node}
        functions = {function.signature.name: function for function in self.graph.library.function}
        op_table = OpTable(self.meta.meta_info_def.stripped_op_list)
        set_up = self._set_up(nodes)
        outliner = Outliner(nodes, functions, op_table, set_up, self.packed.bodies)
        for part in self.parts:
            if self.plan.result.freeze or not part.meta.has_object_graph:
                tables = add_tables(objects, self.meta, outliner, part.handle, self._init_ops(part))
                set_up.difference_update(tables)
        for chain in self.chains:
            add_tables(objects, self.meta, outliner, chain.scope, chain.init_ops)
        modes = None if self.plan.result.freeze else both_modes(self.parts, nodes, self.renamers)
        for key in sorted(self.meta.signature_def):
            add_signature(objects, self.meta, outliner, key, signature_map)
        outliners = {
            on: Outliner(graph, functions, op_table, set_up, self.packed.bodies)
            for on, graph in (modes or {}).items()
        }
        add_call(objects, self.meta, outliner, self.plan.result.signature, outliners or None)
        if not modes and not self.plan.result.freeze:
            for part in self.parts:
                tell(part)
        add_lists(objects)
        self.meta.object_graph_def.CopyFrom(objects.graph)
        return objects

    def _set_up(self, nodes: Mapping[str, NodeDef]) -> set[str]:
        """Return the TF1 resources that init ops set up.

        The TF2 format runs no init op.
        """
        roots = [
            name for part in self.parts if not part.meta.has_object_graph for name in self._init_ops(part)
        ]
        return set_up_by(nodes, roots)

    def _failed(self) -> bool:
        findings = [*self.join.findings, *(finding for part in self.parts for finding in part.findings)]
        return any(finding.severity == "error" for finding in findings)

    # -- keep

    def _keep(self, part: ImportedModel) -> None:
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
        part.init_ops = init_ops(part.meta, part.needs.nodes(roots) if part.meta.implicit_init else ())
        implicit = tell_implicit(part.meta, part.init_ops)
        if implicit is not None:
            part.note("implicit-init", "info", "", implicit)
        roots += [f"^{name}" for name in part.init_ops]
        saver = saver_nodes(part)
        if len(saver) == 3 and not self.plan.result.freeze:
            part.has_saver = has_checkpoint(part)
            roots += [f"^{name}" for name in saver]
        functions: list[str] = []
        if self.with_objects and not self.plan.result.freeze and part.meta.has_object_graph:
            functions = functions_of_objects(part)
            roots += [f"^{name}" for name in constants_of_objects(part)]
            roots += [
                f"^{node}"
                for asset in part.meta.assets
                if (node := names.input_node(asset.tensor)) in part.meta.nodes
            ]
        part.keep(roots, self.graph, with_initializers=not self.plan.result.freeze, more_functions=functions)
        join_duplicates(part)
        if self.plan.result.freeze and len(saver) == 3:
            has_checkpoint(part)
        variables_have_data(part, self.interface.roots.get(part.handle, []), frozen=self.plan.result.freeze)

    def _fits_in_a_proto(self) -> bool:
        size, frozen = self._kept_bytes(), 0
        if self.plan.result.freeze:
            from workbench.surgery.rewrite.freeze_variables import bytes_to_freeze

            frozen = sum(map(bytes_to_freeze, self.parts))
        if size + frozen <= MAX_PROTO_BYTES:
            return True
        self.join.findings.append(
            Finding(
                "R11-size",
                "error",
                "result",
                f"saved_model.pb would be about {(size + frozen) / 1e9:.2f} GB; a proto can't be over 2 GB.",
                Hint("To keep variables in the checkpoint, ", Action("keep-variables"))
                if frozen
                else "Keep the large constants in variables.",
            )
        )
        return False

    def _kept_bytes(self) -> int:
        """Return the bytes of the kept nodes and functions, or where the sources are small, of those.

        To measure a message costs as much as to write it.
        """
        files = [part.file_bytes for part in self.parts]
        known = [size for size in files if size is not None]
        if len(known) == len(files) and sum(known) < MAX_PROTO_BYTES // 2 and not self.plan.result.freeze:
            return sum(known)
        return self.graph.ByteSize() + sum(
            function.ByteSize()
            for part in self.parts
            for function in map(part.meta.functions.__getitem__, part.functions)
        )

    # -- rewrite and rename

    def _rewrite(self, part: ImportedModel) -> None:
        if self.plan.result.freeze:
            from workbench.surgery.rewrite.freeze_variables import freeze_variables

            self.rewritten["frozen"] += freeze_variables(part)
            return
        if self.with_objects:
            for node, function in known_by_name(part).items():
                raise CannotOutline(
                    node, f"the function {names.show(function)} opens this variable by its name"
                )
        self.rewritten["references"] += rewrite_references(part)
        self.rewritten["described"] += describe_variables(part)

    def _rename(self, part: ImportedModel) -> None:
        kept = frozenset(part.functions)
        library = part.meta.graph.library if kept else FunctionDefLibrary()
        gradient_ops = frozenset(
            gradient.registered_op_type
            for gradient in library.registered_gradients
            if gradient.gradient_func in kept
        )
        renamer = Renamer(part.handle, kept, gradient_ops, self.without)
        self.renamers[part.handle] = renamer
        copies: dict[str, FunctionDef] = {}
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
        for old, node in part.kept.items():
            renamer.main_node(node, old, nodes)
        for name, copy in copies.items():
            renamer.function_def(copy, None if name in part.made else part.naming.positions(name))
        for gradient in library.gradient:
            if gradient.function_name in kept:
                own = self.graph.library.gradient.add()
                own.CopyFrom(gradient)
                renamer.gradient(own)
        for registered in library.registered_gradients:
            if registered.gradient_func in kept:
                renamed = self.graph.library.registered_gradients.add()
                renamed.CopyFrom(registered)
                renamer.registered_gradient(renamed)
        for name, alias in part.meta.beside.meta_info_def.function_aliases.items():
            if name in kept:
                self.meta.meta_info_def.function_aliases[renamer.function(name)] = alias

    def _final(self, handle: str, tensor: str) -> str:
        """Return the name in the result of a source's tensor."""
        part = self.join.parts[handle]
        tensor = str(names.input_tensor(tensor))
        if tensor in part.moved:
            tensor = part.moved[tensor]
        elif tensor in part.cuts:
            tensor = f"{part.cuts[tensor]}:0"
        return f"{handle}/{tensor}"

    def _compact(self) -> None:
        for index in reversed([index for index, node in enumerate(self.graph.node) if not node.op]):
            del self.graph.node[index]

    # -- what stands beside the graph

    def _init_ops(self, part: ImportedModel) -> list[str]:
        """Return the init ops of a source, under the names of the result."""
        return [f"{part.handle}/{name}" for name in part.init_ops if name in part.kept]

    def _add_ops(self, savers: list[ImportedModel]) -> None:
        """Add the nodes that belong to no source: the saver and the init op."""
        taken = {node.name for node in self.graph.node}
        saver = merge_savers(savers, self.graph, taken)
        if savers:
            self.meta.saver_def.CopyFrom(savers[0].saver if Rule.SAVER in self.without else saver)
        self._init_op(taken)

    def _init_op(self, taken: set[str]) -> None:
        waits = [f"^{name}" for part in self.parts for name in self._init_ops(part)]
        waits += [f"^{name}" for chain in self.chains for name in chain.init_ops]
        if not waits:
            return
        name = "init"
        while name in taken:
            name += "_"
        node = self.graph.node.add(name=name, op="NoOp")
        node.input.extend(waits)
        self.meta.collection_def["saved_model_main_op"].node_list.value.append(name)

    def _signatures(self) -> None:
        result = self.meta.signature_def[self.plan.result.signature]
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

    def _info(self, port: ResultPort) -> TensorInfo:
        return port.info if port.shared is not None else self._renamed(port.handle, port.info)

    def _renamed(self, handle: str, info: TensorInfo) -> TensorInfo:
        copy = TensorInfo()
        copy.CopyFrom(info)
        rename_tensors(copy, partial(self._final, handle))
        self.renamers[handle].log.counts[Rule.SIGNATURE] += 1
        return info if Rule.SIGNATURE in self.without else copy
