"""What holds for every layout, checked cell by cell."""

from __future__ import annotations

from itertools import pairwise

from workbench.picture.layout.geometry import Box, Layout, Line
from workbench.picture.scene.scene import Frame, Scene


def scene_faults(scene: Scene) -> list[str]:
    """Ids or labels that are not unique, edges that end nowhere."""
    faults = []
    ids = [node.id for node in scene.nodes] + [frame.id for frame in scene.frames]
    if len(set(ids)) != len(ids):
        faults.append("two boxes have one id")
    labels = [(node.frame, node.label) for node in scene.nodes]
    faults += [f"two boxes read {label!r}" for label in set(labels) if labels.count(label) > 1]
    known = set(ids)
    for edge in scene.edges:
        if edge.source not in known or edge.target not in known:
            faults.append(f"{edge} ends nowhere")
    frames = {frame.id for frame in scene.frames}
    for item in (*scene.nodes, *scene.frames):
        if item.frame is not None and item.frame not in frames:
            faults.append(f"{item.id} is in no frame there is")
    pairs = [(edge.source, edge.target, edge.control) for edge in scene.edges]
    if len(set(pairs)) != len(pairs):
        faults.append("an edge comes twice")
    return faults


def layout_faults(layout: Layout) -> list[str]:
    """Boxes that overlap, lines through boxes, lines that run over each other, what is outside the canvas."""
    faults = _frame_faults(layout)
    leaves = [box for box in layout.boxes if not isinstance(box.item, Frame)]
    owner: dict[tuple[int, int], str] = {}
    for box in leaves:
        for cell in _cells(box):
            if cell in owner:
                faults.append(f"{box.id} overlaps {owner[cell]}")
                break
            owner[cell] = box.id
    for box in layout.boxes:
        if not (
            box.x >= 0 and box.x + box.w <= layout.width and box.y >= 0 and box.y + box.h <= layout.height
        ):
            faults.append(f"{box.id} is outside")
        if any(len(text) > box.w - 2 for text in box.lines):
            faults.append(f"{box.id} has text wider than itself")
    places = {box.id: box for box in layout.boxes}
    runs: dict[tuple[int, int, bool], list[Line]] = {}
    for line in layout.lines:
        faults += _line_faults(line, places, owner, layout)
        for (x, y), (to_x, to_y) in pairwise(line.points):
            upright = x == to_x
            for cell in _between(x, y, to_x, to_y):
                runs.setdefault((*cell, upright), []).append(line)
    for (x, y, _), lines in runs.items():
        one, *others = lines
        for other in others:
            if one.edge.source != other.edge.source and one.edge.target != other.edge.target:
                faults.append(f"{_name(one)} runs over {_name(other)} at {x},{y}")
    return sorted(set(faults))


def _frame_faults(layout: Layout) -> list[str]:
    """Boxes that are not in their frame, or in one that is not theirs; lines along a border."""
    faults = []
    places = {box.id: box for box in layout.boxes}
    frames = {box.id: box for box in layout.boxes if isinstance(box.item, Frame)}
    edges = {id: {*_border(frame)} for id, frame in frames.items()}
    for box in layout.boxes:
        around, at = set(), box.item.frame
        while at is not None:
            around.add(at)
            at = frames[at].item.frame
        for id, frame in frames.items():
            inside = frame.x < box.x and box.x + box.w < frame.x + frame.w
            inside &= frame.y < box.y and box.y + box.h < frame.y + frame.h
            if id in around and not inside:
                faults.append(f"{box.id} is not inside {id}")
            if id not in around and not isinstance(box.item, Frame) and {*_cells(box)} & {*_cells(frame)}:
                faults.append(f"{box.id} is inside {id}")
    for line in layout.lines:
        assert line.edge.source in places
        for (x, y), (to_x, to_y) in pairwise(line.points):
            cells = _between(x, y, to_x, to_y)
            for id, border in edges.items():
                if sum(cell in border for cell in cells) > 2:
                    faults.append(f"{_name(line)} runs along the border of {id}")
    return faults


def _border(box: Box) -> list[tuple[int, int]]:
    return [(x, y) for x, y in _cells(box) if _on_border(box, x, y)]


def _line_faults(
    line: Line, places: dict[str, Box], owner: dict[tuple[int, int], str], layout: Layout
) -> list[str]:
    faults = []
    source, target = places[line.edge.source], places[line.edge.target]
    if not _on_border(source, *line.points[0]):
        faults.append(f"{_name(line)} does not begin at its source")
    if not _beside(target, *line.points[-1]):
        faults.append(f"{_name(line)} does not end at its target")
    for (x, y), (to_x, to_y) in pairwise(line.points):
        if x != to_x and y != to_y:
            faults.append(f"{_name(line)} runs aslant")
        for cell in _between(x, y, to_x, to_y):
            if cell in owner and cell != line.points[0]:
                faults.append(f"{_name(line)} runs through {owner[cell]}")
    if not all(0 <= x < layout.width and 0 <= y < layout.height for x, y in line.points):
        faults.append(f"{_name(line)} is outside")
    return faults


def _name(line: Line) -> str:
    return f"{line.edge.source} -> {line.edge.target}"


def _cells(box: Box) -> list[tuple[int, int]]:
    return [(x, y) for x in range(box.x, box.x + box.w) for y in range(box.y, box.y + box.h)]


def _between(x: int, y: int, to_x: int, to_y: int) -> list[tuple[int, int]]:
    """The cells of a piece, its first one left out."""
    if x == to_x:
        step = 1 if to_y > y else -1
        return [(x, at) for at in range(y + step, to_y + step, step)]
    step = 1 if to_x > x else -1
    return [(at, y) for at in range(x + step, to_x + step, step)]


def _on_border(box: Box, x: int, y: int) -> bool:
    inside = box.x <= x < box.x + box.w and box.y <= y < box.y + box.h
    return inside and (x in (box.x, box.x + box.w - 1) or y in (box.y, box.y + box.h - 1))


def _beside(box: Box, x: int, y: int) -> bool:
    across = box.x <= x < box.x + box.w and y in (box.y - 1, box.y + box.h)
    return across or (box.y <= y < box.y + box.h and x in (box.x - 1, box.x + box.w))
