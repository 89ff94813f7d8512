"""A scene as JSON, for other programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from workbench.picture.scene.scene import Scene

_BOX = ("id", "title", "subtitle", "kind", "owner", "seam", "path", "count", "opens", "frame")
_FRAME = ("id", "title", "path", "frame")


def to_data(scene: Scene) -> dict[str, Any]:
    """Return boxes, edges, frames and notes as lists of plain values."""
    return {
        "boxes": [{name: getattr(node, name) for name in _BOX} for node in scene.nodes],
        "edges": [asdict(edge) for edge in scene.edges],
        "frames": [{name: getattr(frame, name) for name in _FRAME} for frame in scene.frames],
        "notes": list(scene.notes),
    }


def to_json(scene: Scene) -> str:
    """Return the scene as JSON text, ASCII only."""
    return json.dumps(to_data(scene), indent=1) + "\n"
