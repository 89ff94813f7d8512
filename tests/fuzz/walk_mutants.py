"""Random small models with marks in functions and nodes, put where loaders look. A number makes the model.

A mark is a WriteFile of a file of its own, at a node `w3` (or a ReadFile of a secret): what fires and what the walk
reports are compared one by one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.walk_paths import SCALAR, Paths
from tests.hostile.build import (
    BOOL,
    FLOAT,
    INT32,
    RESOURCE,
    STRING,
    Build,
    constant,
    flag,
    function_def,
    integer,
    marking,
    shapes,
    spec,
    types,
    vector,
    write,
)
from tests.hostile.graphs import variable, variable_def
from tests.protos import Func, node
from workbench.disk import schema

_METHODS = """
_add_trackable_child _add_variable_with_custom_getter _as_graph_element _assign_dependencies _call _call_flat
_call_impl _call_with_flat_signature _call_with_structured_signature _captured_inputs _checkpoint_adapter
_checkpoint_dependencies _copy_trackable_to_cpu _create_resource _dense_var_to_tensor _deferred_dependencies
_delete_tracking _deserialization_dependencies _deserialize_from_proto _destroy_resource _destruction_context
_export_to_saved_model_graph _func_graph _function_spec _function_type _gather_saveables_for_checkpoint
_get_gradient_function _handle_deferred_dependencies _initialize _inference_function
_list_all_concrete_functions _list_all_concrete_functions_for_serialization _lookup_dependency
_maybe_initialize_trackable _name_based_attribute_restore _name_based_restores _no_dependency
_num_positional_args _object_identifier _parent_trackable _preload_simple_restoration _read_variable_op
_resource_device _resource_handle _resource_type _restore_from_tensors _self_destruction_context
_self_name_based_restores _self_saveable_object_factories _self_setattr_tracking
_self_unconditional_checkpoint_dependencies _self_unconditional_deferred_dependencies
_self_unconditional_dependency_names _self_update_uid _serialize_to_proto _serialize_to_tensors
_setattr_tracking _shape_tuple _strided_slice_assign _track_trackable _trackable_children
_unconditional_checkpoint_dependencies _unconditional_dependency_names _update_uid _variable_call __call__
__enter__ __exit__ __iter__ __len__ __getitem__ __setattr__ __del__ add add_gradient_functions_to_graph
add_slot add_to_graph append assign captured_inputs concrete_functions create create_resource deserialize
device dtype eval function_spec function_type get get_concrete_function graph graph_debug_info handle
initialize initialized_value initializer is_initialized items keys load name numpy op pop prune
python_function read_value read_value_no_copy ref regularization_losses resource_handle restore serialize
serving_default setdefault shape signatures sparse_read structured_input_signature structured_outputs to_proto
trainable trainable_variables update value values variables a b c 0 1
"""
METHODS = _METHODS.split()
_OFTEN = """
_initialize _create_resource _destroy_resource _trackable_children _serialize_to_tensors __call__
"""
OFTEN = _OFTEN.split()
_COLLECTIONS = """
saved_model_main_op legacy_init_op table_initializer local_variables variables model_variables init_op
ready_op ready_for_local_init_op local_init_op train_op queue_runners savers saveable_objects summaries losses
trainable_variables global_step saved_model_train_op resources local_resources update_ops
"""
COLLECTIONS = _COLLECTIONS.split()
REGISTERED = ("tf.StaticHashTable", "tf.TrackableConstant", "Custom.Nothing", "tf.TPUEmbeddingV2")
_IDENTIFIERS = """
_generic_user_object signature_map trackable_dict_wrapper trackable_list_wrapper trackable_tuple_wrapper
"""
IDENTIFIERS = _IDENTIFIERS.split()


SHAPES: dict[str, tuple[str, ...]] = {
    "_checkpoint_adapter": ("text",),
    "_lookup_dependency": ("text", "text_dict"),
    "_handle_deferred_dependencies": ("text_tensor",),
    "_trackable_children": ("empty_dict", "none"),
    "_gather_saveables_for_checkpoint": ("empty_dict", "none", "dict"),
    "_serialize_to_tensors": ("dict", "none", "value"),
    "_restore_from_tensors": ("tensors",),
    "_create_resource": ("handle", "none"),
    "_call_flat": ("flat",),
    "pop": ("text_unit",),
    "setdefault": ("text_list",),
    "get": ("text",),
    "serving_default": ("x", "named"),
    "__call__": ("none", "x", "text", "save", "tensor", "handle", "dict"),
}
"""What a function is called with that stands under a name."""


@dataclass
class Mutant:
    """A model in a folder.

    Attributes:
        family: `objects`, `graph`, `paths`.
        marks: by node name: the file, and where it was put.
        secret: the file that must not be read; None where nothing reads.
        tags: the tag sets of its MetaGraphs.
    """

    family: str
    marks: dict[str, tuple[Path, str]] = field(default_factory=dict)
    secret: Path | None = None
    where: str = ""
    tags: list[tuple[str, ...]] = field(default_factory=lambda: [("serve",)])


def make(folder: Path, seed: int, number: int, *, marked: bool = True) -> Mutant:
    """Writes mutant `number`; without marks, the clean model it would be."""
    rng = random.Random(f"{seed} walk {number}")
    family = rng.choices(["objects", "graph", "paths"], [6, 3, 2])[0]
    return {"objects": Objects, "graph": Graph, "paths": Files}[family](folder, rng, marked).write()


class Making:
    """What the families share: marks, and functions that hide them."""

    family = ""

    def __init__(self, folder: Path, rng: random.Random, marked: bool) -> None:
        self.folder, self.rng, self.marked = folder, rng, marked
        self.build = Build()
        self.mutant = Mutant(self.family)
        self.count = 0

    def name(self, start: str) -> str:
        """A name that is not in use."""
        self.count += 1
        return f"{start}{self.count}"

    def mark(self, where: str) -> tuple[str, list[Any]]:
        """A new mark: its name, and its nodes."""
        name = self.name("w")
        file = self.folder.with_name(f"{self.folder.name}.{name}")
        self.mutant.marks[name] = (file, where)
        return name, marking(str(file) if self.marked else None, name=name)

    def hidden(self, where: str, depth: int = 0) -> tuple[str, list[Any]]:
        """Nodes of a function body that leave a mark, maybe in functions below; the name of the last."""
        if depth > 2 or self.rng.random() < 0.55:
            return self.mark(where)
        kind = self.rng.choice(list(CALLS))
        inner, name = self.name("inner"), self.name("call")
        last, nodes = self.hidden(f"{where} > {kind}", depth + 1)
        same = node("same", "Identity", "i", f"^{last}", T=INT32)
        gives = {"r": ("same:output:0", INT32)}
        self.build.library(function_def(inner, {"i": INT32}, gives, [*nodes, same], after=[last]))
        return name, CALLS[kind](self, name, inner)

    def plain(self) -> str:
        """A harmless function from a number to itself."""
        name = self.name("plain")
        same = [node("same", "Identity", "i", T=INT32)]
        self.build.library(function_def(name, {"i": INT32}, {"r": ("same:output:0", INT32)}, same))
        return name


def _zero(name: str) -> tuple[Any, str]:
    return constant(f"{name}_zero", 0, INT32), f"{name}_zero:output:0"


NUMBER = {"Tin": types([INT32]), "Tout": types([INT32])}


def _partitioned(making: Making, name: str, inner: str) -> list[Any]:
    zero, entry = _zero(name)
    return [zero, node(name, "StatefulPartitionedCall", entry, f=Func(inner), **NUMBER)]


def _partitioned_pure(making: Making, name: str, inner: str) -> list[Any]:
    zero, entry = _zero(name)
    return [zero, node(name, "PartitionedCall", entry, f=Func(inner), **NUMBER)]


def _op(making: Making, name: str, inner: str) -> list[Any]:
    zero, entry = _zero(name)
    return [zero, node(name, inner, entry)]


def _if(making: Making, name: str, inner: str) -> list[Any]:
    zero, entry = _zero(name)
    yes = making.rng.random() < 0.5
    branches = [Func(inner), Func(making.plain())]
    if not yes:
        branches.reverse()
    op = making.rng.choice(["If", "StatelessIf"])
    functions = {"then_branch": branches[0], "else_branch": branches[1]}
    options = {"Tcond": BOOL, "output_shapes": shapes(0), **NUMBER, **functions}
    return [
        zero,
        constant(f"{name}_yes", yes),
        node(name, op, f"{name}_yes:output:0", entry, **options),
    ]


def _case(making: Making, name: str, inner: str) -> list[Any]:
    zero, entry = _zero(name)
    branches = [Func(inner), Func(making.plain())]
    op = making.rng.choice(["Case", "StatelessCase"])
    return [zero, node(name, op, entry, entry, branches=branches, output_shapes=shapes(0), **NUMBER)]


def _while(making: Making, name: str, inner: str) -> list[Any]:
    zero, entry = _zero(name)
    call = node("in", "StatefulPartitionedCall", "i", f=Func(inner), **NUMBER)
    body = [call, constant("one", 1, INT32), node("n", "AddV2", "in:output:0", "one:output:0", T=INT32)]
    end = [constant("end", 1, INT32), node("r", "Less", "i", "end:output:0", T=INT32)]
    in_body = making.rng.random() < 0.5
    if not in_body:
        body[0] = node("in", "Identity", "i", T=INT32)
        end.insert(0, call)
    making.build.library(
        function_def(f"{name}_b", {"i": INT32}, {"r": ("n:z:0", INT32)}, body),
        function_def(f"{name}_c", {"i": INT32}, {"r": ("r:z:0", BOOL)}, end),
    )
    functions = {"cond": Func(f"{name}_c"), "body": Func(f"{name}_b"), "parallel_iterations": integer(1)}
    op = making.rng.choice(["While", "StatelessWhile"])
    return [zero, node(name, op, entry, T=types([INT32]), output_shapes=shapes(0), **functions)]


def _map(making: Making, name: str, inner: str) -> list[Any]:
    zero, entry = _zero(name)
    ends = {"output_types": types([INT32]), "output_shapes": shapes(0)}
    data = node(f"{name}_d", "TensorDataset", entry, Toutput_types=types([INT32]), output_shapes=shapes(0))
    mapped = node(
        f"{name}_m", "MapDataset", f"{name}_d:handle:0", f=Func(inner), Targuments=types([]), **ends
    )
    return [zero, data, mapped, node(name, "DatasetToSingleElement", f"{name}_m:handle:0", **ends)]


def _remote(making: Making, name: str, inner: str) -> list[Any]:
    zero, entry = _zero(name)
    where = constant(f"{name}_at", "/job:localhost/replica:0/task:0/device:CPU:0")
    return [zero, where, node(name, "RemoteCall", f"{name}_at:output:0", entry, f=Func(inner), **NUMBER)]


def _batch(making: Making, name: str, inner: str) -> list[Any]:
    sizes = schema.AttrValue()
    sizes.list.SetInParent()
    numbers = {
        "num_batch_threads": integer(1),
        "max_batch_size": integer(8),
        "batch_timeout_micros": integer(1),
    }
    names = {"container": "", "shared_name": name, "batching_queue": ""}
    options = {"allowed_batch_sizes": sizes, "enable_large_batch_splitting": flag(False), **numbers, **names}
    one = constant(f"{name}_one", vector([0]), INT32)
    entry = f"{name}_one:output:0"
    captured = types([])
    return [one, node(name, "BatchFunction", entry, f=Func(inner), Tcaptured=captured, **NUMBER, **options)]


CALLS: dict[str, Callable[[Making, str, str], list[Any]]] = {
    "StatefulPartitionedCall": _partitioned,
    "PartitionedCall": _partitioned_pure,
    "op": _op,
    "If": _if,
    "Case": _case,
    "While": _while,
    "MapDataset": _map,
    "BatchFunction": _batch,
}


class Objects(Making):
    """A model with an object graph."""

    family = "objects"

    def concrete(self, shape: str, where: str) -> tuple[str, list[str]]:
        """A concrete function of a shape with a mark inside; its name and its arguments."""
        name = self.name("f")
        last, nodes = self.hidden(f"{where} as {shape}")
        after = [last]
        inputs: dict[str, int] = {}
        takes: Any = ((), {})
        one = {"r": ("r:output:0", FLOAT)}
        gives: Any = spec("r", FLOAT, 0)
        body = [constant("r", 1.0)]
        keywords = False
        words = spec("p", STRING, 0)
        if shape in ("text", "text_unit", "text_list", "text_dict"):
            inputs = {"p": STRING}
            takes = {
                "text": ((words,), {}),
                "text_unit": ((words, ()), {}),
                "text_list": ((words, []), {}),
                "text_dict": ((words, {}), {}),
            }[shape]
            if shape != "text":
                one, gives, body = {}, [], []
        elif shape == "text_tensor":
            inputs, takes = {"p": STRING, "t": FLOAT}, ((words, spec("t", FLOAT, 1)), {})
        elif shape == "tensor":
            inputs, takes = {"t": FLOAT}, ((spec("t", FLOAT, 1),), {})
        elif shape == "tensors":
            inputs, takes = {"x": FLOAT}, (({"x": spec("x", FLOAT, 1)},), {})
        elif shape == "empty_dict":
            one, gives, body = {}, {}, []
        elif shape in ("dict", "value"):
            body = [constant("r", vector([1.0], FLOAT))]
            gives = {"x" if shape == "dict" else "VARIABLE_VALUE": spec("r", FLOAT, 1)}
        elif shape == "save":
            inputs, takes = {"p": STRING}, ((words,), {})
            body = [constant("n", ""), constant("s", ""), constant("t", vector([1.0], FLOAT))]
            one = {
                "name": ("n:output:0", STRING),
                "slice_spec": ("s:output:0", STRING),
                "tensor": ("t:output:0", FLOAT),
            }
            gives = [{key: spec(key, dtype) for key, (_, dtype) in one.items()}]
        elif shape in ("x", "named", "flat"):
            inputs, keywords = {"x": FLOAT}, shape == "named"
            body = [node("r", "Identity", "x", T=FLOAT)]
            one = {"y": ("r:output:0", FLOAT)}
            takes = None if shape != "flat" else (([spec("x", FLOAT)], []), {})
            gives = None
        elif shape == "handle":
            body = [node("h", "MutableHashTableV2", shared_name=name, key_dtype=STRING, value_dtype=FLOAT)]
            one, gives = {"h": ("h:table_handle:0", RESOURCE)}, spec("h", RESOURCE, 0)
        captured = self.captures()
        self.build.concrete(
            name,
            inputs,
            one,
            [*nodes, *body],
            after=after,
            takes=takes,
            gives=gives,
            keywords=keywords,
            captures=captured,
            captured={f"c{at}": RESOURCE for at in range(len(captured))},
        )
        return name, list(inputs)

    def captures(self) -> list[int]:
        """Sometimes a variable or a resource that the function captures."""
        if self.rng.random() > 0.15:
            return []
        fit = [
            at
            for at, one in enumerate(self.build.objects)
            if one.HasField("variable") or (one.HasField("resource") and one.children)
        ]
        return [self.rng.choice(fit)] if fit else []

    def callee(self, shape: str, where: str) -> int:
        """An object that can be called, or is not reached by calling alone."""
        way = self.rng.random()
        name, args = self.concrete(shape, where)
        if shape in ("text_unit", "text_list", "text_dict"):
            args = ["p", "default"]
        if shape == "flat":
            args = ["args", "captured_inputs"]
        if way < 0.5:
            return self.build.function(name, args=args)
        if way < 0.7:
            return self.build.bare(name, *args)
        number = self.build.function(name, args=args)
        for _ in range(1 + (way > 0.9)):
            number = self.build.user(__call__=number)
        if way > 0.97:
            number = self.build.user("trackable_list_wrapper", **{"0": number})
        return number

    def child_name(self) -> str:
        return self.rng.choice(OFTEN) if self.rng.random() < 0.25 else self.rng.choice(METHODS)

    def parent(self) -> int:
        """Any object, the root more often."""
        return 0 if self.rng.random() < 0.3 else self.rng.randrange(len(self.build.objects))

    def kind(self, number: int) -> str:
        return str(self.build.objects[number].WhichOneof("kind"))

    def skeleton(self) -> None:
        """Objects to put things under."""
        build, rng = self.build, self.rng
        build.serve(captures=self.captures())
        for _ in range(rng.randrange(4)):
            way = rng.randrange(5)
            name = rng.choice(["a", "b", "c", "layers", "v", "table", "0"])
            if way == 0:
                made = build.variable(self.name("v"))
            elif way == 1:
                made = build.resource()
            elif way == 2:
                made = build.user(registered=rng.choice(REGISTERED[:1]))
            else:
                made = build.user(rng.choice([IDENTIFIERS[0], IDENTIFIERS[0], *IDENTIFIERS]))
            build.child(self.parent_user(), name, made)

    def parent_user(self) -> int:
        """The root or another plain user object."""
        fit = [
            at
            for at, one in enumerate(self.build.objects)
            if one.user_object.identifier == IDENTIFIERS[0] and not one.registered_name
        ]
        return self.rng.choice(fit)

    def named_child(self) -> None:
        """A function under a name that may be a method's."""
        parent, name = self.parent(), self.child_name()
        fit = SHAPES.get(name, ("none", "none", "text", "x", "tensor", "save", "empty_dict"))
        where = f"child {name} of a {self.kind(parent)}"
        self.build.child(parent, name, self.callee(self.rng.choice(fit), where))

    def below_a_method(self) -> None:
        """An object under the name of a method or attribute, with a function under a name."""
        parent, outer, inner = self.parent(), self.child_name(), self.child_name()
        fit = SHAPES.get(inner, ("none", "text", "empty_dict"))
        made = self.callee(self.rng.choice(fit), f"child {outer}.{inner} of a {self.kind(parent)}")
        holder = self.build.user(self.rng.choice([IDENTIFIERS[0], IDENTIFIERS[2]]))
        self.build.child(holder, inner, made)
        self.build.child(parent, outer, holder)

    def saved(self) -> None:
        """Functions that save and restore an object, which may have a tensor in the checkpoint."""
        build, rng = self.build, self.rng
        number = self.parent_user() if rng.random() < 0.8 else self.parent()
        if number == 0 and rng.random() < 0.8:
            number = build.child(0, self.name("kept"), build.user())
        if rng.random() < 0.6:
            pair = ("save", "tensor")
            name = rng.choice(["x", "table", "VARIABLE_VALUE", ""])
        else:
            pair, name = ("dict", "tensors"), ".TENSORS"
        save = self.callee(pair[0], f"save_function {name} of a {self.kind(number)}")
        restore = self.callee(pair[1], f"restore_function {name} of a {self.kind(number)}")
        build.saveable(number, name, save, restore)
        if rng.random() < 0.8:
            build.restored(number, "x", f"kept{number}/.ATTRIBUTES/x")

    def resourced(self) -> None:
        """A resource with a function under one of the names that are looked for; nobody's child at times."""
        name = self.rng.choice(["_initialize", "_create_resource", "_destroy_resource", self.child_name()])
        fit = SHAPES.get(name, ("none",))
        way = self.rng.random()
        kind = "resource" if way < 0.5 else "registered"
        made = self.callee(self.rng.choice(fit), f"child {name} of a {kind}")
        number = self.build.resource() if way < 0.5 else self.build.user(registered=REGISTERED[0])
        self.build.child(number, name, made)
        if self.rng.random() < 0.7:
            self.build.child(self.parent_user(), "table", number)
        if self.rng.random() < 0.4:
            self.build.concrete(
                self.name("uses"),
                {},
                {"r": ("r:output:0", FLOAT)},
                [constant("r", 1.0)],
                captures=[number],
                captured={"c": RESOURCE},
            )

    def registered(self) -> None:
        """A registered name on any object."""
        number = self.rng.randrange(1, len(self.build.objects))
        self.build.objects[number].registered_name = self.rng.choice(REGISTERED)

    def another_signature(self) -> None:
        """A signature with a mark: in the objects, in the main graph, or in both."""
        key = self.rng.choice(["serving_default", "other", "train"])
        if key in self.build.meta.signature_def:
            key = self.name("key")
        last, nodes = self.hidden(f"signature {key}")
        self.build.serve(key, nodes, after=[last])
        if self.rng.random() < 0.4:
            self.swap(key)

    def swap(self, key: str) -> None:
        """The object under a key is another's."""
        objects = self.build.objects
        at = next(int(one.node_id) for one in objects[0].children if one.local_name == "signatures")
        child = next(one for one in objects[at].children if one.local_name == key)
        way = self.rng.randrange(3)
        if way == 0:
            child.node_id = objects[at].children[0].node_id
        elif way == 1:
            self.build.child(at, key, int(objects[at].children[0].node_id))
        else:
            self.build.child(at, key, self.callee("x", f"object under the key {key}"))

    def tracked(self) -> None:
        """What nothing restores gets a tensor in the checkpoint."""
        number = self.rng.randrange(len(self.build.objects))
        if number not in self.build.attributes:
            name = self.rng.choice(["x", "VARIABLE_VALUE", ".TENSORS/x"])
            self.build.restored(number, name, f"more{number}/.ATTRIBUTES/{name}")

    def write(self) -> Mutant:
        """Builds and writes it."""
        self.skeleton()
        ways: Sequence[Callable[[], None]] = (
            self.named_child,
            self.named_child,
            self.named_child,
            self.below_a_method,
            self.saved,
            self.resourced,
            self.registered,
            self.another_signature,
            self.tracked,
        )
        for _ in range(1 + self.rng.randrange(3)):
            self.rng.choice(ways)()
        self.build.save(self.folder)
        return self.mutant


def flat(nodes: Sequence[Any]) -> list[Any]:
    """Nodes of a body as nodes of the main graph: `n:output:1` becomes `n:1`."""
    for one in nodes:
        for at, entry in enumerate(one.input):
            parts = entry.split(":")
            if len(parts) == 3:
                one.input[at] = f"{parts[0]}:{parts[2]}"
    return list(nodes)


class Graph(Making):
    """A model without an object graph."""

    family = "graph"

    def marks(self) -> list[str]:
        """Some marks in the main graph, chained at times; the nodes to wait for."""
        names: list[str] = []
        for _ in range(1 + self.rng.randrange(3)):
            last, nodes = self.hidden("main graph")
            self.build.add(*flat(nodes))
            names.append(last)
            if self.rng.random() < 0.5:
                after = self.name("after")
                kind = self.rng.choice(["NoOp", "Const"])
                if kind == "NoOp":
                    self.build.add(node(after, "NoOp", f"^{last}"))
                else:
                    self.build.add(
                        node(
                            after,
                            "Const",
                            f"^{last}",
                            dtype=FLOAT,
                            value=constant("", 1.0).attr["value"].tensor,
                        )
                    )
                names.append(after)
        return names

    def write(self) -> Mutant:
        """Builds and writes it."""
        rng, build = self.rng, self.build
        names = self.marks()
        waits = [one for one in names if rng.random() < 0.25]
        build.plain(*waits)
        if rng.random() < 0.4:
            build.add(
                node("z", "Identity", "x", *(f"^{one}" for one in names if rng.random() < 0.3), T=FLOAT)
            )
            build.signature("other", x=FLOAT, outputs={"z": ("z:0", FLOAT)})
        for _ in range(rng.randrange(4)):
            self.collection(rng.choice(COLLECTIONS), names)
        if rng.random() < 0.2:
            build.meta.signature_def["__saved_model_init_op"].outputs[
                "__saved_model_init_op"
            ].name = rng.choice(names)
        if rng.random() < 0.4:
            self.saver(names)
        metas = [build]
        if rng.random() < 0.2:
            other = Graph(self.folder, rng, self.marked)
            other.mutant, other.count = self.mutant, self.count + 100
            other.build = Build(tags=rng.choice([("serve",), ("serve", "gpu"), (), ("serve", "serve")]))
            other.build.plain(*other.marks())
            metas.append(other.build)
            self.mutant.tags.append(other.build.tags)
            if rng.random() < 0.5:
                metas.reverse()
                metas[0].tensors = build.tensors
        write(self.folder, *metas)
        return self.mutant

    def collection(self, name: str, names: list[str]) -> None:
        """A collection with a mark's node, or with a variable whose nodes wait for one."""
        if name in self.build.meta.collection_def:
            return
        if "variables" not in name:
            picked = self.rng.choice(names)
            self.build.collection(name, picked)
            return
        made = self.name("var")
        waits = [self.rng.choice(names)] if self.rng.random() < 0.4 else []
        variable(self.build, made, *waits)
        at = self.build.meta.graph_def.node[-3]
        at.attr["shared_name"].s = made.encode()
        wait = [f"^{self.rng.choice(names)}"] if self.rng.random() < 0.5 else []
        self.build.add(node(f"{made}_assign", "AssignVariableOp", made, f"{made}_value", *wait, dtype=FLOAT))
        self.build.variable_defs(name, variable_def(made, f"{made}_assign"))
        self.restored(made)

    def restored(self, key: str) -> None:
        import numpy as np

        self.build.tensors[key] = (FLOAT, [1], np.array([2.0], np.float32).tobytes())

    def saver(self, names: list[str]) -> None:
        """A saver with marks on its halves."""
        rng, build = self.rng, self.build
        variable(build, "saved_var")
        build.meta.graph_def.node[-3].attr["shared_name"].s = b"saved_var"
        keys, slices = constant("s_names", _strings("saved_var")), constant("s_slices", _strings(""))

        def wait() -> list[str]:
            return [f"^{rng.choice(names)}"] if rng.random() < 0.3 else []

        dtypes = types([FLOAT])
        build.add(
            constant("s_file", "model"),
            keys,
            slices,
            node("s_read", "RestoreV2", "s_file", "s_names", "s_slices", *wait(), dtypes=dtypes),
            node("s_set", "AssignVariableOp", "saved_var", "s_read", *wait(), dtype=FLOAT),
            node("s_all", "NoOp", "^s_set", *wait()),
            node(
                "s_save", "SaveV2", "s_file", "s_names", "s_slices", "saved_var_read", *wait(), dtypes=dtypes
            ),
            node("s_saved", "Identity", "s_file", "^s_save", T=STRING),
        )
        found = build.meta.saver_def
        found.filename_tensor_name, found.restore_op_name = "s_file:0", "s_all"
        found.save_tensor_name, found.version = "s_saved:0", 2
        self.restored("saved_var")


def _strings(value: str) -> Any:
    found = schema.TensorProto(dtype=STRING, string_val=[value.encode()])
    found.tensor_shape.dim.add().size = 1
    return found


class Files(Making):
    """A program over file names, in the init op or in a resource's `_initialize`."""

    family = "paths"

    def write(self) -> Mutant:
        """Builds and writes it."""
        rng, build = self.rng, self.build
        secret = self.folder.with_name(f"{self.folder.name}.secret")
        self.mutant.secret = secret
        objects = rng.random() < 0.4
        own = "own" if objects else "own:output:0"
        paths = Paths(rng, build, [own, "elsewhere:output:0"])
        elsewhere = constant("elsewhere", str(secret) if self.marked else "")
        paths.nodes.append(elsewhere)
        paths.grow(rng.randrange(5))
        content = paths.read()
        self.mutant.where = f"{'objects' if objects else 'graph'}: {' '.join(paths.steps)}"
        build.asset("own:0", "own.txt", "own content")
        if rng.random() < 0.1:
            self.mutant.where += " second asset"
            build.asset("own:0", f"../../{secret.name}" if self.marked else "own.txt")
        (self.in_objects if objects else self.in_init_op)(paths.nodes, content)
        build.save(self.folder)
        return self.mutant

    def in_init_op(self, nodes: list[Any], content: str) -> None:
        build = self.build
        keep = node("keep", "AssignVariableOp", "content", content, dtype=STRING)
        handle = node("content", "VarHandleOp", dtype=STRING, shape=SCALAR, shared_name="content")
        value = node("value", "ReadVariableOp", "content", dtype=STRING)
        init = node("init", "NoOp", "^keep")
        build.add(constant("own", ""), *flat([*nodes, handle, keep, init, value]))
        build.collection("saved_model_main_op", "init").signature(outputs={"y": ("value:0", STRING)})

    def in_objects(self, nodes: list[Any], content: str) -> None:
        from tests.hostile.assets import string_variable

        build = self.build
        asset = build.child(0, "asset", build.asset_object(0))
        held = build.child(0, "content", string_variable(build))
        keep = node("keep", "AssignVariableOp", "v", content, dtype=STRING)
        body = [*nodes, keep, constant("r", 1.0)]
        one = {"r": ("r:output:0", FLOAT)}
        captured = {"v": RESOURCE, "own": STRING}
        gives = spec("r", FLOAT, 0)
        build.concrete(
            "fills", {}, one, body, after=["keep"], captures=[held, asset], captured=captured, gives=gives
        )
        build.child(0, "table", build.resource(_initialize=build.function("fills")))
        read = node("read", "ReadVariableOp", "v", dtype=STRING)
        result = {"y": ("read:value:0", STRING)}
        build.concrete("serve", {}, result, [read], captures=[held], captured={"v": RESOURCE}, keywords=True)
        signatures = build.child(0, "signatures", build.user("signature_map"))
        build.child(signatures, "serving_default", build.bare("serve"))
        main = node("main", "VarHandleOp", dtype=STRING, shape=SCALAR, shared_name="content")
        call = {"f": Func("serve"), "Tin": types([RESOURCE]), "Tout": types([STRING])}
        build.add(constant("own", ""), main, node("call", "StatefulPartitionedCall", "main", **call))
        build.signature(outputs={"y": ("call:0", STRING)})
