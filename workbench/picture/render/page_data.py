"""A scene as the data of an HTML page: texts once, boxes and groups by number."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from workbench.names import count, elide, show
from workbench.picture.layout.boxes import CAPTIONS, caption, third_line
from workbench.picture.render.glyphs import owner_mark
from workbench.picture.scene.contents import contents
from workbench.picture.scene.families import SIGNS, family
from workbench.picture.scene.labels import MAX_WIDTH
from workbench.picture.scene.scene import Frame, Node, Scene, owner_title
from workbench.picture.values import TensorValue, ValueLayer, number_text

About = Callable[[Node | Frame], Sequence[str]]
"""Gives sentences that explain a box: what its op does, or an empty text; then more on this very box."""
_FAMILIES = {name: at for at, name in enumerate(SIGNS)}


def shown(text: str) -> str:
    """Return a text in which every sign can be seen, whole."""
    return show(text, len(text))


def page_data(
    scene: Scene,
    *,
    title: str,
    right: bool,
    first: int,
    values: ValueLayer | None = None,
    about: About | None = None,
) -> dict[str, Any]:
    """Return what the script of a page reads.

    Args:
        scene: a whole scene.
        title: of the page.
        right: whether data flows to the right.
        first: scopes are open at first, level by level, while there are no more boxes than this.
        values: of a run.
        about: gives sentences on a box.
    """
    made = _Data(scene, about)
    page = made.page(title=shown(title), right=right, first=first)
    if values is not None:
        page["values"] = made.values(values)
    page["texts"] = list(made.texts)
    return page


class _Data:
    """A scene as the page reads it: texts once, boxes and groups by number."""

    def __init__(self, scene: Scene, about: About | None) -> None:
        self.scene = scene
        self.about = about
        self.texts: dict[str, int] = {}
        self.known: dict[str, int] = {}  # a text as it came, before invisible signs are written out
        self.names = dict(scene.scopes)
        self.owners = {owner: at for at, owner in enumerate(scene.numbers)}
        self.frames = {frame.id: frame for frame in scene.frames}
        self.groups: list[list[Any]] = [[-1, 0, self.text(""), 0, 0, -1, 0, []]]
        self.number: dict[tuple[str, str], int] = {}  # ("frame" or "scope", key) → group
        self.within: list[list[Node]] = [[]]
        self.homes: dict[tuple[str | None, tuple[str, ...]], int] = {}

    def text(self, text: str) -> int:
        found = self.known.get(text)
        if found is None:
            found = self.known[text] = self.texts.setdefault(shown(text), len(self.texts))
        return found

    def rows(self, rows: Iterable[tuple[str, str]]) -> list[int]:
        return [self.text(text) for row in rows for text in row]

    def page(self, *, title: str, right: bool, first: int) -> dict[str, Any]:
        scene = self.scene
        for frame in scene.frames:
            self._frame(frame)
        homes = [self._home(node) for node in scene.nodes]
        for node, home in zip(scene.nodes, homes, strict=True):
            while home >= 0:
                self.within[home].append(node)
                home = self.groups[home][0]
        nodes = [self._node(node, home) for node, home in zip(scene.nodes, homes, strict=True)]
        numbers = {node.id: at for at, node in enumerate(scene.nodes)}
        places = {frame.id: -1 - self.number["frame", frame.id] for frame in scene.frames} | numbers
        edges = [
            [places[edge.source], places[edge.target], self.text(edge.label), edge.control + 2 * edge.seam]
            for edge in scene.edges
            if edge.source in places and edge.target in places
        ]
        self._describe_groups()
        opened = set(self._opened(first))
        return {
            "title": title,
            "right": right,
            "notes": [shown(note) for note in scene.notes],
            "owners": [
                [shown(owner_title(owner)), owner_mark(number, "unicode"), _class(number)]
                for owner, number in scene.numbers.items()
            ]
            if scene.marked
            else [],
            "families": [[name, sign] for name, sign in SIGNS.items()],
            "opened": sorted(opened),
            "groups": self.groups,
            "nodes": nodes,
            "edges": edges,
        }

    # -- groups: [parent, is a body, title, subtitle, third line, owner, path, sentences]

    def _group(self, kind: str, key: str, parent: int, title: str, path: str) -> int:
        found = self.number.get((kind, key))
        if found is None:
            found = self.number[kind, key] = len(self.groups)
            self.groups.append(
                [
                    parent,
                    int(kind == "frame"),
                    self.text(elide(title, MAX_WIDTH, even=True)),
                    0,
                    0,
                    -1,
                    self.text(path),
                    [],
                ]
            )
            self.within.append([])
        return found

    def _frame(self, frame: Frame) -> int:
        found = self.number.get(("frame", frame.id))
        if found is not None:
            return found
        found = self._group("frame", frame.id, self._home(frame), frame.title, frame.path)
        if self.about is not None and frame.id == frame.path:  # the node itself, not one of its bodies
            self.groups[found][7] = [self.text(one) for one in self.about(frame)]
        return found

    def _home(self, item: Node | Frame) -> int:
        """Return the group that an item is directly in."""
        around = item.frame, item.inside
        if around not in self.homes:
            self.homes[around] = self._found_home(item)
        return self.homes[around]

    def _found_home(self, item: Node | Frame) -> int:
        around: Sequence[str] = ()
        home = 0
        if item.frame is not None and item.frame in self.frames:
            frame = self.frames[item.frame]
            home = self._frame(frame)
            around = frame.inside if frame.opens in frame.inside else (*frame.inside, frame.opens)
        for key in item.inside[len(around) :]:
            if key in self.names:
                path = key.rstrip("*").removesuffix("::")
                home = self._group("scope", key, home, self.names[key], path)
        return home

    def _describe_groups(self) -> None:
        for group, nodes in zip(self.groups, self.within, strict=True):
            ops = Counter(node.op for node in nodes if node.op and node.kind not in CAPTIONS)
            variables = {text for node in nodes for label, text in node.facts if label == "variable"}
            tables = {text for node in nodes for label, text in node.facts if label == "table"}
            words = [count(len(variables), "variable")] if variables else []
            words += [count(len(tables), "table")] if tables else []
            group[3], group[4] = self.text(contents(ops)), self.text(", ".join(words))
            whose = {node.owner for node in nodes}
            group[5] = self._owner(whose.pop()) if len(whose) == 1 else -1

    def _owner(self, owner: str | None) -> int:
        return self.owners.get(owner, -1) if owner is not None else -1

    def _opened(self, first: int) -> Iterable[int]:
        """Return the groups that are open at first: those asked for, and level by level what fits."""
        asked = {*self.scene.asked}
        parts = Counter(group[0] for group in self.groups[1:])
        for node in self.scene.nodes:
            parts[self._home(node)] += 1
        inner: dict[int, list[int]] = {}
        for at, group in enumerate(self.groups[1:], 1):
            inner.setdefault(group[0], []).append(at)
        wanted = {at for (_, key), at in self.number.items() if key in asked}
        for at in list(wanted):
            while at > 0:
                wanted.add(at)
                at = self.groups[at][0]
        yield from wanted
        level, boxes = inner.get(0, []), parts[0]
        while level:
            scopes = [at for at in level if not self.groups[at][1]]  # a body is opened by the reader
            more = sum(parts[at] - 1 for at in scopes)
            if boxes + more > first:
                break
            yield from scopes
            boxes += more
            level = [one for at in scopes for one in inner.get(at, ())]

    # -- boxes: [group, family, title, subtitle, third line, owner, seam, caption, path, folded, facts, attributes,
    #            sentences]

    def _node(self, node: Node, home: int) -> list[Any]:
        return [
            home,
            _FAMILIES[family(node)],
            self.text(node.title),
            self.text(node.subtitle),
            self.text(third_line(node)),
            self._owner(node.owner),
            int(node.seam),
            self.text(caption(node)),
            self.text(node.path),
            [self.text(text) for text in node.folded],
            self.rows(node.facts),
            self.rows(node.attributes),
            [self.text(one) for one in self.about(node)] if self.about is not None else [],
        ]

    # -- values: [box or -1 - group, [address, type, least, most, mean, what is not finite, step, magnitude, range,
    #             histogram, first values, images]]

    def values(self, layer: ValueLayer) -> dict[str, Any]:
        """Return the values that are laid over the boxes, and their scale."""
        scale = layer.scale
        rows = [(at, layer.of(node)) for at, node in enumerate(self.scene.nodes)]
        rows += [(-1 - self.number["frame", frame.id], layer.of(frame)) for frame in self.scene.frames]
        return {
            "signature": shown(layer.signature),
            "notes": [shown(note) for note in layer.notes],
            "bounds": [] if scale is None else [number_text(bound) for bound in scale.bounds],
            "of": [[at, [self._value(one, layer) for one in found]] for at, found in rows if found],
        }

    def _value(self, one: TensorValue, layer: ValueLayer) -> list[Any]:
        numbers = [
            "" if number is None else number_text(number) for number in (one.least, one.most, one.mean)
        ]
        images = [
            [
                image.width,
                image.height,
                image.channels,
                base64.b64encode(image.pixels).decode(),
                shown(image.caption),
            ]
            for image in one.images
        ]
        step = layer.step([one])
        return [
            self.text(one.address),
            self.text(one.type),
            *numbers,
            one.trouble,
            -1 if step is None else step,
            one.magnitude,
            self.text(elide(shown(one.range), MAX_WIDTH)),
            one.histogram,
            [self.text(text) for text in one.first],
            images,
        ]


def _class(number: int) -> str:
    return "oa" if number < 0 else f"o{number % 3}"
