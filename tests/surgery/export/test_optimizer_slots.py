"""Slots of old optimizers become children, in the object graph and in that of the checkpoint alike."""

from __future__ import annotations

from workbench.disk import schema
from workbench.disk.schema import SavedObjectGraph, TrackableObjectGraph
from workbench.surgery.export.optimizer_slots import plain_slots


def saved(identifier: str = "optimizer") -> SavedObjectGraph:
    """0 root: `model` 1 with variable `w` 2; `optimizer` 3, which keeps 4 as the slot `m` of 2."""
    graph = schema.SavedObjectGraph()
    for _ in range(5):
        graph.nodes.add()
    graph.nodes[0].children.add(local_name="model", node_id=1)
    graph.nodes[0].children.add(local_name="optimizer", node_id=3)
    graph.nodes[1].children.add(local_name="w", node_id=2)
    graph.nodes[3].user_object.identifier = identifier
    graph.nodes[3].slot_variables.add(original_variable_node_id=2, slot_name="m", slot_variable_node_id=4)
    return graph


def tracked(slot: str = "m") -> TrackableObjectGraph:
    """The same objects under other numbers: root 0, optimizer 1, model 2, slot 3, `w` 4."""
    graph = schema.TrackableObjectGraph()
    for _ in range(5):
        graph.nodes.add()
    graph.nodes[0].children.add(local_name="optimizer", node_id=1)
    graph.nodes[0].children.add(local_name="model", node_id=2)
    graph.nodes[2].children.add(local_name="w", node_id=4)
    graph.nodes[1].slot_variables.add(original_variable_node_id=4, slot_name=slot, slot_variable_node_id=3)
    return graph


def children(node: object) -> list[tuple[str, int]]:
    return [(child.local_name, child.node_id) for child in node.children]  # type: ignore[attr-defined]


def test_a_slot_is_a_child_of_the_same_name_in_both() -> None:
    ours, theirs = saved(), tracked()
    plain_slots(ours, theirs, 0, 0)
    assert children(ours.nodes[3]) == [("slot_0_m", 4)] and not ours.nodes[3].slot_variables
    assert children(theirs.nodes[1]) == [("slot_0_m", 3)] and not theirs.nodes[1].slot_variables


def test_a_slot_that_the_checkpoint_lacks_is_removed() -> None:
    ours, theirs = saved(), tracked("v")
    plain_slots(ours, theirs, 0, 0)
    assert children(ours.nodes[3]) == [] and not ours.nodes[3].slot_variables
    assert children(theirs.nodes[1]) == []


def test_without_a_graph_in_the_checkpoint_no_slot_stays() -> None:
    ours, theirs = saved(), tracked()
    plain_slots(ours, theirs, 0, None)
    assert not ours.nodes[3].slot_variables and children(ours.nodes[3]) == []
    assert theirs == tracked()


def test_an_optimizer_of_today_is_left_alone() -> None:
    ours, theirs = saved("tf_deprecated_optimizer"), tracked()
    plain_slots(ours, theirs, 0, 0)
    assert (ours, theirs) == (saved("tf_deprecated_optimizer"), tracked())
