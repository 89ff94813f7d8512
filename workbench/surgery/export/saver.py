"""The saver of the result: one file name feeds the saver of every source.

Restoring reads each part's variables from the one merged checkpoint. Saving lets each part write
`<file>_part<i>` with its own save op and merges the pieces with MergeV2Checkpoints, as TensorFlow's sharded saver
does (tensorflow/python/training/saver.py, `_AddShardedSaveOps`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from workbench import names
from workbench.disk import dtypes
from workbench.disk.schema import AttrValue, FunctionDef, GraphDef, NodeDef, SaverDef
from workbench.graph.reach import ancestors, consumers, descendants, reach
from workbench.model.op_classes import V1_CHECKPOINT, V2_CHECKPOINT
from workbench.names import show
from workbench.surgery.imported import ImportedModel, attr_type, unique_name

FILENAME, SAVE, RESTORE = "checkpoint/filename", "checkpoint/save", "checkpoint/restore_all"


def saver_nodes(part: ImportedModel) -> list[str]:
    """Return the nodes that a SaverDef names, as far as they exist."""
    saver = part.saver
    named = (saver.filename_tensor_name, saver.save_tensor_name, saver.restore_op_name)
    return [names.input_node(name) for name in named if name and names.input_node(name) in part.meta.nodes]


class CheckpointNames:
    """The string constants that hold the checkpoint keys of a source's saver.

    Attributes:
        main: names of Const nodes of the main graph.
        bodies: names of Const nodes in bodies, by function.
    """

    def __init__(self, part: ImportedModel, functions: Mapping[str, FunctionDef]) -> None:
        self._part = part
        self._functions = functions
        self.main: set[str] = set()
        self.bodies: dict[str, set[str]] = {}
        self._exported = {names.input_tensor(tensor).node for tensor in part.exported}
        self._own: dict[str, str] = {}
        self._given: dict[str, list[int]] = {}  # arguments of bodies that are keys
        filename = part.saver.filename_tensor_name
        if not filename or names.input_node(filename) not in part.kept:
            return
        self._consumers = consumers(part.kept, controls=False)
        for name in sorted(reach([names.input_node(filename)], self._consumers.__getitem__)):
            node = part.kept[name]
            if node.op in V2_CHECKPOINT:
                self._take_main(node, 1)
            elif node.op in V1_CHECKPOINT:
                part.note(
                    "R7-old-saver",
                    "error",
                    show(name),
                    f"The saver uses {node.op}, the V1 checkpoint format, whose keys can't be renamed.",
                    "Load the model with TensorFlow and save it again (V2 format).",
                )
            else:
                self._calls(node)

    def _take_main(self, consumer: NodeDef, position: int) -> None:
        """Record the Const behind an input of a saver's node."""
        name = names.input_node(consumer.input[position])
        node = self._part.kept[name]
        while node.op == "Identity":
            name = names.input_node(node.input[0])
            node = self._part.kept[name]
        if node.op != "Const":
            self._part.note(
                "R7-computed-keys",
                "error",
                show(consumer.name),
                f"The checkpoint keys it reads are computed ({show(node.op)} {show(name)}), not constant, so they "
                "can't be renamed.",
                "Load the model with TensorFlow and save it again.",
            )
            return
        if self._is_used_elsewhere(name):
            # The constant means something else too: the saver gets one of its own.
            if name not in self._own:
                copy = self._part.new_node(f"{name}/checkpoint_keys", "Const", **dict(node.attr))
                self._own[name] = copy.name
            name = self._own[name]
            consumer.input[position] = name
        self.main.add(name)

    def _is_used_elsewhere(self, name: str) -> bool:
        """Return whether ops other than the saver's use a constant.

        A graph may use the keys for purposes of its own.
        """
        return name in self._exported or any(
            self._part.kept[consumer].op not in V2_CHECKPOINT for consumer in self._consumers[name]
        )

    def _calls(self, node: NodeDef) -> None:
        for function in self._called(node):
            self._body(function, node)

    def _called(self, node: NodeDef) -> list[str]:
        """Return the functions that a node has as attributes."""
        attrs = node.attr
        values = [attrs[name] for name in attrs]
        named = [value.func.name for value in values if value.WhichOneof("value") == "func"]
        return [name for name in named if name in self._functions]

    def _body(self, function: str, call: NodeDef | None) -> None:
        if function in self.bodies:  # another call of it: it may give other keys
            if call is not None:
                for position in self._given.get(function, ()):
                    self._take_main(call, position)
            return
        found = self.bodies.setdefault(function, set())
        definition = self._functions[function]
        arguments = [arg.name for arg in definition.signature.input_arg]
        nodes: dict[str, NodeDef] = {}
        naming = None if function in self._part.made else set(self._part.naming.positions(function))
        for position, node in enumerate(definition.node_def):
            if node.op in V2_CHECKPOINT:
                nodes = nodes or {other.name: other for other in definition.node_def}
                source = nodes.get(names.input_node(node.input[1]))
                while source is not None and source.op == "Identity":
                    source = nodes.get(names.input_node(source.input[0]))
                if source is not None and source.op == "Const":
                    found.add(source.name)
                elif call is not None and node.input[1] in arguments:
                    position = arguments.index(node.input[1])
                    self._given.setdefault(function, []).append(position)
                    self._take_main(call, position)
                else:
                    self._part.note(
                        "R7-computed-keys",
                        "error",
                        f"{show(function)}::{show(node.name)}",
                        "The checkpoint keys it reads are not constant, so they can't be renamed.",
                        "Load the model with TensorFlow and save it again.",
                    )
            elif naming is None or position in naming:
                for called in self._called(node):
                    self._body(called, None)

    def keys(self) -> set[str]:
        """Return all checkpoint keys that the saver names."""
        found: set[str] = set()
        for name in self.main:
            found.update(_strings(self._part.kept[name]))
        for function, consts in self.bodies.items():
            for node in self._functions[function].node_def:
                if node.name in consts:
                    found.update(_strings(node))
        return found


def _strings(node: NodeDef) -> Iterable[str]:
    return [value.decode("utf-8", "surrogateescape") for value in node.attr["value"].tensor.string_val]


def prefix_const(node: NodeDef, rename: Callable[[str], str]) -> None:
    """Replace each string of a Const node's copy by what `rename` returns."""
    values = node.attr["value"].tensor.string_val
    values[:] = [rename(text).encode("utf-8", "surrogateescape") for text in _strings(node)]


def merge_savers(parts: list[ImportedModel], graph_def: GraphDef, taken: set[str]) -> SaverDef:
    """Make the SaverDef of the result from the savers of the sources.

    Args:
        parts: those with a saver, in shard order.
        graph_def: of the result; gains the nodes that tie the savers together.
        taken: node names in use; gains the new ones.

    Returns:
        A SaverDef message; empty if no part has a saver.
    """
    result = SaverDef()
    if not parts:
        return result
    if len(parts) == 1:
        only = parts[0]
        result.CopyFrom(only.saver)
        for field in ("filename_tensor_name", "save_tensor_name", "restore_op_name"):
            if getattr(result, field):
                setattr(result, field, f"{only.handle}/{getattr(result, field)}")
        return result
    add = _Adder(graph_def, taken)
    filename = _add_filename(add)
    pieces: list[str] = []
    saves: list[str] = []
    restores: list[str] = []
    nodes = {node.name: node for node in graph_def.node}
    for number, part in enumerate(parts):
        piece = _add_piece(add, filename, number)
        saver, prefix = part.saver, f"{part.handle}/"
        own = prefix + names.input_node(saver.filename_tensor_name)
        save = prefix + names.input_node(saver.save_tensor_name)
        restore = prefix + names.input_node(saver.restore_op_name)
        _lead_save(nodes, add, own, save, restore, piece)
        _become_identity(nodes[own], filename)
        pieces.append(piece)
        saves.append(f"^{save}")
        restores.append(f"^{restore}")
    result.filename_tensor_name = f"{filename}:0"
    result.save_tensor_name = f"{_add_merge(add, filename, pieces, saves)}:0"
    result.restore_op_name = add("NoOp", RESTORE, restores, {})
    result.max_to_keep = max(part.saver.max_to_keep for part in parts)
    result.keep_checkpoint_every_n_hours = max(part.saver.keep_checkpoint_every_n_hours for part in parts)
    result.sharded = True
    result.version = SaverDef.CheckpointFormatVersion.Value("V2")
    return result


def _add_filename(add: _Adder) -> str:
    """Add the node that a loader feeds with the checkpoint's prefix."""
    attrs = {"dtype": attr_type(_STRING), "value": _string_value(b"model")}
    default = add("Const", f"{FILENAME}/input", [], attrs)
    attrs = {"dtype": attr_type(_STRING), "shape": AttrValue(shape={})}
    return add("PlaceholderWithDefault", FILENAME, [default], attrs)


def _add_piece(add: _Adder, filename: str, number: int) -> str:
    """Add the prefix under which one source saves."""
    attrs = {"dtype": attr_type(_STRING), "value": _string_value(b"_part%d" % number)}
    suffix = add("Const", f"{SAVE}/part_{number}/suffix", [], attrs)
    attrs = {"N": AttrValue(i=2), "separator": AttrValue(s=b"")}
    return add("StringJoin", f"{SAVE}/part_{number}", [filename, suffix], attrs)


def _add_merge(add: _Adder, filename: str, pieces: list[str], saves: list[str]) -> str:
    """Merge the pieces into one checkpoint after `saves`; return its prefix."""
    attrs = {"N": AttrValue(i=len(pieces)), "T": attr_type(_STRING), "axis": AttrValue(i=0)}
    packed = add("Pack", f"{SAVE}/parts", [*pieces, *saves], attrs)
    attrs = {"delete_old_dirs": AttrValue(b=True)}
    merged = add("MergeV2Checkpoints", f"{SAVE}/merge", [packed, filename], attrs)
    return add("Identity", SAVE, [filename, f"^{merged}"], {"T": attr_type(_STRING)})


_STRING = dtypes.enum("string")


def _string_value(text: bytes) -> AttrValue:
    value = AttrValue()
    value.tensor.dtype = _STRING
    value.tensor.tensor_shape.SetInParent()
    value.tensor.string_val.append(text)
    return value


class _Adder:
    """Add nodes under unique names."""

    def __init__(self, graph_def: GraphDef, taken: set[str]) -> None:
        self._graph_def, self._taken = graph_def, taken

    def __call__(self, op: str, name: str, inputs: list[str], attrs: Mapping[str, AttrValue]) -> str:
        name = unique_name(name, self._taken)
        self._taken.add(name)
        node = self._graph_def.node.add(name=name, op=op)
        node.input.extend(inputs)
        for key, value in attrs.items():
            node.attr[key].CopyFrom(value)
        return name


def _become_identity(node: NodeDef, source: str) -> None:
    node.op = "Identity"
    node.input[:] = [source]
    node.attr.clear()
    node.attr["T"].type = _STRING


def _lead_save(nodes: dict[str, NodeDef], add: _Adder, own: str, save: str, restore: str, piece: str) -> None:
    """Feed `piece` instead of the file name to what the save op needs.

    Only the save op gets it: what the restore op needs as well is copied.
    """
    saving, restoring = ancestors(nodes, [save]), ancestors(nodes, [restore])
    both = saving & restoring
    shared = descendants({name: nodes[name] for name in both}, [own], controls=False) & both - {own}
    copies: dict[str, str] = {own: piece}
    for name in sorted(shared):
        original = nodes[name]
        copies[name] = add(original.op, f"{name}/for_save", list(original.input), dict(original.attr))
    inside = {node.name: node for node in add._graph_def.node[-len(shared) :]} if shared else {}
    targets = [nodes[name] for name in saving - restoring]
    for node in [*targets, *inside.values()]:
        for position, text in enumerate(node.input):
            head, rest = names.split_input(text)
            if head in copies and not text.startswith("^"):
                node.input[position] = copies[head] + (rest if head != own else "")
