"""Hostile models that leave their mark when something is called that a loader gave.

Sources: saved_model/load.py (_add_object_graph_edges, signatures), keras/src/export/tfsm_layer.py (an attribute of
the name comes before the signature), tensorflow_hub/keras_layer.py (`__call__` and `regularization_losses`).
"""

from __future__ import annotations

from tests.hostile.build import FLOAT, Build, marking, spec
from tests.hostile.registry import CALL, hostile
from tests.protos import node


def same(b: Build, name: str, *, marked: bool = True) -> str:
    """A concrete function `x` → `y`, the same, by position or by name, that leaves the mark."""
    nodes = [*marking(b.mark if marked else None), node("y", "Identity", "x", "^w", T=FLOAT)]
    return b.concrete(name, {"x": FLOAT}, {"y": ("y:output:0", FLOAT)}, nodes, after=["w"])


def named(b: Build, name: str, *, marked: bool = True) -> str:
    """The same with its argument by name, as signatures have it."""
    nodes = [*marking(b.mark if marked else None), node("y", "Identity", "x", "^w", T=FLOAT)]
    return b.concrete(name, {"x": FLOAT}, {"y": ("y:output:0", FLOAT)}, nodes, after=["w"], keywords=True)


def signatures_of(b: Build) -> int:
    """The number of the signature map."""
    return next(int(one.node_id) for one in b.objects[0].children if one.local_name == "signatures")


@hostile("v1", "v2", "TFSMLayer", phase=CALL)
def signature(b: Build) -> None:
    """A signature's function writes."""
    b.serve(nodes=marking(b.mark), after=["w"])


@hostile("v2", "TFSMLayer", phase=CALL)
def signature_of_the_objects(b: Build) -> None:
    """The main graph calls a harmless function, the object under the signature's key is another."""
    b.serve()
    b.objects[
        b.objects[signatures_of(b)].children[0].node_id
    ].bare_concrete_function.concrete_function_name = named(b, "other")


@hostile("v1", phase=CALL)
def signature_of_the_main_graph(b: Build) -> None:
    """The object under the signature's key is harmless, the main graph calls another function."""
    b.serve()
    named(b, "other")
    call = next(one for one in b.meta.graph_def.node if one.name == "call")
    call.attr["f"].func.name = "other"


@hostile("v2", "TFSMLayer", phase=CALL)
def second_child_of_the_key(b: Build) -> None:
    """Two objects under one key of the signature map: the last counts."""
    b.serve()
    b.child(signatures_of(b), "serving_default", b.bare(named(b, "other"), "x"))


@hostile("v2", "TFSMLayer", phase=CALL)
def second_signature_map(b: Build) -> None:
    """Two children of the root called `signatures`: the last counts."""
    b.serve()
    b.child(0, "signatures", b.user("signature_map", serving_default=b.bare(named(b, "other"), "x")))


@hostile("v2", phase=CALL)
def signatures_that_are_a_dict(b: Build) -> None:
    """`signatures` is a plain dict of functions."""
    b.serve()
    if not b.mark:
        return
    found = b.user("trackable_dict_wrapper", serving_default=b.function(same(b, "other"), args=["x"]))
    next(one for one in b.objects[0].children if one.local_name == "signatures").node_id = found


@hostile("v2", phase=CALL)
def signature_that_is_an_object(b: Build) -> None:
    """A signature is a user object with `__call__`."""
    b.serve()
    if not b.mark:
        return
    caller = b.user(__call__=b.function(same(b, "other"), args=["x"]))
    b.objects[signatures_of(b)].children[0].node_id = caller


@hostile("v2", phase=CALL)
def method_of_a_signature(b: Build) -> None:
    """A signature's function has a child called `_call_flat`: the method that runs it."""
    b.serve()
    takes = (([spec("x", FLOAT)], []), {})
    nodes = [*marking(b.mark), node("y", "Identity", "x", "^w", T=FLOAT)]
    b.concrete("flat", {"x": FLOAT}, {"y": ("y:output:0", FLOAT)}, nodes, after=["w"], takes=takes)
    number = b.objects[signatures_of(b)].children[0].node_id
    b.child(number, "_call_flat", b.function("flat", args=["args", "captured_inputs"]))


@hostile("TFSMLayer", phase=CALL)
def attribute_before_the_signature(b: Build) -> None:
    """The root has an attribute called as the signature: Keras takes it first."""
    b.serve()
    b.child(0, "serving_default", b.bare(same(b, "other"), "x"))


@hostile("hub", phase="call __call__")
def callable_of_the_root(b: Build) -> None:
    """`__call__` of the root, of which no signature knows."""
    b.serve()
    b.child(0, "__call__", b.function(same(b, "other"), args=["x"]))


@hostile("hub", phase="call __call__")
def callable_that_is_an_object(b: Build) -> None:
    """`__call__` of the root is a user object with `__call__`."""
    b.serve()
    b.child(0, "__call__", b.user(__call__=b.function(same(b, "other"), args=["x"])))


@hostile("hub", phase="call regularization_losses")
def regularization_losses(b: Build) -> None:
    """A loss that Hub's layer calls."""
    b.serve()
    b.child(0, "regularization_losses", b.user("trackable_list_wrapper", **{"0": b.marker()}))


@hostile("TFSMLayer")
def concrete_function_that_is_asked_for(b: Build) -> None:
    """The attribute that Keras takes first is an object that it asks for its concrete function."""
    b.serve()
    asked = b.user(
        get_concrete_function=b.marker(), __call__=b.function(same(b, "other", marked=False), args=["x"])
    )
    b.child(0, "serving_default", asked)
