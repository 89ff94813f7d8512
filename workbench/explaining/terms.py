"""A term of the glossary, and where the thing is in a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from workbench.describe.text import size
from workbench.disk import dtypes
from workbench.errors import UnknownName
from workbench.explaining.explanation import Explanation, Line, section
from workbench.explaining.models import format_of, takes_and_gives
from workbench.explaining.texts.glossary import GLOSSARY
from workbench.explaining.view import View, listed, quoted, shortly, variable_type
from workbench.model import shapes
from workbench.model.op_classes import PLACEHOLDERS, REF_TABLES, RESOURCE_TABLES
from workbench.names import count, did_you_mean, input_node, is_control, show

_SHOWN = 5


def explain_term(term: str, view: View | None = None, path: str = "") -> Explanation:
    """Return what a term means, and where the thing is in a model.

    Args:
        term: a term of the glossary; case does not matter.
        view: the model, or None.
        path: the name of the model for the title.

    Raises:
        UnknownName: the glossary has no such term.
    """
    name = _named(term)
    if name is None:
        raise UnknownName(
            f"The glossary has no term {show(term)!r}.",
            hint=did_you_mean(term, GLOSSARY, noun="terms", limit=30),
        )
    sections = () if view is None else (section(f"In {show(path)}", *_lines(view, name)),)
    return Explanation(f"term:{name}", "term", GLOSSARY[name], sections)


def _named(term: str) -> str | None:
    """Return the term of the glossary for a word: case, a plural or a part such as `TF1` do not matter."""
    known = {name.lower(): name for name in GLOSSARY}
    said = " ".join(term.lower().replace("_", " ").replace("-", " ").split())
    for one in (said, said.removesuffix("s")):
        if one in known:
            return known[one]
    parts = [name for name in GLOSSARY if set(said.split()) <= set(name.lower().split())]
    return parts[0] if said and len(parts) == 1 else None


def explain_terms() -> Explanation:
    """Return a list of all terms."""
    lines = [
        Line(f"{term}: {text.partition('. ')[0].rstrip('.')}.", f"term:{term}")
        for term, text in GLOSSARY.items()
    ]
    return Explanation(
        "terms", "term", f"The glossary has {count(len(GLOSSARY), 'term')}.", (section("Terms", *lines),)
    )


def _lines(view: View, term: str) -> list[Line]:
    found = list(islice(_WHERE[term](view), _SHOWN + 1))
    if not found:
        return [Line("This model has none.")]
    return [*found[:_SHOWN], *([Line("… and more")] if len(found) > _SHOWN else [])]


def _nodes(view: View) -> Iterator[Line]:
    nodes = view.meta.nodes
    inside = sum(view.meta.function_sizes.values())
    more = f", and {inside:,} in functions" if inside else ""
    yield Line(f"{count(len(nodes), 'node')} in the main graph{more}.")
    yield from (Line(f"{quoted(name)} ({show(node.op)})", name) for name, node in islice(nodes.items(), 3))


def _ops(view: View) -> Iterator[Line]:
    yield Line(f"{count(len(view.meta.ops), 'op')}, functions included.")
    yield from (
        Line(f"{show(op)}, {count(number, 'node')}", f"op:{op}")
        for op, number in view.meta.ops.most_common(4)
    )


def _scopes(view: View) -> Iterator[Line]:
    bodies = [view.meta.nodes, *(view.meta.function_nodes(one) for one in view.meta.functions.values())]
    found = Counter(name.partition("/")[0] for nodes in bodies for name in nodes if "/" in name)
    yield from (
        Line(f"{quoted(f'{scope}/')}, {count(number, 'node')}, functions included")
        for scope, number in found.most_common()
    )


def _ports(view: View) -> Iterator[Line]:
    for signature in view.meta.shown_signatures.values():
        for port in (*signature.inputs.values(), *signature.outputs.values()):
            if port.tensor:
                yield Line(f"{quoted(port.tensor)} is {shapes.typed(port.dtype, port.shape)}.", port.tensor)


def _dtypes(view: View) -> Iterator[Line]:
    found: dict[str, str] = {}
    for name, node in view.meta.nodes.items():
        for number in view.meta.output_types(node) or ():
            found.setdefault(dtypes.name(dtypes.base(number)), name)
    yield from (Line(f"{dtype}: {quoted(name)}", name) for dtype, name in found.items())


def _of_ops(*ops: str) -> Callable[[View], Iterator[Line]]:
    def found(view: View) -> Iterator[Line]:
        for name, node in view.meta.nodes.items():
            if node.op in ops:
                tensor = view.meta.tensor(name)
                typed = f", {shapes.typed(tensor.dtype, tensor.shape)}" if tensor is not None else ""
                yield Line(f"{quoted(name)} ({show(node.op)}){typed}", name)
        if ops == ("Const",):
            for function in view.meta.functions.values():
                number = sum(node.op in ops for node in function.node_def)
                if number:
                    name = function.signature.name
                    yield Line(f"{number:,} in the function {quoted(name)}", f"function:{name}")

    return found


def _variables(view: View) -> Iterator[Line]:
    for one in view.meta.variables:
        stored = f", {size(one.nbytes)}" if one.nbytes is not None else ""
        yield Line(f"{quoted(one.name)} {variable_type(one)}{stored}", one.name)


def _functions(view: View) -> Iterator[Line]:
    for name, number in view.meta.function_sizes.items():
        yield Line(f"{quoted(name)}, {count(number, 'node')}", f"function:{name}")


def _captures(view: View) -> Iterator[Line]:
    for callable_ in view.meta.callables:
        for variant in callable_.variants:
            function = view.meta.functions.get(variant.function)
            if not variant.captures or function is None:
                continue
            arguments = [arg.name for arg in function.signature.input_arg][-variant.captures :]
            yield Line(
                f"{quoted(callable_.path)} captures {count(variant.captures, 'value')}: the arguments "
                f"{shortly([quoted(name) for name in arguments])} of {quoted(variant.function)}.",
                f"function:{variant.function}",
            )


def _control_edges(view: View) -> Iterator[Line]:
    bodies = [
        ("", view.meta.nodes.values()),
        *((one.signature.name, one.node_def) for one in view.meta.functions.values()),
    ]
    for function, nodes in bodies:
        for node in nodes:
            waits = [quoted(input_node(entry)) for entry in node.input if is_control(entry)]
            if waits:
                where = f" in the function {quoted(function)}" if function else ""
                link = f"{function}::{node.name}" if function else node.name
                yield Line(f"{quoted(node.name)}{where} waits for {shortly(waits)}.", link)


def _signatures(view: View) -> Iterator[Line]:
    for one in view.meta.shown_signatures.values():
        yield Line(f"{quoted(one.key)} {takes_and_gives(one)}.", one.key)


def _tag_set(view: View) -> Iterator[Line]:
    if view.meta.tags:
        yield Line(f"This MetaGraph has the tag set {show(view.meta.tags_text)}.")


def _meta_graph(view: View) -> Iterator[Line]:
    if view.meta.format == "graphdef":
        yield Line("This model is a GraphDef: a graph without what a MetaGraph has beside it.")
    else:
        yield Line(
            f"The MetaGraph {show(view.meta.tags_text) or 'without tags'} has {count(len(view.meta.nodes), 'node')} "
            f"and {count(len(view.meta.shown_signatures), 'signature')}."
        )


def _checkpoint(view: View) -> Iterator[Line]:
    for one in view.meta.variables:
        if one.key is not None:
            yield Line(
                f"The key {quoted(one.key)} holds the value of the variable {quoted(one.name)}.", one.name
            )


def _shards(view: View) -> Iterator[Line]:
    shards: dict[int, int] = {}
    for one in view.meta.variables:
        if one.shard is not None:
            shards[one.shard] = shards.get(one.shard, 0) + 1
    yield from (
        Line(f"Data file {shard} holds {count(number, 'variable')}.")
        for shard, number in sorted(shards.items())
    )


def _assets(view: View) -> Iterator[Line]:
    for one in view.meta.assets:
        yield Line(f"{quoted(one.filename)}; its path is given to {quoted(one.tensor)}.", one.tensor)


def _saver(view: View) -> Iterator[Line]:
    saver = view.meta.proto.saver_def
    for what, tensor in (
        ("The save op", saver.save_tensor_name),
        ("The restore op", saver.restore_op_name),
        ("The path", saver.filename_tensor_name),
    ):
        if input_node(tensor) in view.meta.nodes:
            yield Line(f"{what} is {quoted(tensor)}.", input_node(tensor))


def _format(view: View) -> Iterator[Line]:
    yield Line(f"This is {format_of(view)}.")


def _init_op(view: View) -> Iterator[Line]:
    if view.meta.init_op is not None and view.meta.init_op in view.meta.nodes:
        yield Line(f"It is {quoted(view.meta.init_op)}.", view.meta.init_op)


def _objects(view: View) -> Iterator[Line]:
    objects = view.meta.objects
    if objects is None:
        return
    yield Line(f"It has {count(len(objects.proto.nodes), 'object')}.")
    children = [quoted(name) for name in objects.children[0]]
    if children:
        yield Line(f"The root has the attributes {shortly(children, 8)}.")


def _callables(view: View) -> Iterator[Line]:
    for one in view.meta.callables:
        for variant in one.variants:
            results = listed([shapes.typed(spec.dtype, spec.shape) for spec in variant.outputs[:4]])
            yield Line(
                f"{quoted(one.path)} takes ({show(variant.arguments)}) and returns {results or 'nothing'}.",
                f"function:{variant.function}" if variant.function in view.meta.functions else None,
            )


_WHERE: Mapping[str, Callable[[View], Iterator[Line]]] = {
    "node": _nodes,
    "op": _ops,
    "name scope": _scopes,
    "tensor": _ports,
    "shape": _ports,
    "dtype": _dtypes,
    "placeholder": _of_ops(*sorted(PLACEHOLDERS)),
    "constant": _of_ops("Const"),
    "variable": _variables,
    "function": _functions,
    "capture": _captures,
    "control edge": _control_edges,
    "signature": _signatures,
    "tag set": _tag_set,
    "MetaGraph": _meta_graph,
    "checkpoint": _checkpoint,
    "shard": _shards,
    "asset": _assets,
    "saver": _saver,
    "table": _of_ops(*sorted(RESOURCE_TABLES | REF_TABLES)),
    "TF1 and TF2 format": _format,
    "init op": _init_op,
    "object graph": _objects,
    "callable": _callables,
}
