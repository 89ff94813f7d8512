"""Sentences on the boxes of a picture: what the op does, and in a small picture what this very node reads."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.explaining.texts.op_texts import op_texts, sentence

if TYPE_CHECKING:
    from workbench.model import MetaGraph
    from workbench.picture.render.page_data import About
    from workbench.picture.scene.scene import Frame, Node, Scene

MOST = 300
"""Of up to so many boxes each node is explained; of more, only what its op does."""
_SECTIONS = ("Inputs", "Unknown sizes")


def explain_boxes(meta: MetaGraph, scene: Scene, signature: str | None = None) -> About:
    """Return what gives the sentences on a box.

    Args:
        meta: the MetaGraph that is drawn.
        scene: what is drawn of it.
        signature: the one that is followed; None for the obvious one.
    """
    if len(scene.nodes) + len(scene.frames) > MOST:
        return lambda item: (_of_op(_op(item)),)
    from workbench.explaining.view import View

    view = View(meta, signature)

    def about(item: Node | Frame) -> tuple[str, ...]:
        from workbench.explaining.addresses import NodeTarget, find
        from workbench.explaining.nodes import explain_node

        try:
            target = find(view, item.path)
        except WorkbenchError:  # a scope, or a name that means several things
            return (_of_op(_op(item)),)
        if not isinstance(target, NodeTarget) or target.name not in target.level.nodes:
            return (_of_op(_op(item)),)
        found = explain_node(view, target.level, target.name)
        lines = [line.text for part in found.sections if part.title in _SECTIONS for line in part.lines]
        return (_of_op(target.level.nodes[target.name].op), *lines)

    return about


def _op(item: Node | Frame) -> str:
    return str(getattr(item, "op", ""))


@cache
def _of_op(op: str) -> str:
    """Return what an op does; empty if there is no text for it."""
    found = op_texts().get(op)
    return sentence(found.text) if found is not None else ""
