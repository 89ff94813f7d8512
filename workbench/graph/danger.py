"""Where a model touches more than tensors: files, the network, the process, Python, code that nobody knows.

TensorFlow models are programs. What ops are meant is told in `dangerous_ops.py`. The walk goes through every function
that is called by anything, branches and loop bodies included; TensorFlow's own `saved_model_cli scan` does not. It
follows what runs: the nodes behind a signature, the function that `tf.saved_model.load` gives for it (which may be
another one), and what loading alone runs: the init op, the restoring half of the saver, the functions that make and
fill resources, and those that put objects back as they were.

Found, and excused: the saver's own save and restore nodes where only the saver reaches them and the file is the one
they are given, those of savers that nothing reaches, and ops that read one of the model's own assets. Not found at all:
PrintV2 to the terminal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from workbench.disk import optable
from workbench.disk.schema import Message
from workbench.graph.adjacency import Adjacency
from workbench.graph.dangerous_ops import READS_ASSET, SAVER_READS, SAVER_WRITES, VERDICTS, Tier, classify
from workbench.graph.functions import calls
from workbench.model.callables import SIGNATURES_CHILD
from workbench.model.saver import const_strings
from workbench.model.signature import INIT_OP
from workbench.names import input_node, show

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph

CLI_DENYLIST = ("WriteFile", "ReadFile", "PrintV2")
"""What `saved_model_cli scan` looks for when it is not told otherwise."""
INIT, RESTORE, LOAD, SAVE, FETCHED = "(init op)", "(restore)", "(load)", "(save)", "(fetched)"
SAVERS_OWN = "the saver's own, on the checkpoint it is given"
OTHER_SAVERS = "of a saver that nothing calls"
OWN_ASSET = "reads an asset of the model, and nothing else"

_CACHE = frozenset({"CacheDataset", "CacheDatasetV2"})
_PASS = frozenset({"Identity", "PlaceholderWithDefault", "StopGradient", "ReadVariableOp"})
_HOLDS_PATH = frozenset({"ReadVariableOp", "VarIsInitializedOp", "AssignVariableOp", "DestroyResourceOp"})
_SWAPPED = "api_implements"
_MAX_VISITS = 100_000
_MAX_TRAIL = 64
_MAX_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Danger:
    """One op that touches more than tensors.

    Attributes:
        op: its op.
        tier: `code`, `process`, `write`, `read`, `network`.
        why: what it does, in words.
        node: its name.
        path: the functions on the way to it, outermost first, `…` for the first of very many; empty for the main graph.
        signatures: keys of the signatures that reach it (and paths of callables, where all is listed). Loading the
            model reaches it by `(init op)`, `(restore)` or `(load)` (functions of its objects), the saving half of
            the saver by `(save)`. Empty if nothing that can be called reaches it.
        excuse: why nobody needs to be asked about it, or None.
    """

    op: str
    tier: Tier
    why: str
    node: str
    path: tuple[str, ...]
    signatures: tuple[str, ...]
    excuse: str | None = None


def scan(meta: MetaGraph) -> list[Danger]:
    """Everything in the graph and its library, reached or not, each node of a body once; the excused ones last."""
    return _walk(meta, None).all()


def dangerous(
    meta: MetaGraph,
    signature_keys: Iterable[str] | None = None,
    *,
    tensors: Iterable[str] = (),
    functions: Iterable[str] = (),
) -> list[Danger]:
    """The dangerous ops of a MetaGraph that have no excuse, each node of a body once.

    Args:
        meta: the MetaGraph.
        signature_keys: what is to be run: only what these signatures or loading the model reach is listed.
            None lists everything in the graph and its library, reached or not.
        tensors: of the main graph, that are fetched besides.
        functions: concrete functions that are called besides.
    """
    walk = _walk(meta, signature_keys)
    walk.from_main(tensors, FETCHED)
    for name in functions:
        walk.from_function(name, FETCHED)
    return list(walk.found.values())


def _walk(meta: MetaGraph, signature_keys: Iterable[str] | None) -> _Walk:
    walk = _Walk(meta)
    for key in list(meta.signatures) if signature_keys is None else signature_keys:
        if key != INIT_OP and key in meta.signatures:
            outputs = [name for port in meta.signatures[key].outputs.values() for name in port.tensors]
            walk.from_main(outputs, key)
            walk.from_loaded_signature(key)
    saver = meta.proto.saver_def
    walk.from_main([meta.init_op] if meta.init_op else [], INIT)
    walk.from_main([saver.restore_op_name] if saver.restore_op_name else [], RESTORE)
    walk.from_objects()
    if signature_keys is None:
        walk.from_callables()
        walk.from_main([saver.save_tensor_name] if saver.save_tensor_name else [], SAVE)
        walk.the_rest()
    return walk


def on_denylist(meta: MetaGraph, denylist: Collection[str]) -> list[Danger]:
    """Every node of the main graph and of all functions whose op is on a list, whoever reaches it."""
    found = []
    places: list[tuple[tuple[str, ...], Iterable[Message]]] = [((), meta.nodes.values())]
    places += [((name,), function.node_def) for name, function in meta.functions.items()]
    for path, nodes in places:
        for node in nodes:
            if node.op in denylist:
                tier, why = classify(node, meta.functions) or ("code", "is on the list")
                found.append(Danger(node.op, tier, why, node.name, path, ()))
    return found


@dataclass(frozen=True, slots=True)
class _Body:
    """What counts of the main graph or of a function: its suspects, and the nodes that call something."""

    nodes: Mapping[str, Message]
    suspects: tuple[Message, ...]
    callers: tuple[tuple[Message, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class _Way:
    """The functions on the way to a body, from the inside out: shared, because ways can be as long as a library."""

    name: str
    above: _Way | None = None

    def names(self) -> tuple[str, ...]:
        """From the outside in; of a long way the end only."""
        found: list[str] = []
        way: _Way | None = self
        while way is not None and len(found) < _MAX_SHOWN:
            found.append(way.name)
            way = way.above
        return (*(("…",) if way is not None else ()), *reversed(found))


Trusted = frozenset[str]
"""Names in a body that are paths of the model's own files."""


class _Walk:
    """Collects dangers from several starting points; the same node found again gains a signature."""

    def __init__(self, meta: MetaGraph) -> None:
        self.meta = meta
        self.functions = meta.functions
        self.adjacency = Adjacency(meta.nodes)
        self.found: dict[tuple[str, str], Danger] = {}
        self.excused: dict[tuple[str, str], Danger] = {}
        self._bodies: dict[str, _Body] = {}
        self._plain: dict[str, frozenset[str] | None] = {}
        self._holds: dict[str, bool] = {}

    def all(self) -> list[Danger]:
        """Dangers, then those that are excused wherever they are reached."""
        excused = [danger for place, danger in self.excused.items() if place not in self.found]
        return [*self.found.values(), *excused]

    # -- what there is

    @cached_property
    def main(self) -> _Body:
        """The main graph."""
        return self._read(self.meta.nodes, self.meta.graph.node)

    def body(self, name: str) -> _Body:
        """A function of the library."""
        if name not in self._bodies:
            nodes = self.functions[name].node_def
            self._bodies[name] = self._read({node.name: node for node in nodes}, nodes)
        return self._bodies[name]

    def _read(self, by_name: Mapping[str, Message], nodes: Iterable[Message]) -> _Body:
        suspects, callers = [], []
        for node in nodes:
            op = node.op
            if op not in self._plain:
                self._plain[op] = _declared(op) if op not in self.functions else None
            declared = self._plain[op]
            if declared is not None and all(name in declared or name[:1] == "_" for name in node.attr):
                continue
            if classify(node, self.functions) is not None:
                suspects.append(node)
            called = self._called(node)
            if called:
                callers.append((node, called))
        return _Body(by_name, tuple(suspects), tuple(callers))

    def _called(self, node: Message) -> tuple[str, ...]:
        """What a node may run: what it names, and what TensorFlow may put in its place."""
        named = [name for _, name in calls(node, self.functions)]
        if not named:
            return ()
        if node.op == "SymbolicGradient":
            named += [gradient for name in named for gradient in self._gradients.get(name, ())]
        swapped = [other for name in named for other in self._swapped.get(name, ())]
        return tuple(dict.fromkeys([*named, *swapped]))

    @cached_property
    def _gradients(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for entry in self.meta.graph.library.gradient:
            if entry.gradient_func in self.functions:
                found.setdefault(entry.function_name, []).append(entry.gradient_func)
        return found

    @cached_property
    def _swapped(self) -> dict[str, list[str]]:
        """Functions that implement the same: grappler's implementation selector calls the one that fits the device."""
        groups: dict[bytes, list[str]] = {}
        for name, function in self.functions.items():
            if _SWAPPED in function.attr:
                groups.setdefault(function.attr[_SWAPPED].s, []).append(name)
        return {name: group for group in groups.values() if len(group) > 1 for name in group}

    @cached_property
    def _own_assets(self) -> frozenset[str]:
        """Nodes of the main graph that the loader feeds with an asset's path when it runs the init op."""
        return frozenset(input_node(asset.tensor) for asset in self.meta.assets if asset.problem is None)

    @cached_property
    def _path_variables(self) -> dict[str, frozenset[str]]:
        """Variables that hold an asset's path, with the nodes that put it there: the init op's, and tables read it."""
        found = {}
        nodes = self.meta.nodes
        for name, node in nodes.items() if self._own_assets else ():
            if node.op != "VarHandleOp":
                continue
            users = [nodes[user] for user, _ in self.adjacency.consumers(name)]
            assigning = [user for user in users if user.op == "AssignVariableOp" and len(user.input) > 1]
            only_path = assigning and all(user.op in _HOLDS_PATH for user in users)
            if only_path and all(_leads_to(user.input[1], nodes, self._own_assets) for user in assigning):
                found[name] = frozenset(user.name for user in assigning)
        return found

    def _trusted(self, label: str | None, reached: Collection[str]) -> Trusted:
        """The nodes of the main graph that hold paths of the model's own files, while `label` runs.

        Only the init op is fed with the paths of assets, and only the saver with that of the checkpoint: whoever else
        reads such a constant gets what is written in it. A variable has what the init op put into it.
        """
        kept = {
            name
            for name, assigning in self._path_variables.items()
            if label in (INIT, None) or not assigning & set(reached)
        }
        if label in (INIT, None):
            kept |= self._own_assets
        if label in (RESTORE, SAVE, None):
            kept.add(input_node(self.meta.proto.saver_def.filename_tensor_name))
        return frozenset(kept)

    # -- where it starts

    def from_main(self, starts: Iterable[str], label: str) -> None:
        """What some tensors or nodes of the main graph depend on."""
        main = self.main
        if not main.suspects and not any(self._holds_any(called) for _, called in main.callers):
            return
        reached = self.adjacency.ancestors([input_node(name) for name in starts])
        part = _Body(
            main.nodes,
            tuple(node for node in main.suspects if node.name in reached),
            tuple((node, called) for node, called in main.callers if node.name in reached),
        )
        self._visit(part, self._trusted(label, reached), None, label)

    def from_loaded_signature(self, key: str) -> None:
        """The function that `tf.saved_model.load` takes for a signature; nothing ties it to the main graph's nodes."""
        objects = self.meta.objects
        root = objects.child([SIGNATURES_CHILD]) if objects is not None else None
        if objects is None or root is None:
            return
        number = objects.children[root].get(key)
        if number is not None:
            self._from_object(number, key)

    def from_objects(self) -> None:
        """The functions that make, fill and restore objects: `tf.saved_model.load` calls them."""
        objects = self.meta.objects
        if objects is None:
            return
        for number, node in enumerate(objects.nodes):
            if node.HasField("resource"):
                for child in objects.children[number].values():
                    self._from_object(child, LOAD)
            for name in node.saveable_objects:
                restoring = node.saveable_objects[name].restore_function
                if 0 < restoring < len(objects.nodes):
                    self._from_object(restoring, LOAD)

    def from_callables(self) -> None:
        """The functions that Python can call on a loaded model."""
        for found in self.meta.callables if self.meta.objects is not None else ():
            for variant in found.variants:
                self.from_function(variant.function, found.path)

    def the_rest(self) -> None:
        """What nothing reached: nodes of the main graph and functions of the library."""
        self._own(self.main, self._trusted(None, ()), None, None)
        for name in self.functions:
            self._own(self.body(name), frozenset(), _Way(name), None)

    def _from_object(self, number: int, label: str) -> None:
        objects = self.meta.objects
        assert objects is not None
        node = objects.nodes[number]
        names = list(node.function.concrete_functions)
        if node.HasField("bare_concrete_function"):
            names.append(node.bare_concrete_function.concrete_function_name)
        for name in names:
            self.from_function(name, label)

    def from_function(self, name: str, label: str) -> None:
        """What a concrete function reaches."""
        objects = self.meta.objects
        if objects is None or name not in self.functions or not self._holds_any((name,)):
            return
        concrete = objects.proto.concrete_functions
        bound = self._bound_assets(name, concrete[name]) if name in concrete else frozenset()
        for one in (name, *self._swapped.get(name, ())):
            self._visit(self.body(one), bound if one == name else frozenset(), _Way(one), label)

    def _bound_assets(self, name: str, concrete: Message) -> Trusted:
        """The arguments of a concrete function that are bound to assets."""
        nodes = self.meta.proto.object_graph_def.nodes
        args = [arg.name for arg in self.functions[name].signature.input_arg]
        bound = list(concrete.bound_inputs)
        pairs = zip(args[len(args) - len(bound) :], bound, strict=False)
        return frozenset(arg for arg, node in pairs if 0 <= node < len(nodes) and self._is_own(nodes[node]))

    def _is_own(self, node: Message) -> bool:
        """Whether an object is an asset that lies in the model's folder."""
        if not node.HasField("asset"):
            return False
        files, position = self.meta.proto.asset_file_def, node.asset.asset_file_def_index
        return 0 <= position < len(files) and self.meta.assets[position].problem is None

    # -- how it goes on

    def _holds_any(self, names: Iterable[str]) -> bool:
        """Whether anything under some functions is a suspect; each function is looked at once."""
        names = list(names)
        fresh = [name for name in names if name not in self._holds]
        if fresh:
            self._look_into(fresh)
        return any(self._holds[name] for name in names)

    def _look_into(self, names: list[str]) -> None:
        """Finds for functions, and all under them, whether a suspect is reached: back from those that have one."""
        seen, todo = dict.fromkeys(names), list(names)
        callers: dict[str, list[str]] = {}
        dirty = []
        while todo:
            name = todo.pop()
            body = self.body(name)
            called = [one for _, listed in body.callers for one in listed]
            if body.suspects or any(self._holds.get(one) for one in called):
                dirty.append(name)
            for one in called:
                callers.setdefault(one, []).append(name)
                if one not in seen and one not in self._holds:
                    seen[one] = None
                    todo.append(one)
        found = set(dirty)
        while dirty:
            above = [name for name in callers.get(dirty.pop(), ()) if name not in found]
            found.update(above)
            dirty += above
        self._holds |= {name: name in found for name in seen}

    def _visit(self, body: _Body, trusted: Trusted, way: _Way | None, label: str) -> None:
        """A body and all functions under it, each once for a set of trusted arguments."""
        done: set[tuple[str, Trusted]] = set()
        todo = [(body, trusted, way)]
        while todo:
            body, trusted, way = todo.pop()
            self._own(body, trusted, way, label)
            for node, called in body.callers:
                for name in called:
                    if not self._holds_any((name,)):
                        continue
                    args: Trusted = frozenset()
                    if (
                        len(done) < _MAX_VISITS
                    ):  # beyond, nothing is trusted, and each function comes once more
                        pairs = zip(self.functions[name].signature.input_arg, node.input, strict=False)
                        args = frozenset(
                            arg.name for arg, entry in pairs if _leads_to(entry, body.nodes, trusted)
                        )
                    if (name, args) not in done:
                        done.add((name, args))
                        todo.append((self.body(name), args, _Way(name, way)))

    def _own(self, body: _Body, trusted: Trusted, way: _Way | None, label: str | None) -> None:
        for node in body.suspects:
            verdict = classify(node, self.functions)
            if verdict is None or _is_in_memory(node, body.nodes):
                continue
            place = (way.name if way is not None else "", node.name)
            excuse = _excuse(node, body.nodes, trusted, label)
            if label is None and (place in self.excused or place in self.found):
                continue
            into = self.found if excuse is None else self.excused
            known = into.get(place)
            labels = () if label is None else (label,)
            if known is None:
                path = way.names() if way is not None else ()
                into[place] = Danger(node.op, *verdict, node.name, path, labels, excuse)
            elif label is not None and label not in known.signatures:
                into[place] = replace(known, signatures=(*known.signatures, label))


def _declared(op: str) -> frozenset[str] | None:
    """The attrs of an op that is harmless and calls no function; None for all others.

    Most nodes are of such an op, and need no closer look unless they have an attr that is not its own.
    """
    op_def = optable.lookup(op)
    if op in VERDICTS or op_def is None or any(attr.type in ("func", "list(func)") for attr in op_def.attr):
        return None
    return frozenset(attr.name for attr in op_def.attr)


def _excuse(node: Message, nodes: Mapping[str, Message], trusted: Trusted, label: str | None) -> str | None:
    """Why a suspect is what it should be: the saver's own, or something that reads an asset."""
    if label == SAVE and node.op in SAVER_WRITES:
        return SAVERS_OWN
    if label is None and (node.op in SAVER_WRITES or node.op in SAVER_READS):
        return OTHER_SAVERS
    position = SAVER_READS.get(node.op) if label in (RESTORE, SAVE) else None
    if position is not None and _leads_to(_entry(node, position), nodes, trusted):
        return SAVERS_OWN
    position = READS_ASSET.get(node.op)
    if position is not None and label not in (RESTORE, SAVE):
        return OWN_ASSET if _leads_to(_entry(node, position), nodes, trusted) else None
    return None


def _is_in_memory(node: Message, nodes: Mapping[str, Message]) -> bool:
    """Whether it is a dataset cached in memory: its file name is an empty constant."""
    if node.op not in _CACHE or len(node.input) < 2:
        return False
    names = list(_trail(node.input[1], nodes))
    origin = nodes.get(names[-1]) if names else None
    return origin is not None and origin.op == "Const" and not any(const_strings(origin).values)


def _entry(node: Message, position: int) -> str:
    return str(node.input[position]) if position < len(node.input) else "^"


def _leads_to(entry: str, nodes: Mapping[str, Message], names: Collection[str]) -> bool:
    """Whether an input is one of these nodes, or goes back to it through Identity and its like."""
    return bool(names) and any(name in names for name in _trail(entry, nodes))


def _trail(entry: str, nodes: Mapping[str, Message]) -> Iterator[str]:
    """The names an input goes back to through Identity and its like, nearest first."""
    for _ in range(_MAX_TRAIL):
        if entry.startswith("^"):
            return
        name = input_node(entry)
        yield name
        node = nodes.get(name)
        if node is None or node.op not in _PASS or not node.input:
            return
        entry = node.input[0]


def tell(found: Sequence[Danger], who: str = "The model") -> str:
    """Some dangers as a sentence, the first three ops by name; empty if there are none."""
    if not found:
        return ""
    by_op: dict[tuple[str, str], list[Danger]] = {}
    for danger in found:
        by_op.setdefault((danger.op, danger.why), []).append(danger)
    listed = []
    for (op, why), places in list(by_op.items())[:3]:
        more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
        listed.append(f"{show(op)} at {show('::'.join((*places[0].path, places[0].node)))}{more} {why}")
    rest = f"; and {len(by_op) - 3} more ops" if len(by_op) > 3 else ""
    return f"{who} reaches ops that do more than compute: {'; '.join(listed)}{rest}."
