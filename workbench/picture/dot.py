"""A scene as DOT text, for Graphviz to lay out."""

from __future__ import annotations

from workbench.picture.scene import Scene


def to_dot(scene: Scene) -> str:
    """DOT text of a scene; frames become clusters."""
    raise NotImplementedError
