"""A model in five parts: what it is, its path, its variables, its loading, the rest of its nodes."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.describe.text import size
from workbench.explaining.explanation import Explanation, Line, Section, section
from workbench.explaining.paths.path import follow
from workbench.explaining.paths.step import phrases
from workbench.explaining.roles import (
    GRADIENT,
    INIT,
    INITIALISER,
    OTHER,
    READ,
    REST,
    SAVER,
    SIGNATURE,
    TABLE,
    Roles,
    roles_of,
)
from workbench.explaining.view import View, listed, quoted, shortly, variable_type
from workbench.graph.reach import ancestors
from workbench.model import shapes
from workbench.model.op_classes import FILLS, FILLS_FROM_FILE, HASH_TABLES, REF_TABLES, RESOURCE_TABLES
from workbench.model.signature import Port, Signature
from workbench.names import count, input_node

_TABLES = RESOURCE_TABLES | REF_TABLES | HASH_TABLES
_SIGNATURES = 6
_ROLES = {
    SIGNATURE: ("node computes", "nodes compute", ""),
    INIT: ("node belongs", "nodes belong", " to the init op"),
    SAVER: ("node belongs", "nodes belong", " to the saver, which writes and reads checkpoints"),
    TABLE: ("node belongs", "nodes belong", " to tables and what fills them"),
    INITIALISER: (
        "node belongs",
        "nodes belong",
        " to initialisers, which set variables before training; loading does not run them",
    ),
    READ: (
        "node reads a variable or asks whether it has a value",
        "nodes read variables or ask whether they have values",
        ", and nothing here uses the answer",
    ),
    GRADIENT: ("node belongs", "nodes belong", " to gradients, left from training"),
    OTHER: ("node belongs", "nodes belong", " to other signatures only"),
    REST: ("node is", "nodes are", " needed by no signature, saver or init op"),
}


def explain_model(view: View, path: str) -> Explanation:
    """Return the explanation of a whole model.

    Args:
        view: the model.
        path: where it is, as the subject.
    """
    return Explanation(
        path,
        "model",
        _what(view),
        tuple(
            one
            for one in (
                _signatures(view),
                _path(view),
                section("Variables", *_variables(view)),
                section("Loading", *_loading(view)),
                section("All nodes", *_rest(view)),
            )
            if one.lines
        ),
    )


def port(one: Port) -> str:
    """Return an input or output as a sentence names it: `` `x` (float32 [?,784])``."""
    return f"{quoted(one.key)} ({shapes.typed(one.dtype, one.shape)})"


def takes_and_gives(signature: Signature) -> str:
    """Return what a signature takes and returns, as the rest of a sentence."""
    inputs = shortly([port(one) for one in signature.inputs.values()]) or "no input"
    outputs = shortly([port(one) for one in signature.outputs.values()]) or "nothing"
    return f"takes {inputs} and returns {outputs}"


def format_of(view: View) -> str:
    """Return the format of a model, as a sentence names it."""
    if view.meta.format == "graphdef":
        return "a GraphDef: a graph alone, without signatures, checkpoint or assets of its own"
    if view.meta.has_object_graph:
        return (
            "a SavedModel in TF2 format: a graph, and a description of the Python objects it was saved from"
        )
    return "a SavedModel in TF1 format: one graph, without objects"


def _what(view: View) -> str:
    meta = view.meta
    functions = f" and {count(len(meta.functions), 'function')}" if meta.functions else ""
    head = f"This is {format_of(view)}. It has {count(len(meta.nodes), 'node')}{functions}."
    shown = meta.shown_signatures
    if view.signature is None:
        if meta.callables:
            return f"{head} It has no signature, so only its callables can be called."
        return f"{head} It has no signature: tensors can be fed and fetched by name only."
    first = f"The signature {quoted(view.signature.key)} {takes_and_gives(view.signature)}."
    if meta.format == "graphdef":
        first = f"It {takes_and_gives(view.signature)}: its placeholders, and the outputs that nothing uses."
    more = f" There are {count(len(shown), 'signature')} in all." if len(shown) > 1 else ""
    return f"{head} {first}{more}"


def _signatures(view: View) -> Section:
    shown = list(view.meta.shown_signatures.values())
    if len(shown) < 2:
        return section("Signatures")
    lines = [Line(f"{quoted(one.key)} {takes_and_gives(one)}.", one.key) for one in shown[:_SIGNATURES]]
    if len(shown) > _SIGNATURES:
        lines.append(
            Line(f"{count(len(shown) - _SIGNATURES, 'more', 'more')}: workbench inspect lists them.")
        )
    return section("Signatures", *lines)


def _path(view: View) -> Section:
    if view.signature is None:
        return section("From input to output")
    return section("From input to output", *path_lines(view, view.signature))


def path_lines(view: View, signature: Signature) -> Iterator[Line]:
    """Yield what happens to the inputs of a signature, a line for each phrase."""
    found, depends = follow(view, signature)
    steps = list(phrases(found))
    if not depends:
        yield Line("The outputs do not depend on the values of the inputs, at most on their shapes.")
    elif not steps:
        yield Line("The outputs are the inputs, passed on.")
    for number, (text, address) in enumerate(steps, 1):
        yield Line(f"{number}. {text}", address)


def _variables(view: View) -> Iterator[Line]:
    counts, variables = view.meta.variable_counts, view.meta.variables
    if not variables:
        yield Line(
            "It has no variables: every number that it needs is a constant in the graph.", "term:variable"
        )
        return
    stored = f", {size(counts.nbytes)}" if counts.nbytes is not None else ""
    notes = f"; {', '.join(counts.notes)}" if counts.notes else ""
    where = " in the checkpoint" if counts.restored else ""
    yield Line(f"{count(counts.number, 'variable')}{where}{stored}{notes}.", "term:variable")
    largest = max(variables, key=lambda one: one.nbytes or 0)
    if len(variables) > 1 and largest.nbytes:
        yield Line(
            f"The largest is {quoted(largest.name)} {variable_type(largest)}, {size(largest.nbytes)}.",
            largest.name,
        )


def _loading(view: View) -> Iterator[Line]:
    meta, counts = view.meta, view.meta.variable_counts
    fills = [name for name, node in meta.nodes.items() if node.op in FILLS]
    restore = input_node(meta.proto.saver_def.restore_op_name)
    if restore not in meta.nodes and not (counts.number or meta.init_ops or fills or meta.assets):
        yield Line(
            "Loading only reads the graph: there is no variable to restore, no init op and no table to fill."
        )
        return
    if restore in meta.nodes:
        number = sum(variable.key is not None for variable in meta.variables)
        what = (
            f"which reads {count(number, 'variable')} from the checkpoint"
            if number
            else "which has no variable to read"
        )
        who = "A v1 Session" if meta.has_object_graph else "Loading"
        yield Line(f"{who} runs the restore op {quoted(restore)}, {what}.", restore)
        if meta.has_object_graph and counts.number:
            yield Line(
                "tf.saved_model.load reads the values by the object graph instead.", "term:object graph"
            )
    elif counts.number and counts.restored and meta.has_object_graph:
        yield Line("tf.saved_model.load reads the variables by the object graph.", "term:object graph")
    elif counts.number:
        yield Line("It has no restore op: nothing reads its variables from a checkpoint.")
    yield from _init(view)
    for name in fills[:_SIGNATURES]:
        yield Line(filled(view, name), name)
    for name in sorted(roles_of(view).init_functions)[:_SIGNATURES]:
        if any(node.op in FILLS for node in meta.functions[name].node_def):
            yield Line(
                f"The init op calls the function {quoted(name)}, which fills a table.", f"function:{name}"
            )
    if meta.assets:
        yield Line(
            f"Asset files: {shortly([quoted(one.filename) for one in meta.assets])}. The loader gives their paths to "
            "the graph.",
            "term:asset",
        )


def _init(view: View) -> Iterator[Line]:
    meta = view.meta
    if meta.init_op is None:
        if meta.implicit_init:
            yield Line(
                f"It has no init op. tf.saved_model.load runs {count(len(meta.implicit_init), 'initialiser')} of local "
                "variables and tables; a v1 Session leaves them to its user.",
                "term:init op",
            )
        else:
            yield Line("It has no init op: nothing else is run.", "term:init op")
        return
    waits = ancestors(meta.nodes, [meta.init_op]) - {meta.init_op}
    instead = (
        " tf.saved_model.load calls the initialisers of the objects instead." if meta.has_object_graph else ""
    )
    if waits:
        yield Line(
            f"After restoring, the init op {quoted(meta.init_op)} runs once, with {count(len(waits), 'node')} "
            f"that it needs.{instead}",
            meta.init_op,
        )
    else:
        yield Line(
            f"The init op {quoted(meta.init_op)} needs no other node, so it does nothing.", meta.init_op
        )


def filled(view: View, name: str) -> str:
    """Return what an initialiser of a table does, as a sentence."""
    meta = view.meta
    node = meta.nodes[name]
    table = quoted(input_node(node.input[0])) if node.input else "a table"
    if node.op in FILLS_FROM_FILE and len(node.input) > 1:
        behind = ancestors(meta.nodes, [node.input[1]])
        files = [one.filename for one in meta.assets if input_node(one.tensor) in behind]
        source = f"the asset {quoted(files[0])}" if files else "a file"
        return f"{quoted(name)} fills the table {table} from {source}."
    return f"{quoted(name)} fills the table {table} from tensors."


def _rest(view: View) -> Iterator[Line]:
    roles = roles_of(view)
    key = view.signature.key if view.signature is not None else None
    for role, own in roles.partition(key).items():
        one, many, what = _ROLES[role]
        told = f"{count(len(own), one, many)}{what}"
        if role == SIGNATURE:
            yield Line(f"{told} {quoted(key or '')}.", key)
            continue
        shown = (_saver_ops(view) if role == SAVER else []) or own
        yield Line(f"{told}: {_examples(shown, len(own))}.", shown[0])
    if view.meta.functions:
        yield from _functions(view, roles, key)


def _examples(shown: list[str], number: int) -> str:
    names = [quoted(name) for name in shown[:2]]
    return listed(names) if number <= len(names) else f"{', '.join(names)}, …"


def _saver_ops(view: View) -> list[str]:
    """Return the save op and the restore op."""
    saver = view.meta.proto.saver_def
    names = [input_node(saver.save_tensor_name), input_node(saver.restore_op_name)]
    return [name for name in names if name in view.meta.nodes]


def _functions(view: View, roles: Roles, key: str | None) -> Iterator[Line]:
    left = set(view.meta.functions)
    groups: list[tuple[str, set[str]]] = []
    if key is not None:
        groups.append((f"to {quoted(key)}", roles.functions(roles.signatures.get(key, ()))))
    others = [nodes for other, nodes in roles.signatures.items() if other != key]
    groups += [
        ("to other signatures only", roles.functions(frozenset().union(*others))),
        ("to the saver", roles.functions(roles.saver)),
        ("to the init op", roles.functions(roles.init)),
    ]
    told = []
    for what, found in groups:
        own = found & left
        left -= own
        if own:
            told.append(f"{len(own):,} {'belongs' if len(own) == 1 else 'belong'} {what}")
    if left:
        told.append(
            f"{len(left):,} {'is' if len(left) == 1 else 'are'} used by callables only, or by nothing"
        )
    yield Line(f"Of {count(len(view.meta.functions), 'function')}, {listed(told)}.", "term:function")
