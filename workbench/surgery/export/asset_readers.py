"""Whether asset paths are only read from, or may lead to files beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from workbench import names
from workbench.checks.unsafe.ops import READS_ASSET
from workbench.disk.schema import NodeDef, SavedConcreteFunction
from workbench.graph.functions import calls
from workbench.model.op_classes import ASSIGNS, CALLS, STORED_VALUE
from workbench.surgery.imported import ImportedModel

_NOTHING = frozenset({("AssignVariableOp", 0), ("Assign", 0), ("VarIsInitializedOp", 0)})
_MAIN = ""


def only_read(part: ImportedModel) -> bool:
    """Return whether the paths of kept assets go only to ops that read the file.

    Followed through Identity and its like, through variables and into plain calls: in the main graph and, for the
    functions of objects, from the captures that are assets. Whatever else takes a path may compute another from it.
    """
    kept = [part.meta.nodes[name] for name in part.kept if name in part.meta.nodes]  # as the source has them
    library = {name: part.function(name) for name in part.functions}
    consumers: dict[str, dict[str, list[tuple[NodeDef, int]]]] = {_MAIN: _consumers(kept)}
    arguments: dict[str, list[str]] = {}

    def body(name: str) -> dict[str, list[tuple[NodeDef, int]]]:
        if name not in consumers:
            function = library[name]
            consumers[name] = _consumers(function.node_def)
            arguments[name] = [arg.name for arg in function.signature.input_arg]
            for given in function.ret.values():
                consumers[name].setdefault(given.partition(":")[0], []).append((NodeDef(), -1))
        return consumers[name]

    queue = [(_MAIN, names.input_node(asset.tensor)) for asset in part.meta.assets]
    if any(names.input_node(tensor) == name for tensor in part.exported for _, name in queue):
        return False
    for name, position in _captured(part):
        body(name)
        queue += ((name, arg) for arg in arguments[name][position : position + 1])
    seen: set[tuple[str, str]] = set()
    while queue:
        place, name = queue.pop()
        if (place, name) in seen:
            continue
        seen.add((place, name))
        for node, position in body(place).get(name, ()):
            if position < 0:
                return False
            if node.op in READS_ASSET and READS_ASSET[node.op] == position:
                continue
            if (node.op, position) in _NOTHING:
                continue
            inner = calls(node, library)
            if node.op in STORED_VALUE:
                queue.append((place, node.name))
            elif node.op in ASSIGNS and position == 1:  # TensorFlow keeps an asset's path in a variable
                queue.append((place, node.input[0].partition(":")[0]))
            elif (node.op in CALLS or node.op in library) and len(inner) == 1:
                called = inner[0][1]
                body(called)
                queue += ((called, arg) for arg in arguments[called][position : position + 1])
            else:
                return False
    return True


def _consumers(nodes: Iterable[NodeDef]) -> dict[str, list[tuple[NodeDef, int]]]:
    """Return the consumers of each node or argument, with the data input used."""
    found: dict[str, list[tuple[NodeDef, int]]] = {}
    for node in nodes:
        data = (text for text in node.input if not text.startswith("^"))
        for position, text in enumerate(data):
            found.setdefault(text.partition(":")[0], []).append((node, position))
    return found


def _captured(part: ImportedModel) -> Iterable[tuple[str, int]]:
    """Yield the functions that capture an asset, with the argument's position."""
    objects = part.meta.objects
    if objects is None:
        return
    concrete: Mapping[str, SavedConcreteFunction] = part.meta.beside.object_graph_def.concrete_functions
    for name in sorted(set(concrete) & set(part.functions)):
        bound = concrete[name].bound_inputs
        first = len(part.function(name).signature.input_arg) - len(bound)
        for at, number in enumerate(bound):
            if 0 <= number < len(objects.nodes) and objects.nodes[number].HasField("asset") and first >= 0:
                yield name, first + at
