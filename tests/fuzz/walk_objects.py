"""Random models with an object graph: functions under all names that a loader might look for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.fuzz.walk_marks import Making, Mutant
from tests.hostile.build import (
    FLOAT,
    RESOURCE,
    STRING,
    constant,
    spec,
    vector,
)
from tests.protos import node

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
        return self.rng.choice(fit or [0])

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
