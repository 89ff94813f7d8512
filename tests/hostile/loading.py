"""Hostile models that `tf.saved_model.load` runs: functions in places where it looks for methods.

Sources: saved_model/load.py (Loader), checkpoint/restore.py, trackable/base.py, trackable/resource.py.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.hostile.build import (
    BOOL,
    FLOAT,
    RESOURCE,
    STRING,
    Build,
    constant,
    function_def,
    marking,
    spec,
    types,
    vector,
)
from tests.hostile.registry import DELETE, hostile
from tests.protos import Func, node

SERIALIZE = ".TENSORS"
ONE = {"r": ("r:output:0", FLOAT)}


def saving(b: Build, *, marked: bool = True, name: str = "save") -> str:
    """A save function as old saveable objects have them: a list of names, slices and tensors."""
    nodes = [
        *marking(b.mark if marked else None),
        constant("n", ""),
        constant("s", ""),
        constant("t", vector([1.0], FLOAT)),
    ]
    results = {
        "name": ("n:output:0", STRING),
        "slice_spec": ("s:output:0", STRING),
        "tensor": ("t:output:0", FLOAT),
    }
    gives = [
        {
            "name": spec("name", STRING, 0),
            "slice_spec": spec("slice_spec", STRING, 0),
            "tensor": spec("tensor", FLOAT, 1),
        }
    ]
    takes = ((spec("p", STRING, 0),), {})
    return b.concrete(name, {"p": STRING}, results, nodes, after=["w"], takes=takes, gives=gives)


def restoring(b: Build, *, marked: bool = True, name: str = "restore") -> str:
    """A restore function: takes the tensor, gives anything."""
    nodes = [*marking(b.mark if marked else None), constant("one", 1.0)]
    takes = ((spec("t", FLOAT, 1),), {})
    return b.concrete(name, {"t": FLOAT}, {"r": ("one:output:0", FLOAT)}, nodes, after=["w"], takes=takes)


def kept(b: Build) -> int:
    """An object with a tensor of its own in the checkpoint."""
    number = b.child(0, "kept", b.user())
    b.restored(number, "x", "kept/.ATTRIBUTES/x")
    return number


@hostile("v2")
def save_function(b: Build) -> None:
    """The save function of a saveable object: called while restoring, for its names."""
    b.serve()
    b.saveable(kept(b), "x", b.bare(saving(b), "p"), b.bare(restoring(b, marked=False), "t"))


@hostile("v2")
def restore_function(b: Build) -> None:
    """The restore function of a saveable object."""
    b.serve()
    b.saveable(kept(b), "x", b.bare(saving(b, marked=False), "p"), b.bare(restoring(b), "t"))


@hostile("v2")
def save_function_of_a_user_object(b: Build) -> None:
    """A user object with `__call__` as the save function."""
    b.serve()
    caller = b.user(__call__=b.function(saving(b), args=["p"]))
    b.saveable(kept(b), "x", caller, b.bare(restoring(b, marked=False), "t"))


@hostile("v2")
def save_function_two_objects_deep(b: Build) -> None:
    """A user object whose `__call__` is a user object with `__call__`, as the save function."""
    b.serve()
    inner = b.user(__call__=b.function(saving(b), args=["p"]))
    b.saveable(kept(b), "x", b.user(__call__=inner), b.bare(restoring(b, marked=False), "t"))


def tensors_of(b: Build, *, marked: bool) -> str:
    """A function that gives the tensors of an object in a dict."""
    nodes = [*marking(b.mark if marked else None), constant("t", vector([1.0], FLOAT))]
    gives = {"x": spec("x", FLOAT, 1)}
    return b.concrete("tensors", {}, {"x": ("t:output:0", FLOAT)}, nodes, after=["w"], gives=gives)


def from_tensors(b: Build, *, marked: bool) -> str:
    """A function that takes the tensors of an object in a dict."""
    nodes = [*marking(b.mark if marked else None), constant("one", 1.0)]
    takes = (({"x": spec("x", FLOAT, 1)},), {})
    return b.concrete(
        "from_tensors", {"x": FLOAT}, {"r": ("one:output:0", FLOAT)}, nodes, after=["w"], takes=takes
    )


@hostile("v2")
def serialize_to_tensors_saveable(b: Build) -> None:
    """The save function of the one saveable object that means `_serialize_to_tensors`."""
    b.serve()
    save = b.function(tensors_of(b, marked=True))
    b.saveable(kept(b), SERIALIZE, save, b.function(from_tensors(b, marked=False), args=["x"]))


@hostile("v2")
def restore_from_tensors_saveable(b: Build) -> None:
    """The restore function of the one saveable object that means `_restore_from_tensors`."""
    b.serve()
    save = b.function(tensors_of(b, marked=False))
    b.saveable(kept(b), SERIALIZE, save, b.function(from_tensors(b, marked=True), args=["x"]))


@hostile("v2")
def child_serialize_to_tensors(b: Build) -> None:
    """A child called `_serialize_to_tensors` is the method of that name; overwritten by nothing."""
    b.serve()
    number = kept(b)
    b.child(number, "_serialize_to_tensors", b.function(tensors_of(b, marked=True)))
    b.child(number, "_restore_from_tensors", b.function(from_tensors(b, marked=False), args=["x"]))


@hostile("v2")
def child_restore_from_tensors(b: Build) -> None:
    """A child called `_restore_from_tensors`."""
    b.serve()
    number = kept(b)
    b.child(number, "_serialize_to_tensors", b.function(tensors_of(b, marked=False)))
    b.child(number, "_restore_from_tensors", b.function(from_tensors(b, marked=True), args=["x"]))


@hostile("v2")
def child_of_a_variable(b: Build) -> None:
    """A variable has a child called `_serialize_to_tensors`: restoring the variable calls it."""
    b.serve()
    variable = b.child(0, "v", b.variable("v"))
    nodes = [*marking(b.mark), constant("t", vector([1.0], FLOAT))]
    gives = {"VARIABLE_VALUE": spec("x", FLOAT, 1)}
    b.concrete("tensors", {}, {"x": ("t:output:0", FLOAT)}, nodes, after=["w"], gives=gives)
    b.child(variable, "_serialize_to_tensors", b.function("tensors"))


def named_method(name: str) -> Callable[[Build], None]:
    """A model whose root has the mark under the name of a method without arguments."""

    def change(b: Build) -> None:
        b.serve()
        b.child(0, name, b.marker())
        if name == "_gather_saveables_for_checkpoint":
            b.restored(0, "x", "root/.ATTRIBUTES/x")

    change.__name__ = f"child{name}"
    change.__doc__ = f"A child called `{name}` is the method of that name."
    return change


for _name in (
    "_trackable_children",
    "_maybe_initialize_trackable",
    "_gather_saveables_for_checkpoint",
):
    hostile("v2")(named_method(_name))


@hostile("v2")
def child_with_bare_function(b: Build) -> None:
    """A concrete function, not a `tf.function`, called `_maybe_initialize_trackable`."""
    b.serve()
    b.child(0, "_maybe_initialize_trackable", b.bare(b.marker_function()))


@hostile("v2")
def child_with_user_object(b: Build) -> None:
    """A user object with `__call__`, called `_maybe_initialize_trackable`."""
    b.serve()
    b.child(0, "_maybe_initialize_trackable", b.user(__call__=b.marker()))


@hostile("v2")
def child_far_below(b: Build) -> None:
    """The method is that of an object three levels below the root."""
    b.serve()
    deep = b.user(_maybe_initialize_trackable=b.marker())
    b.child(0, "a", b.user(b=b.user(c=deep)))


@hostile("v2")
def child_checkpoint_adapter(b: Build) -> None:
    """A child called `_checkpoint_adapter` gets the path of the checkpoint."""
    b.serve()
    nodes = [*marking(b.mark), constant("no", False)]
    takes = ((spec("p", STRING, 0),), {})
    b.concrete(
        "adapter",
        {"p": STRING},
        {"r": ("no:output:0", BOOL)},
        nodes,
        after=["w"],
        takes=takes,
        gives=spec("r", BOOL, 0),
    )
    b.child(0, "_checkpoint_adapter", b.function("adapter", args=["p"]))


@hostile("v2")
def child_lookup_dependency(b: Build) -> None:
    """A child called `_lookup_dependency` is asked for each child that the checkpoint has."""
    b.serve()
    takes = ((spec("name", STRING, 0),), {})
    b.concrete(
        "lookup",
        {"name": STRING},
        {"r": ("r:output:0", FLOAT)},
        [*marking(b.mark), constant("r", 1.0)],
        after=["w"],
        takes=takes,
        gives=spec("r", FLOAT, 0),
    )
    b.child(0, "_lookup_dependency", b.function("lookup", args=["name"]))
    b.child(0, "other", b.user())


@hostile("v2")
def child_handle_deferred_dependencies(b: Build) -> None:
    """A child called `_handle_deferred_dependencies` gets each later child of its object, here a variable."""
    b.serve()
    takes = ((spec("name", STRING, 0), spec("trackable", FLOAT, 1)), {})
    nodes = [*marking(b.mark), constant("r", 1.0)]
    b.concrete(
        "handle",
        {"name": STRING, "trackable": FLOAT},
        {"r": ("r:output:0", FLOAT)},
        nodes,
        after=["w"],
        takes=takes,
        gives=spec("r", FLOAT, 0),
    )
    b.child(0, "_handle_deferred_dependencies", b.function("handle", args=["name", "trackable"]))
    b.child(0, "v", b.variable("v"))


def method_of_a_dict(name: str) -> str:
    """The attribute of every trackable object that holds a dict, by the method that is called of it."""
    return {
        "pop": "_self_unconditional_deferred_dependencies",
        "get": "_self_unconditional_dependency_names",
    }[name]


@hostile("v2")
def dict_with_pop(b: Build) -> None:
    """An attribute that the loader takes for a dict is an object with a function called `pop`."""
    b.serve()
    takes = ((spec("name", STRING, 0), ()), {})
    b.concrete("pop", {"name": STRING}, {}, marking(b.mark), after=["w"], takes=takes, gives=[])
    b.child(0, method_of_a_dict("pop"), b.user(pop=b.function("pop", args=["name", "default"])))
    b.child(0, "other", b.user())


@hostile("v2")
def dict_with_get(b: Build) -> None:
    """An attribute that the loader takes for a dict is an object with a function called `get`."""
    b.serve()
    takes = ((spec("name", STRING, 0),), {})
    nodes = [*marking(b.mark), constant("r", 1.0)]
    b.concrete(
        "get",
        {"name": STRING},
        {"r": ("r:output:0", FLOAT)},
        nodes,
        after=["w"],
        takes=takes,
        gives=spec("r", FLOAT, 0),
    )
    b.child(0, method_of_a_dict("get"), b.user(get=b.function("get", args=["name"])))
    b.child(0, "other", b.user())


# -- resources


@hostile("v2")
def resource_initialize(b: Build) -> None:
    """`_initialize` of a resource."""
    b.serve()
    b.child(0, "table", b.resource(_initialize=b.marker()))


@hostile("v2")
def resource_initialize_that_is_an_object(b: Build) -> None:
    """`_initialize` of a resource is a user object with `__call__`."""
    b.serve()
    b.child(0, "table", b.resource(_initialize=b.user(__call__=b.marker())))


def handle_function(b: Build, mark: bool) -> str:
    """A function that makes a table."""
    nodes = [
        *marking(b.mark if mark else None),
        node("h", "MutableHashTableV2", shared_name="t", key_dtype=STRING, value_dtype=FLOAT),
    ]
    gives = spec("h", RESOURCE, 0)
    return b.concrete("create", {}, {"h": ("h:table_handle:0", RESOURCE)}, nodes, after=["w"], gives=gives)


def captured(b: Build, resource: int) -> None:
    """The signature captures a resource."""
    b.add(node("main_table", "MutableHashTableV2", shared_name="main", key_dtype=STRING, value_dtype=FLOAT))
    b.serve(captures=[resource], captured={"table": RESOURCE}, inputs=["main_table"])


@hostile("v2")
def resource_create(b: Build) -> None:
    """`_create_resource` of a resource that a function captures."""
    resource = b.resource(_create_resource=b.function(handle_function(b, True)))
    b.child(0, "table", resource)
    captured(b, resource)


@hostile("v2")
def resource_create_that_is_an_object(b: Build) -> None:
    """`_create_resource` is a user object with `__call__`; the capture is that of a function no object has."""
    b.serve()
    create = b.user(__call__=b.function(handle_function(b, True)))
    resource = b.child(0, "table", b.resource(_create_resource=create))
    takes, gives = {"table": RESOURCE}, {"r": ("one:output:0", FLOAT)}
    b.concrete("loose", {}, gives, [constant("one", 1.0)], captures=[resource], captured=takes)


@hostile("v2", phase=DELETE)
def resource_destroy(b: Build) -> None:
    """`_destroy_resource` runs when the loaded model is deleted."""
    b.serve()
    b.child(0, "table", b.resource(_destroy_resource=b.marker()))


@hostile("v2", phase=DELETE)
def resource_destruction_context(b: Build) -> None:
    """`_destruction_context` of a resource is called first thing when it is deleted."""
    b.serve()
    b.child(0, "table", b.resource(_destruction_context=b.marker()))


@hostile("v2")
def registered_table(b: Build) -> None:
    """A user object whose registered name makes it a table: `_initialize` is called."""
    b.serve()
    b.child(0, "table", b.user(registered="tf.StaticHashTable", _initialize=b.marker()))


@hostile("v2", phase=DELETE)
def registered_table_destroyed(b: Build) -> None:
    """A user object whose registered name makes it a table: `_destroy_resource` is called."""
    b.serve()
    b.child(0, "table", b.user(registered="tf.StaticHashTable", _destroy_resource=b.marker()))


@hostile("v2")
def registered_variable(b: Build) -> None:
    """A variable whose registered name makes it a table."""
    b.serve()
    number = b.child(0, "table", b.variable("v"))
    del b.attributes[number]
    b.objects[number].registered_name = "tf.StaticHashTable"
    b.child(number, "_initialize", b.marker())


@hostile("v2")
def registered_function(b: Build) -> None:
    """A function whose registered name makes it a table."""
    b.serve()
    number = b.child(0, "table", b.marker())
    b.objects[number].registered_name = "tf.StaticHashTable"
    b.child(number, "_initialize", b.function("marker"))


@hostile("v2")
def resource_that_nothing_names(b: Build) -> None:
    """The resource is nobody's child: it is made and filled all the same."""
    b.serve()
    b.resource(_initialize=b.marker())


@hostile("v2")
def initialize_calls_deep(b: Build) -> None:
    """`_initialize` calls a function that calls a function that leaves the mark."""
    b.serve()
    b.library(
        function_def(
            "inner", {}, {"r": ("one:output:0", FLOAT)}, [*marking(b.mark), constant("one", 1.0)], after=["w"]
        )
    )
    call = {"Tin": types([]), "Tout": types([FLOAT])}
    middle = node("c", "StatefulPartitionedCall", f=Func("inner"), **call)
    b.library(function_def("middle", {}, {"r": ("c:output:0", FLOAT)}, [middle], after=["c"]))
    outer = node("c", "StatefulPartitionedCall", f=Func("middle"), **call)
    b.concrete("outer", {}, {"r": ("c:output:0", FLOAT)}, [outer], after=["c"], gives=spec("r", FLOAT, 0))
    b.child(0, "table", b.resource(_initialize=b.function("outer")))
