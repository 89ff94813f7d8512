"""Flatten: a model whose main graph calls no function any more, but for control flow."""

from __future__ import annotations

from typing import Literal

from workbench.findings import Action, Hint
from workbench.graph.functions import calls
from workbench.model import MetaGraph, Model
from workbench.names import show
from workbench.surgery.edit import Edit
from workbench.surgery.export.init_ops import carry_init
from workbench.surgery.operations.added_signature import begin_signed
from workbench.surgery.rewrite.inline import called_function, inline_calls, saver_calls
from workbench.surgery.rewrite.prune import drop_functions, drop_objects

Format = Literal["auto", "tf1", "tf2"]


def flatten(model: Model, format: Format = "auto") -> Edit:
    """The model with all calls of its main graph opened, to be written by `commit_edit`.

    The nodes of a body become `CALL/node`, the call's name stays as the Identity of its outputs. While, If and the like
    keep their bodies as functions, and so does the saver. A model that has callables alone gets a signature of one.

    Args:
        model: the original.
        format: `auto` keeps the object graph if there is one, with the functions it needs; `tf1` leaves it out;
            `tf2` insists on it.

    Raises:
        ModelError: a call can't be opened.
    """
    options = {} if format == "auto" else {"format": format}
    edit = begin_signed(model, "flatten", options, objects=format != "tf1", needed=False)
    if edit.blocked:
        return edit
    meta_graph, graph = edit.meta_graph, edit.meta_graph.graph_def
    if format == "tf2" and not edit.original.has_object_graph:
        edit.note(
            "flatten-no-objects",
            "error",
            show(str(model.path)),
            "The model has no object graph, so the result can't have one.",
            Hint("", Action("leave-out-format", {"format": "tf2"})),
        )
        return edit
    carry_init(edit)
    saver = saver_calls(graph, meta_graph.saver_def.filename_tensor_name)
    before = len(graph.node)
    done = inline_calls(graph, op_table=edit.original.op_table, skip=saver)
    for path in done.left:
        edit.note(
            "flatten-recursion",
            "warning",
            show(path),
            "It calls a function that it is itself a part of, so it stays a call.",
        )
    if format == "tf1":
        drop_objects(meta_graph, model, edit.original)
    dropped = drop_functions(meta_graph)
    _tell(edit, saver, len(done.places), len(graph.node) - before, dropped)
    edit.prove_all()
    return edit


def _tell(edit: Edit, saver: set[str], opened: int, added: int, dropped: int) -> None:
    if not opened:
        edit.note("flatten-nothing", "info", show(str(edit.model.path)), "The main graph calls no function.")
        return
    edit.note(
        "flatten-opened",
        "info",
        show(str(edit.model.path)),
        f"{opened} {'call' if opened == 1 else 'calls'} opened: {added} nodes more in the main graph, "
        f"{dropped} {'function' if dropped == 1 else 'functions'} fewer.",
    )
    view = MetaGraph(edit.meta_graph)
    kept = sorted(
        node.op
        for node in view.nodes.values()
        if node.name not in saver
        and called_function(node, view.functions) is None
        and calls(node, view.functions)
    )
    if kept:
        listed = ", ".join(show(op) for op in dict.fromkeys(kept))
        many = (
            "node keeps its body as a function" if len(kept) == 1 else "nodes keep their bodies as functions"
        )
        edit.note("flatten-kept", "info", show(str(edit.model.path)), f"{len(kept)} {many}: {listed}.")
    if edit.meta_graph.HasField("object_graph_def") and view.functions:
        edit.note(
            "flatten-objects",
            "info",
            show(str(edit.model.path)),
            f"The object graph and its callables stay, and with them {len(view.functions)} functions of the library.",
            Hint("To leave them out, ", Action("choose-format", {"format": "tf1"})),
        )
