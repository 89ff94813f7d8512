"""Inputs that lose their effect behind a wire or behind a placeholder's default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from workbench import names
from workbench.model.op_classes import WITH_DEFAULT
from workbench.surgery.imported import ImportedModel


def displacing(part: ImportedModel, feeds: Mapping[str, str], roots: Iterable[str]) -> set[str]:
    """Return the marks of inputs that would displace a wire if they were fed.

    Such an input may be left out: its default follows from what is wired.

    Args:
        part: has its cuts already.
        feeds: tensor `n:k` to the mark of its input.
        roots: the tensors of outputs and wires; for none of them a wire may lose its effect.
    """
    optional: dict[str, dict[str, str]] = {}
    for tensor, mark in feeds.items():
        node = part.meta.nodes.get(names.input_node(tensor))
        if node is not None and node.op == WITH_DEFAULT:
            optional.setdefault(mark, {})[tensor] = mark
    bridges = set(part.cuts.values())
    together = {tensor: mark for own in optional.values() for tensor, mark in own.items()}
    found: set[str] = set()
    for root in roots if optional and bridges else ():
        wanted = part.needs.values([root], {}) & bridges

        def loses(fed: Mapping[str, str], root: str = root, wanted: Set[str] = wanted) -> bool:
            return not wanted <= part.needs.values([root], fed, optional=False)

        if loses(together):
            found |= {mark for mark, own in optional.items() if loses(own)} or set(optional)
    return found


def lost(part: ImportedModel, roots: Iterable[str], dropped: Iterable[str]) -> set[str]:
    """Return the dropped inputs that `roots` depend on in the source, without cuts."""
    if part.chosen is None:
        return set()
    feeds = {
        str(names.input_tensor(tensor)): key for key in dropped for tensor in part.chosen.inputs[key].tensors
    }
    marks = {tensor: f"\0fed:{key}" for tensor, key in feeds.items()}
    reached = part.needs.values(roots, marks, uncut=True) if marks else set()
    return {key for tensor, key in feeds.items() if marks[tensor] in reached}
