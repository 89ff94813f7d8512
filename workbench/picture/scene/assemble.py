"""From a folded graph to boxes and edges.

Closed scopes, labels, frames around opened bodies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from workbench.graph.level import Level
from workbench.model.op_classes import PASS_THROUGH
from workbench.names import CALL_SEPARATOR, count, elide, is_control, show
from workbench.picture.scene import labels
from workbench.picture.scene.attributes import Attributes
from workbench.picture.scene.contents import contents, of_bodies
from workbench.picture.scene.flat import Flattener, Item, Ref, body_ends, common_start, type_text
from workbench.picture.scene.fold import Fact, Folded, fold, resource_fact
from workbench.picture.scene.scene import ADAPTERS, Edge, Frame, Kind, Node, Scene
from workbench.picture.scene.scopes import Cover, Scope, build_tree, choose

_HUB = 8
_FOCUSED = 4  # so many times more boxes are drawn of a piece that was asked for
_MAX_FOLDED = 200
_MAX_WHOLE = 100_000
_MAX_BODIES = 16


@dataclass(frozen=True)
class Part:
    """One graph that is drawn whole: the main one, or a body in a frame.

    Attributes:
        flat: the flattened graph.
        folded: what is left of it.
        start: where it starts.
        frame: id of the frame it is drawn in.
        inside: keys of the opened scopes and frames around it.
        focused: whether it is the neighbourhood of a node, which is not collapsed unless it is huge.
        known: what resource arguments represent.
        trees: its scopes by how many boxes are allowed; kept, because they take long to find.
    """

    flat: Flattener
    folded: Folded
    start: Level
    frame: str | None = None
    inside: tuple[str, ...] = ()
    focused: bool = False
    known: Mapping[str, Fact] = field(default_factory=dict)
    trees: dict[int, Scope] = field(default_factory=dict)

    @cached_property
    def attributes(self) -> Attributes:
        """The attributes of its nodes, in words."""
        return Attributes(self.flat)

    def tree(self, limit: int) -> Scope:
        """Return its scopes, for so many boxes at most."""
        if limit not in self.trees:
            readers: dict[str, list[str]] = {}
            for key in self.folded.order:
                for ref in self.folded.edges[key]:
                    readers.setdefault(ref.key, []).append(key)
            self.trees[limit] = build_tree(self.folded.order, readers, self.start.path, limit)
        return self.trees[limit]

    def members(self, key: str, limit: int) -> list[str]:
        """Return the items that a closed box represents, named by its place or, if no other has it, its title.

        None for an unknown scope.
        """
        scopes = list(self.tree(limit).all_scopes())
        found = [scope for scope in scopes if scope.key == key] or [
            scope for scope in scopes if scope.name == key.rstrip("/")
        ]
        return list(found[0].all_items()) if len(found) == 1 else []


@dataclass
class Assembly:
    """Boxes, edges and frames that are collected and then labelled.

    Attributes:
        owners: first scope → handle.
        seam: nodes at which a wire ends.
        expanded: keys the user opened.
        collapsed: keys the user closed.
        max_boxes: of one part.
        show_control: whether control edges are drawn.
        whole: whether every scope and body is opened.
    """

    owners: Mapping[str, str]
    seam: frozenset[str]
    expanded: frozenset[str]
    collapsed: frozenset[str]
    max_boxes: int
    show_control: bool
    whole: bool = False
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    scopes: list[tuple[str, str]] = field(default_factory=list)
    wanted: list[labels.Wanted] = field(default_factory=list)
    hidden_controls: int = 0
    folded: int = 0
    hubs: int = 0
    passed: int = 0

    def add(self, part: Part) -> None:
        """Add the boxes and edges of a part, and of the bodies opened in it."""
        items = part.folded.order
        limit = self.max_boxes * _FOCUSED if part.focused else self.max_boxes
        tree = part.tree(limit)
        expanded = {scope.key for scope in tree.all_scopes()} if self.whole else self.expanded
        cover = choose(tree, limit, expanded, self.collapsed)
        opened = {key for around in cover.inside.values() for key in around}
        self.scopes += [(scope.key, show(scope.name)) for scope in tree.all_scopes() if scope.key in opened]
        box_of: dict[str, str] = {}
        for scope in cover.closed.values():
            box_of.update(dict.fromkeys(scope.all_items(), scope.key))
        covered = {*box_of, *cover.items}
        frames = {} if self.whole else self._add_scope_frames(part, tree, cover)
        shown: set[str] = set()
        for key, item in items.items():
            scope_key = box_of.get(key)
            if scope_key is None:
                if key not in covered:
                    cover.items.append(key)
                box_of[key] = key
                self._add_item(part, item, cover, frames)
            elif scope_key not in shown:
                shown.add(scope_key)
                self._add_scope(part, cover.closed[scope_key], cover, frames)
        self._add_edges(part, box_of)
        self.hidden_controls += part.flat.hidden_controls
        if part.focused:  # the rest is left out, not folded
            self.folded += len({one for key in items for one in part.folded.inside.get(key, ())})
        else:
            self.folded += len(part.flat.items) - len(items)

    def _add_scope_frames(self, part: Part, tree: Scope, cover: Cover) -> dict[str, str]:
        """Add a frame for each opened scope; return the frame that each of their keys has."""
        found: dict[str, str] = {}
        chains = dict.fromkeys(cover.inside.values())
        wanted = dict.fromkeys(chain[:depth] for chain in chains for depth in range(1, len(chain) + 1))
        scopes = {scope.key: scope for scope in tree.all_scopes()}
        for chain in sorted(wanted, key=len):
            *around, key = chain
            frame = found[around[-1]] if around else part.frame
            id = found[key] = f"{key}/"  # a node may have the name of its scope
            self.frames.append(
                Frame(
                    id,
                    elide(show(scopes[key].name), labels.MAX_WIDTH, even=True),
                    key,
                    self._owner(next(scopes[key].all_items())),
                    _bare(key),
                    (*part.inside, *around),
                    frame,
                    scope=True,
                )
            )
        return found

    def _owner(self, key: str) -> str | None:
        return self.owners.get(key.partition(CALL_SEPARATOR)[0].partition("/")[0]) if self.owners else None

    def _owner_of(self, part: Part, item: Item) -> str | None:
        """Return the owner of an item; an output belongs to the model that gives it."""
        while item.kind in ("output", "result") and item.inputs:
            item = part.flat.items[item.inputs[0].key]
        return self._owner(item.node.name if item.kind == "input" and item.node is not None else item.key)

    def _wanted(self, part: Part, item: Item, frame: str | None, around: Sequence[str]) -> labels.Wanted:
        """Return what a reader knows of a node's place.

        Functions by the name they were given, no handle, and not what the frame around it says.
        """
        level = item.level
        functions = [labels.function_word(call.function) for call in level.calls[len(part.start.calls) :]]
        words = [word for word in item.name.split("/") if word]
        if not level.calls and len(words) > 1 and words[0] in self.owners:
            words = words[1:]
        if around:
            scope = around[-1].removeprefix(part.start.path).removeprefix(CALL_SEPARATOR)
            *calls, name = scope.split(CALL_SEPARATOR)
            depth = name.count("/") + (not name.endswith("*")) if name else 0
            functions = functions[len(calls) :]
            words = words[depth:] if not functions and depth < len(words) else words
        return labels.Wanted(item.key, item.op, (*functions, *words), frame)

    def _add_item(self, part: Part, item: Item, cover: Cover, frames: Mapping[str, str]) -> None:
        around = cover.inside.get(item.key, ())
        inside = (*part.inside, *around)
        frame = frames.get(around[-1], part.frame) if around else part.frame
        path = item.level.full_name(item.node.name) if item.node is not None else item.key
        if item.kind == "call" and self._is_open(part, item.key):
            self._add_frame(part, item, inside, frame)
            return
        kind: Kind = item.kind  # type: ignore[assignment]
        title, subtitle = item.op, ""
        if kind in ("input", "output", "result"):
            title = elide(show(item.name), labels.MAX_WIDTH, even=True)
            subtitle = type_text(part.flat.tensor(Ref(item.key, 0)))
        else:
            among = around[-1] if self.whole and around else frame  # a page frames its scopes itself
            self.wanted.append(self._wanted(part, item, among, around))
        folded = part.folded.inside.get(item.key, ())
        self.nodes.append(
            Node(
                id=item.key,
                title=title,
                subtitle=subtitle,
                kind=kind,
                owner=self._owner_of(part, item),
                seam=item.key in self.seam,
                path=path,
                folded=tuple(map(show, folded[:_MAX_FOLDED])),
                facts=part.folded.facts.get(item.key, ()),
                opens=item.key if item.kind == "call" else None,
                inside=inside,
                frame=frame,
                op=item.op,
                attributes=part.attributes.rows(item),
                contents=of_bodies(item) if item.kind == "call" else "",
            )
        )

    def _is_open(self, part: Part, key: str) -> bool:
        """Return whether the bodies of a node are drawn."""
        if self.whole and len(part.start.calls) < _MAX_BODIES and len(self.nodes) < _MAX_WHOLE:
            return True
        return key in self.expanded and key not in self.collapsed

    def _add_scope(self, part: Part, scope: Scope, cover: Cover, frames: Mapping[str, str]) -> None:
        around = cover.inside.get(scope.key, ())
        members = list(scope.all_items())
        folded: dict[str, None] = {}
        facts: dict[tuple[str, str], None] = {}
        for key in members:
            folded.update(dict.fromkeys(part.folded.inside.get(key, ())))
            facts.update(dict.fromkeys(part.folded.resources.get(key, ())))
        ops = Counter(part.folded.items[key].op or part.folded.items[key].kind for key in members)
        step = len(part.start.calls)
        words = tuple(
            word for word in scope.key.rstrip("*").replace(CALL_SEPARATOR, "/").split("/")[step:] if word
        )
        words = (show(scope.name),) if scope.chunk or not words else words
        frame = frames.get(around[-1], part.frame) if around else part.frame
        self.wanted.append(labels.Wanted(scope.key, "", words, frame=frame))
        self.nodes.append(
            Node(
                id=scope.key,
                title=words[-1],
                subtitle=contents(ops),
                kind="scope",
                owner=self._owner(members[0]),
                seam=any(key in self.seam for key in members),
                path=_bare(scope.key),
                count=len(members),
                folded=tuple(map(show, [*members, *folded][:_MAX_FOLDED])),
                facts=tuple(facts),
                opens=scope.key,
                inside=(*part.inside, *around),
                frame=frame,
                contents=_ends_of(part, members) if scope.chunk else "",
            )
        )

    def _add_frame(self, part: Part, item: Item, inside: tuple[str, ...], frame: str | None) -> None:
        assert item.node is not None
        bodies = item.level.levels_under(item.node)
        bodies.sort(
            key=lambda body: body.call is not None and body.call.label == "else_branch"
        )  # after `then`
        title = f"{show(item.op)}  {elide(show(item.name.rpartition('/')[2]), labels.MAX_WIDTH, even=True)}"
        owner = self._owner(item.key)
        outer = Frame(item.key, title, item.key, owner, item.key, inside, frame)
        self.frames.append(outer)
        for body in bodies:
            id = item.key
            around = (*inside, item.key)
            if len(bodies) > 1 and body.call is not None:
                id = body.path
                self.frames.append(Frame(id, show(body.call.label), item.key, owner, id, around, item.key))
            inputs, results, passed = body_ends(body)
            self.passed += passed
            flat = Flattener(body, inputs, control=self.show_control)
            flat.walk(results)
            known = self._known(part, item, body)
            folded = _without_idle(fold(flat, (), self.owners, known))
            self.add(Part(flat, folded, body, id, around, known=known))

    def _known(self, part: Part, item: Item, body: Level) -> dict[str, Fact]:
        """Return what a body's arguments are, where that is a variable or table outside.

        A body takes the last inputs of its call: `If` and `Case` have a condition before them.
        """
        assert item.node is not None
        given = [entry for entry in item.node.input if not is_control(entry)]
        found: dict[str, Fact] = {}
        cut = common_start(body)
        for name, entry in zip(reversed(list(body.body.arguments)), reversed(given), strict=False):
            ref = part.flat.resolve(item.level, entry, [])
            source = part.flat.items[ref.key] if ref is not None else None
            while source is not None and source.op in PASS_THROUGH and source.inputs:
                source = part.flat.items[source.inputs[0].key]
            if source is None:
                continue
            fact = part.known.get(source.key) or resource_fact(source, self.owners)
            if fact is not None and fact[0] != "resource" and source.op != "Const":
                found[body.full_name(f"#in#{name[cut:]}")] = fact
        return found

    def _add_edges(self, part: Part, box_of: Mapping[str, str]) -> None:
        found: dict[tuple[str, str], dict[Ref, None]] = {}
        for key, refs in part.folded.edges.items():
            for ref in refs:
                source, target = box_of[ref.key], box_of[key]
                if source != target:
                    found.setdefault((source, target), {})[ref] = None
        owner_of: dict[str, str | None] = {}
        if self.owners:
            owner_of = {box: self._owner_of(part, part.flat.items[key]) for key, box in box_of.items()}
        labels_of: dict[Ref, str] = {}  # a tensor that goes to several boxes is described once
        for (source, target), tensors in found.items():
            (first, *more) = tensors
            if more:
                label = count(len(tensors), "tensor")
            else:
                label = labels_of.get(first) or labels_of.setdefault(
                    first, type_text(part.flat.tensor(first))
                )
            one, other = owner_of.get(source), owner_of.get(target)
            seam = one is not None and other is not None and one != other
            self.edges.append(Edge(source, target, label, seam=seam))
        if self.show_control:
            self._add_controls(part, box_of, set(found))

    def _add_controls(self, part: Part, box_of: Mapping[str, str], data: set[tuple[str, str]]) -> None:
        found: dict[tuple[str, str], None] = {}
        for key, item in part.flat.items.items():
            home = part.folded.home.get(key, key)
            if home not in box_of:
                continue
            befores = {
                box_of[place]
                for before in item.controls
                if (place := part.folded.home.get(before, before)) in box_of
            }
            befores.discard(box_of[home])
            if len(befores) > _HUB and item.op == "NoOp":
                self.hubs += 1
                continue
            found.update(dict.fromkeys((before, box_of[home]) for before in sorted(befores)))
        self.edges += [Edge(*pair, control=True) for pair in found if pair not in data]

    def scene(self, notes: list[str]) -> Scene:
        """Return the finished scene: labelled, without ends that have no edge."""
        made = labels.make_labels(self.wanted)
        nodes = []
        for node in self.nodes:
            title, subtitle = made.get(node.id, ("", ""))
            if node.kind == "scope":
                node = replace(node, title=subtitle or node.title)
            elif title:
                node = replace(node, title=title, subtitle=subtitle)
            nodes.append(node)
        return Scene(
            tuple(_told_apart(nodes)),
            tuple(self.edges),
            (*notes, *self._notes()),
            tuple(self.frames),
            tuple(one for one in dict.fromkeys(self.owners.values()) if one != ADAPTERS),
            tuple(self.scopes),
        )

    def _notes(self) -> list[str]:
        found = []
        if self.folded:
            things = count(self.folded, "constant or variable read", "constants and variable reads")
            found.append(f"{things} {_are(self.folded)} folded into the ops that read {_them(self.folded)}.")
        if self.hidden_controls and not self.show_control:
            found.append(
                f"{count(self.hidden_controls, 'control input')} {_are(self.hidden_controls)} hidden."
            )
        closed = [node for node in self.nodes if node.kind == "scope"]
        if closed:
            inside = sum(node.count for node in closed)
            stands = "represents" if len(closed) == 1 else "represent"
            found.append(f"{count(len(closed), 'box', 'boxes')} {stands} {count(inside, 'node')}.")
        if self.hubs:
            found.append(
                f"{count(self.hubs, 'NoOp node')} with many control inputs {_are(self.hubs)} drawn without edges."
            )
        if self.passed:
            found.append(
                f"{count(self.passed, 'value')} passed through a body unchanged {_are(self.passed)} not drawn."
            )
        return found


def _bare(key: str) -> str:
    """Return the written place of a scope, without what its key has behind it."""
    return key.rstrip("*").removesuffix(CALL_SEPARATOR)


def _ends_of(part: Part, members: Sequence[str]) -> str:
    """Return the names of the first and the last node of a stretch of nodes."""
    inside = set(members)
    order = [item for key, item in part.folded.order.items() if key in inside]
    first, last = (show(labels.telling(item.op, item.name)) for item in (order[0], order[-1]))
    half = (labels.MAX_WIDTH - 3) // 2
    return f"{elide(first, half, even=True)} … {elide(last, half, even=True)}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _them(number: int) -> str:
    return "it" if number == 1 else "them"


def _told_apart(nodes: list[Node]) -> list[Node]:
    """Make labels of a frame unique where a scope is called what an op is called."""
    seen: set[tuple[str | None, tuple[str, ...], str]] = set()
    last: dict[tuple[str | None, tuple[str, ...], str], int] = {}
    found = []
    for node in nodes:
        frame = node.frame, node.inside[-1:]
        here = (*frame, node.label)
        number, made = last.get(here, 1), node
        while (*frame, made.label) in seen:
            number += 1
            made = replace(node, title=f"{node.title} #{number}")
        last[here] = number
        seen.add((*frame, made.label))
        found.append(made)
    return found


def _without_idle(folded: Folded) -> Folded:
    """Return the scene without arguments that nothing reads."""
    read = {ref.key for refs in folded.edges.values() for ref in refs}
    return folded.only({key for key, item in folded.items.items() if item.kind != "input" or key in read})
