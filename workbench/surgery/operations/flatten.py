"""Flatten: inline function calls into the main graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from workbench.findings import Action, Hint
from workbench.graph.functions import calls
from workbench.model import MetaGraph
from workbench.names import show
from workbench.surgery import values
from workbench.surgery.export.init_ops import carry_init
from workbench.surgery.operation import Operation
from workbench.surgery.rewrite.inline import called_function, inline_calls, saver_calls
from workbench.surgery.rewrite.prune import drop_functions, drop_objects
from workbench.surgery.signatures.made_signature import make_signature
from workbench.surgery.step import option, register
from workbench.surgery.workspace import Workspace

Format = Literal["auto", "tf1", "tf2"]


@register
@dataclass(frozen=True, slots=True)
class Flatten(Operation):
    """Inline the function calls of a model's main graph. Control flow stays functional.

    A node inside a call becomes CALL/node; the name of the call itself stays, as an Identity of its outputs. The result
    is verified before it is published: it must give the same values.

    Attributes:
        format: `auto` keeps the object graph if there is one, with the functions it needs; `tf1` leaves it out;
            `tf2` insists on it.
    """

    NAME: ClassVar[str] = "flatten"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("flatten", "flatten format=tf1")
    KEEPS_SIGNATURES: ClassVar[bool] = True

    format: Format = option(
        values.Text("auto", "tf1", "tf2"),
        "tf2 keeps the object graph and its functions (default if there is one), tf1 removes both",
        metavar="tf1|tf2",
        default="auto",
    )

    def apply(self, workspace: Workspace) -> None:
        """Apply it to a workspace.

        The nodes of a body become `CALL/node`, the call's name stays as the Identity of its outputs. While, If and the
        like keep their bodies as functions, and so does the saver. A model that has callables alone gets a signature
        of one.

        Raises:
            ModelError: a call can't be inlined.
        """
        make_signature(workspace, objects=self.format != "tf1", needed=False)
        if not workspace.blocked:
            _flatten(workspace, self.format)


def _flatten(workspace: Workspace, format: Format) -> None:
    model = workspace.model
    meta_graph, graph = workspace.meta_graph, workspace.meta_graph.graph_def
    if format == "tf2" and not workspace.original.has_object_graph:
        workspace.note(
            "flatten-no-objects",
            "error",
            show(str(model.path)),
            "The model has no object graph, so the result can't have one.",
            Hint("", Action("leave-out-format", {"format": "tf2", "step": "flatten"})),
        )
        return
    carry_init(workspace)
    saver = saver_calls(graph, meta_graph.saver_def.filename_tensor_name)
    before = len(graph.node)
    done = inline_calls(graph, op_table=workspace.original.op_table, skip=saver)
    for path in done.left:
        workspace.note(
            "flatten-recursion",
            "warning",
            show(path),
            "It calls a function that it is itself a part of, so it stays a call.",
        )
    if format == "tf1":
        drop_objects(meta_graph, model, workspace.original)
    dropped = drop_functions(meta_graph)
    _tell(workspace, saver, len(done.places), len(graph.node) - before, dropped)
    workspace.verify_all()
    if workspace.faithful and done.places:
        workspace.inlined()


def _tell(workspace: Workspace, saver: set[str], inlined: int, added: int, dropped: int) -> None:
    if not inlined:
        workspace.note(
            "flatten-nothing", "info", show(str(workspace.model.path)), "The main graph calls no function."
        )
        return
    workspace.note(
        "flatten-opened",
        "info",
        show(str(workspace.model.path)),
        f"{inlined} {'call' if inlined == 1 else 'calls'} inlined: {added} nodes more in the main graph, "
        f"{dropped} {'function' if dropped == 1 else 'functions'} fewer.",
    )
    view = MetaGraph(workspace.meta_graph)
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
        workspace.note(
            "flatten-kept", "info", show(str(workspace.model.path)), f"{len(kept)} {many}: {listed}."
        )
    if workspace.meta_graph.HasField("object_graph_def") and view.functions:
        workspace.note(
            "flatten-objects",
            "info",
            show(str(workspace.model.path)),
            f"The object graph and its callables stay, and with them {len(view.functions)} functions of the library.",
            Hint("To leave them out, ", Action("choose-format", {"format": "tf1", "step": "flatten"})),
        )
