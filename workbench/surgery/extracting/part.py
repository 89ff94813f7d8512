"""A part of a model, put in the place of the model in a workspace."""

from __future__ import annotations

from collections.abc import Collection

from workbench import names
from workbench.disk import dtypes, schema
from workbench.disk.checkpoint.bundle_write import JoinPart
from workbench.disk.folder.assets import asset_files
from workbench.disk.schema import MetaGraphDef, TensorInfo
from workbench.model.objects import OBJECT_GRAPH_KEY
from workbench.model.signature import PREDICT
from workbench.names import count, show
from workbench.surgery.conditions.preconditions import has_checkpoint, look_closer, variables_have_data
from workbench.surgery.export.asset_readers import only_read
from workbench.surgery.export.collections import merge_collections
from workbench.surgery.export.init_ops import needed_init_ops
from workbench.surgery.export.object_graph import Objects
from workbench.surgery.export.restored_state import restored
from workbench.surgery.export.saver import saver_nodes
from workbench.surgery.export.variable_defs import describe_variables, opened_by_name
from workbench.surgery.extracting.ends import Ends
from workbench.surgery.extracting.new_saver import Stored, add_saver, stored_variables
from workbench.surgery.extracting.objects import part_objects
from workbench.surgery.imported import ImportedModel, attr_type
from workbench.surgery.lineage import References
from workbench.surgery.plan import DEFAULT_SIGNATURE
from workbench.surgery.rewrite.outline import CannotOutline
from workbench.surgery.rewrite.prefix import Renamer, Rule
from workbench.surgery.rewrite.prune import drop_functions
from workbench.surgery.rewrite.resource_variables import rewrite_references
from workbench.surgery.signatures.interface import info_tensors, rename_tensors
from workbench.surgery.workspace import Workspace

KEY = DEFAULT_SIGNATURE


class Part:
    """The steps from the ends of a part to a workspace that has the part alone.

    Args:
        workspace: where the part is of; it is not changed before `replace`.
        ends: its inputs and outputs.
    """

    def __init__(self, workspace: Workspace, ends: Ends) -> None:
        self.workspace = workspace
        self.ends = ends
        (source, *_) = workspace.join.parts.values()
        self.kept = ImportedModel(source.source, workspace.model, ends.meta, None, cuts=dict(ends.cuts))
        self.made = MetaGraphDef()
        self.stored: list[Stored] = []
        self.more_keys: dict[str, str] = {}
        self.objects: Objects | None = None

    def cut_out(self) -> bool:
        """Make the MetaGraph of the part; return whether no finding forbids it."""
        self._keep()
        self._refuse_other_state()
        look_closer(self.kept)
        if not self._blocked():
            rewrite_references(self.kept)
            describe_variables(self.kept)
            self._put_together()
        self.workspace.findings += self.kept.findings
        return not self.workspace.blocked

    def _blocked(self) -> bool:
        return any(finding.severity == "error" for finding in self.kept.findings)

    # -- what is kept

    def _keep(self) -> None:
        """Copy what the outputs need: nodes, variables with what initialises them, functions."""
        part, graph = self.kept, self.made.graph_def
        roots = [tensor for info in self.ends.outputs.values() for tensor in self._now(info)]
        part.exported.update(roots)
        inputs = [tensor for info in self.ends.inputs.values() for tensor in self._now(info)]
        wanted = [*roots, *inputs]
        seen: set[str] = set()
        while True:
            needed = part.needs.nodes(wanted)
            part.init_ops = needed_init_ops(part.meta, needed)
            part.keep([*wanted, *(f"^{name}" for name in part.init_ops)], graph)
            more = self._opened_by_name() - seen
            if not more:
                break
            seen |= more
            wanted += (f"^{name}" for name in sorted(more))
        for tensor, name in self.ends.cuts.items():
            self._add_placeholder(tensor, name)
        part.duplicates = {
            node: found for node, found in part.meta.duplicate_variables.items() if node in part.kept
        }
        if len(saver_nodes(part)) == 3:
            part.has_saver = has_checkpoint(part)
        variables_have_data(part, roots, frozen=False)
        self.stored = stored_variables(part) if part.has_saver else []

    def _now(self, info: TensorInfo) -> list[str]:
        """Return the tensors of an input or output, after the cuts."""
        tensors = [str(names.input_tensor(tensor)) for tensor in info_tensors(info)]
        return [f"{self.ends.cuts[tensor]}:0" if tensor in self.ends.cuts else tensor for tensor in tensors]

    def _opened_by_name(self) -> set[str]:
        """Return the variables of the main graph that kept functions open by their name."""
        part = self.kept
        opened = opened_by_name((name, part.naming_nodes(name)) for name in part.functions)
        return {one.node for one in part.meta.variables if one.shared_name in opened} if opened else set()

    def _add_placeholder(self, tensor: str, name: str) -> None:
        for info in self.ends.inputs.values():
            if tensor not in [str(names.input_tensor(one)) for one in info_tensors(info)]:
                continue
            found = self.kept.meta.node_tensor(tensor)
            dtype = info.dtype if info.name or found is None else dtypes.base(found.dtype)
            node = self.kept.new_node(name, "Placeholder", dtype=attr_type(dtype))
            shape = node.attr["shape"].shape
            if info.name:
                shape.CopyFrom(info.tensor_shape)
            else:  # a component of a sparse or composite input
                shape.unknown_rank = True
            return

    def _refuse_other_state(self) -> None:
        """Report what the checkpoint fills and is no variable: the new saver has variables only."""
        state = restored(self.kept.meta)
        lost = [name for name, node in self.kept.kept.items() if state.lost(node, self.kept.meta.op_table)]
        for name in lost[:4]:
            told = f"It is a {show(self.kept.kept[name].op)} that the checkpoint fills; a part keeps variables only."
            self.kept.note("extract-state", "error", show(name), told, "Choose outputs that do not need it.")

    # -- the MetaGraph

    def _put_together(self) -> None:
        part, made, source = self.kept, self.made, self.ends.meta.proto
        saver = add_saver(part, self.stored)
        self._compact()
        made.meta_info_def.CopyFrom(source.meta_info_def)
        made.graph_def.versions.CopyFrom(source.graph_def.versions)
        made.graph_def.library.CopyFrom(source.graph_def.library)
        if self.stored:
            made.saver_def.CopyFrom(saver)
        self._add_signature()
        merge_collections(made, part, Renamer("", without=Rule))
        for asset in part.meta.assets:
            if names.input_node(asset.tensor) not in part.kept:
                continue
            if asset.problem is not None:
                part.note(
                    "R10-asset", "error", show(asset.filename), asset.problem.message, asset.problem.hint
                )
            made.asset_file_def.add(filename=asset.filename).tensor_info.name = asset.tensor
        drop_functions(made)
        if self.workspace.original.has_object_graph:
            self._add_objects()
        self._add_init_op()

    def _compact(self) -> None:
        for index in reversed([at for at, node in enumerate(self.made.graph_def.node) if not node.op]):
            del self.made.graph_def.node[index]

    def _add_signature(self) -> None:
        definition = self.made.signature_def[KEY]
        definition.method_name = PREDICT
        for side, infos in ((definition.inputs, self.ends.inputs), (definition.outputs, self.ends.outputs)):
            for key, info in infos.items():
                side[key].CopyFrom(info)
                rename_tensors(side[key], self._final)
        for key, value in self.ends.defaults.items():
            definition.defaults[key].CopyFrom(value)

    def _final(self, tensor: str) -> str:
        name = str(names.input_tensor(tensor))
        if name in self.ends.cuts:
            return f"{self.ends.cuts[name]}:0"
        return self.kept.moved.get(name, name)

    def _add_objects(self) -> None:
        """Give the part an object graph, or report why it has none."""
        trial = MetaGraphDef()
        trial.CopyFrom(self.made)
        try:
            whole = self.workspace.bound_by or self.workspace.original
            self.objects, self.more_keys = part_objects(trial, self.kept, self.stored, KEY, whole)
        except CannotOutline as problem:
            told = f"The part can't have an object graph, because {problem.why}. It is written in TF1 format: its "
            told += "signature works in every loader."
            self.workspace.note("tf1-format", "info", show(problem.node), told)
        else:
            self.made = trial

    def _add_init_op(self) -> None:
        waits = [f"^{name}" for name in self.kept.init_ops if name in self.kept.kept]
        if waits:
            node = self.made.graph_def.node.add(name=names_free("init", self.kept.kept), op="NoOp")
            node.input.extend(waits)
            self.made.collection_def["saved_model_main_op"].node_list.value.append(node.name)

    # -- the workspace

    def replace(self) -> None:
        """Put the part in the place of the model."""
        workspace = self.workspace
        reference = self.ends.reference
        workspace.proto.CopyFrom(schema.SavedModel(saved_model_schema_version=1, meta_graphs=[self.made]))
        workspace.position = 0
        workspace.bound_by = None
        self._replace_checkpoint()
        self._leave_out_files()
        workspace.references = References({KEY: reference}, [KEY])
        if reference.inlined is not None and workspace.joined_files is None:
            workspace.lineage = reference.inlined
        workspace.faithful = workspace.faithful and not self.ends.cuts
        self._tell()

    def _replace_checkpoint(self) -> None:
        workspace, checkpoint = self.workspace, self.workspace.checkpoint
        bundle = workspace.bundle()
        needed = {one.key for one in self.stored}
        checkpoint.tensors.pop(OBJECT_GRAPH_KEY, None)
        if bundle is not None:
            workspace.drop_keys({*bundle} - needed)
        elif checkpoint.how == "copy":
            checkpoint.how = "drop"
        if self.objects is None:
            return
        if checkpoint.how == "copy" and bundle is not None:
            checkpoint.parts = [JoinPart(bundle)]
        data = self.objects.tracked.SerializeToString(deterministic=True)
        checkpoint.tensors[OBJECT_GRAPH_KEY] = (dtypes.STRING, (), [data])
        checkpoint.how = "join"
        workspace.add_keys(self.more_keys)

    def _leave_out_files(self) -> None:
        workspace, part = self.workspace, self.kept
        workspace.left_out |= {"fingerprint.pb", "keras_metadata.pb", "debug", "assets.extra"}
        kept = {asset.filename for asset in self.made.asset_file_def}
        if kept and not only_read(part):
            return  # what reads a path may read files beside it
        prefix = "assets/"
        if workspace.joined_files is not None:
            workspace.joined_files[:] = [one for one in workspace.joined_files if _stays(one.relative, kept)]
            return
        workspace.added_files[:] = [one for one in workspace.added_files if _stays(one.relative, kept)]
        folder = workspace.model.folder
        listed = asset_files(folder) if folder is not None else {}
        declared = [asset.filename for asset in workspace.original.assets]
        workspace.left_out |= {f"{prefix}{name}" for name in (*listed, *declared) if name not in kept}

    def _tell(self) -> None:
        made, before = self.made, self.workspace.original
        once = {one.key: one for one in self.stored}
        nbytes = sum(one.variable.nbytes or 0 for one in once.values())
        told = f"The part has {count(len(made.graph_def.node), 'node')} in its main graph, "
        told += f"{count(len(made.graph_def.library.function), 'function')}, {count(len(once), 'variable')} "
        told += f"({nbytes:,} bytes) and {count(len(made.asset_file_def), 'asset')}; the model {len(before.nodes):,}, "
        told += f"{len(before.functions):,}, {before.variable_counts.number:,} and {len(before.assets):,}."
        self.workspace.note("extract-done", "info", KEY, told)


def names_free(name: str, taken: Collection[str]) -> str:
    """Return a name that no node has."""
    while name in taken:
        name += "_"
    return name


def _stays(relative: str, kept: Collection[str]) -> bool:
    return not relative.startswith(("assets/", "assets.extra/")) or relative.removeprefix("assets/") in kept
