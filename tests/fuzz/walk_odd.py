"""Random models with an object graph that is odd: numbers from the end, dependencies, slots, captures of anything."""

from __future__ import annotations

from tests.fuzz.walk_marks import Mutant
from tests.fuzz.walk_objects import METHODS, SHAPES, Objects
from tests.hostile.build import FLOAT, INT32, RESOURCE, constant, spec, texts, vector
from tests.protos import node

_CAPTURED = """
is_distributed_variable is_distributed_table is_sharded_variable _should_act_as_resource_variable handle
__tf_experimental_restore_capture__ _distribute_strategy _captured_inputs resource_handle asset_path
"""
CAPTURED = _CAPTURED.split()
"""What is looked for on an object that a function captures."""
_MORE_IDENTIFIERS = """
optimizer _tf_keras_layer _tf_keras_model _tf_keras_metric trackable_dict_wrapper signature_map nobody_knows
"""
MORE_IDENTIFIERS = _MORE_IDENTIFIERS.split()


class Odd(Objects):
    """A model whose object graph has what TensorFlow itself never writes."""

    family = "odd"

    def write(self) -> Mutant:
        """Builds and writes it."""
        self.skeleton()
        ways = (
            self.from_the_end,
            self.dependency,
            self.slots,
            self.captures_anything,
            self.other_identifier,
            self.several_traces,
            self.deep,
            self.of_another_version,
            self.other_root,
            self.evaluated,
            self.unnamed_checkpoint,
            self.named_child,
            self.saved,
            self.resourced,
        )
        for _ in range(1 + self.rng.randrange(4)):
            self.rng.choice(ways)()
        self.build.save(self.folder)
        return self.mutant

    def some(self, name: str, where: str) -> int:
        """Something that can be called, for a place of this name."""
        fit = SHAPES.get(name, ("none", "none", "text", "x", "tensor", "save", "empty_dict"))
        return self.callee(self.rng.choice(fit), where)

    def from_the_end(self) -> None:
        """Numbers below zero."""
        parent, name = self.parent(), self.child_name()
        self.some(name, f"child {name} of a {self.kind(parent)}, by -1")
        self.build.objects[parent].children.add(local_name=name, node_id=-1)

    def dependency(self) -> None:
        """An object is made with another: of a resource that is `_create_resource`."""
        number = self.build.resource() if self.rng.random() < 0.6 else self.parent()
        name = self.rng.choice(["_create_resource", "_initialize", self.child_name()])
        made = self.some(name, f"dependency {name} of a {self.kind(number)}")
        self.build.objects[number].dependencies.add(local_name=name, node_id=made)
        self.build.concrete(
            self.name("uses"),
            {},
            {"r": ("r:output:0", FLOAT)},
            [constant("r", 1.0)],
            captures=[number],
            captured={"c": RESOURCE},
        )

    def slots(self) -> None:
        """An object with slot variables, and a function that would make them."""
        one, two = self.build.variable(self.name("v")), self.build.variable(self.name("v"))
        self.build.child(0, self.name("a"), one)
        number = self.build.child(0, "slots", self.build.user())
        name = self.rng.choice(["add_slot", "_create_or_restore_slot_variable", self.child_name()])
        self.build.child(number, name, self.some(name, f"child {name} of one with slots"))
        found = self.build.objects[number].slot_variables.add(slot_name="m")
        found.original_variable_node_id, found.slot_variable_node_id = one, two

    def captures_anything(self) -> None:
        """A function captures a plain object that has what is looked for on captures."""
        number = self.build.child(0, self.name("held"), self.build.user())
        for _ in range(1 + self.rng.randrange(3)):
            name = self.rng.choice(CAPTURED)
            made = (
                self.build.variable(self.name("v"))
                if self.rng.random() < 0.3
                else self.some(name, f"child {name} of one that is captured")
            )
            self.build.child(number, name, made)
        name = self.name("uses")
        one = {"r": ("r:output:0", FLOAT)}
        ones = [constant("r", 1.0)]
        held = {"c": RESOURCE}
        self.build.concrete(name, {}, one, ones, captures=[number], captured=held, gives=spec("r", FLOAT, 0))
        if self.rng.random() < 0.5:
            self.build.child(0, "uses", self.build.function(name))

    def other_identifier(self) -> None:
        """A user object of another kind."""
        number = self.build.child(
            self.parent_user(), self.name("o"), self.build.user(self.rng.choice(MORE_IDENTIFIERS))
        )
        name = self.child_name()
        self.build.child(number, name, self.some(name, f"child {name} of another kind"))

    def of_another_version(self) -> None:
        """A container of a version that this TensorFlow does not make containers of."""
        number = self.build.child(0, self.name("o"), self.build.user(self.rng.choice(MORE_IDENTIFIERS)))
        version = self.build.objects[number].user_object.version
        version.producer = version.min_consumer = self.rng.choice([0, 2, 7])
        name = self.child_name()
        self.build.child(number, name, self.some(name, f"child {name} of another version"))

    def several_traces(self) -> None:
        """A function of several traces; the mark is in one."""
        name, shape = self.child_name(), self.rng.choice(["none", "text", "x"])
        first, _ = self.concrete("tensors", f"trace of {name}")
        second, args = self.concrete(shape, f"trace of {name}")
        traces = [first, second]
        if self.rng.random() < 0.5:
            traces.reverse()
        self.build.child(self.parent(), name, self.build.function(*traces, args=args or ["x"]))

    def deep(self) -> None:
        """Three names below each other."""
        names = [self.child_name() for _ in range(3)]
        parent = self.parent()
        made = self.some(names[-1], f"child {'.'.join(names)} of a {self.kind(parent)}")
        for name in reversed(names[1:]):
            made = self.build.user(**{name: made})
        self.build.child(parent, names[0], made)

    def other_root(self) -> None:
        """The root is of another kind, or has a registered name."""
        root = self.build.objects[0]
        if self.rng.random() < 0.5:
            root.user_object.identifier = self.rng.choice(MORE_IDENTIFIERS)
        else:
            root.registered_name = "tf.StaticHashTable"

    def evaluated(self) -> None:
        """A function that nothing calls, with an op that shape inference runs."""
        name, function = self.name("w"), self.name("shaped")
        file = self.folder.with_name(f"{self.folder.name}.{name}")
        self.mutant.marks[name] = (file, "evaluated for a shape")
        urls = {"debug_urls": texts(f"file://{file}"), "tensor_name": "size:0"} if self.marked else {}
        op = "DebugIdentity" if self.marked else "Identity"
        user = self.rng.choice(["Fill", "Reshape", "Tile", "Identity"])
        options = {"Identity": {"T": INT32}, "Fill": {"T": FLOAT, "index_type": INT32}}
        inputs = {
            "Fill": (f"{name}:output:0", "one:output:0"),
            "Reshape": ("ones:output:0", f"{name}:output:0"),
            "Tile": ("ones:output:0", f"{name}:output:0"),
            "Identity": (f"{name}:output:0",),
        }[user]
        nodes = [
            constant("size", vector([1]), INT32),
            constant("one", 1.0),
            constant("ones", vector([1.0], FLOAT)),
            node(name, op, "size:output:0", T=INT32, **urls),
            node("shaped", user, *inputs, **options.get(user, {"T": FLOAT, "Tshape": INT32})),
        ]
        if user == "Tile":
            nodes[-1].attr["Tmultiples"].type = INT32
            del nodes[-1].attr["Tshape"]
        self.build.concrete(function, {}, {"r": ("one:output:0", FLOAT)}, nodes)

    def unnamed_checkpoint(self) -> None:
        """The checkpoint says nothing of objects, or more than there is."""
        number = self.rng.randrange(len(self.build.objects))
        self.build.attributes.setdefault(number, []).append(("x", f"lost{number}/.ATTRIBUTES/x"))
        if self.rng.random() < 0.7:
            self.build.restored(number, self.rng.choice(METHODS), f"odd{number}/.ATTRIBUTES/x")
