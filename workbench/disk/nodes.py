"""Reading the attrs of a node without changing it.

`node.attr["x"]` on a protobuf map *makes* an empty entry when there is none, and a node with an attr that has no
value is refused by TensorFlow ("Failed to bind all placeholders"). So nothing reads attrs by index but on a node of
which it knows that the attr is there.
"""

from __future__ import annotations

from workbench.disk.schema import AttrValue, NodeDef

_empty: list[AttrValue] = []


def attr(node: NodeDef, name: str) -> AttrValue:
    """Return the AttrValue of a node's attr, or an empty one; never change it.

    An empty one has all fields at their defaults.
    """
    if name in node.attr:
        return node.attr[name]
    if not _empty:
        _empty.append(AttrValue())
    return _empty[0]
