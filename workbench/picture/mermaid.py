"""A scene as Mermaid text, for Mermaid to lay out."""

from __future__ import annotations

from workbench.picture.scene import Scene


def to_mermaid(scene: Scene) -> str:
    """Mermaid text of a scene; frames become clusters."""
    raise NotImplementedError
