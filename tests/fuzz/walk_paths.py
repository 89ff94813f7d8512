"""Random programs over file names: what is read in the end is the model's own asset, or a secret elsewhere."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.hostile.build import (
    BOOL,
    INT32,
    INT64,
    RESOURCE,
    STRING,
    Build,
    constant,
    function_def,
    integer,
    shapes,
    types,
)
from tests.protos import Func, node
from workbench.disk import schema

SCALAR: Any = schema.AttrValue()
SCALAR.shape.SetInParent()
ONE = {"output_types": types([STRING]), "output_shapes": shapes(0)}


@dataclass
class Paths:
    """A program that grows: nodes as function bodies have them, and the tensors that hold a file name.

    Attributes:
        rng: what decides.
        build: the model, for functions of its library.
        entries: tensors that hold file names.
        nodes: the program.
        after: nodes that the next variable's read waits for.
    """

    rng: random.Random
    build: Build
    entries: list[str]
    nodes: list[Any] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    count: int = 0

    def name(self, start: str) -> str:
        """A name that is not in use."""
        self.count += 1
        return f"{start}{self.count}"

    def pick(self) -> str:
        """One of the file names, the latest more often."""
        return self.rng.choice([*self.entries, *self.entries[-2:]])

    def add(self, *nodes: Any) -> str:
        """Adds nodes; the name of the last."""
        self.nodes.extend(nodes)
        return str(nodes[-1].name)

    def grow(self, steps: int) -> None:
        """Some steps, each of which makes one more file name out of those there are."""
        kinds: list[Callable[[], str]] = [
            self.identity,
            self.pair,
            self.call,
            self.branch,
            self.case,
            self.loop,
            self.element,
            self.kept,
            self.kept_in_a_function,
            self.remote,
            self.selected,
            self.merged,
            self.default,
        ]
        for _ in range(steps):
            kind = self.rng.choice(kinds)
            self.steps.append(kind.__name__)
            self.entries.append(kind())

    def identity(self) -> str:
        return f"{self.add(node(self.name('same'), 'Identity', self.pick(), T=STRING))}:output:0"

    def pair(self) -> str:
        ends = types([STRING, STRING])
        name = self.add(node(self.name("pair"), "IdentityN", self.pick(), self.pick(), T=ends))
        return f"{name}:output:{self.rng.randrange(2)}"

    def default(self) -> str:
        made = node(self.name("default"), "PlaceholderWithDefault", self.pick(), dtype=STRING, shape=SCALAR)
        return f"{self.add(made)}:output:0"

    def selected(self) -> str:
        yes = self.add(constant(self.name("yes"), self.rng.random() < 0.5))
        made = node(self.name("select"), "Select", f"{yes}:output:0", self.pick(), self.pick(), T=STRING)
        return f"{self.add(made)}:output:0"

    def merged(self) -> str:
        """Strings joined: the other is empty."""
        empty = self.add(constant(self.name("empty"), ""))
        number = schema.AttrValue(i=2)
        joined = node(
            self.name("join"), "StringJoin", self.pick(), f"{empty}:output:0", N=number, separator=""
        )
        return f"{self.add(joined)}:output:0"

    def chosen(self, before: dict[str, int] | None = None) -> str:
        """A function of two file names that gives one, by its own way."""
        takes = {**(before or {}), "p0": STRING, "p1": STRING}
        name, result = self.name("chooses"), f"p{self.rng.randrange(2)}"
        body = node("r", "Identity", result, T=STRING)
        self.build.library(function_def(name, takes, {"r": ("r:output:0", STRING)}, [body]))
        return name

    def call(self) -> str:
        op = self.rng.choice(["PartitionedCall", "StatefulPartitionedCall"])
        ends = {"Tin": types([STRING, STRING]), "Tout": types([STRING])}
        made = node(self.name("call"), op, self.pick(), self.pick(), f=Func(self.chosen()), **ends)
        return f"{self.add(made)}:output:0"

    def remote(self) -> str:
        """An op that is a function's name."""
        return f"{self.add(node(self.name('call'), self.chosen(), self.pick(), self.pick()))}:r:0"

    def branch(self) -> str:
        yes = self.add(constant(self.name("yes"), self.rng.random() < 0.5))
        ends = {"Tcond": BOOL, "Tin": types([STRING, STRING]), "Tout": types([STRING])}
        functions = {"then_branch": Func(self.chosen()), "else_branch": Func(self.chosen())}
        op = self.rng.choice(["If", "StatelessIf"])
        made = node(
            self.name("if"),
            op,
            f"{yes}:output:0",
            self.pick(),
            self.pick(),
            output_shapes=shapes(0),
            **functions,
            **ends,
        )
        return f"{self.add(made)}:output:0"

    def case(self) -> str:
        at = self.add(constant(self.name("at"), self.rng.randrange(3), INT32))
        ends = {"Tin": types([STRING, STRING]), "Tout": types([STRING]), "output_shapes": shapes(0)}
        branches = [Func(self.chosen()), Func(self.chosen())]
        made = node(
            self.name("case"), "Case", f"{at}:output:0", self.pick(), self.pick(), branches=branches, **ends
        )
        return f"{self.add(made)}:output:0"

    def loop(self) -> str:
        name = self.name("loop")
        takes = {"i": INT32, "p0": STRING, "p1": STRING}
        body = [constant("one", 1, INT32), node("next", "AddV2", "i", "one:output:0", T=INT32)]
        order = self.rng.choice([("p0", "p1"), ("p1", "p0"), ("p0", "p0"), ("p1", "p1")])
        gives = {
            "i2": ("next:z:0", INT32),
            **{f"q{at}": (one, STRING) for at, one in enumerate(order)},
        }
        self.build.library(function_def(f"{name}_body", takes, gives, body))
        end = [
            constant("end", self.rng.randrange(4), INT32),
            node("r", "Less", "i", "end:output:0", T=INT32),
        ]
        self.build.library(function_def(f"{name}_cond", takes, {"r": ("r:z:0", BOOL)}, end))
        zero = self.add(constant(self.name("zero"), 0, INT32))
        options = {"T": types([INT32, STRING, STRING]), "output_shapes": shapes(0, 0, 0)}
        functions = {"cond": Func(f"{name}_cond"), "body": Func(f"{name}_body")}
        op = self.rng.choice(["While", "StatelessWhile"])
        made = node(
            name,
            op,
            f"{zero}:output:0",
            self.pick(),
            self.pick(),
            parallel_iterations=integer(1),
            **functions,
            **options,
        )
        return f"{self.add(made)}:output:{1 + self.rng.randrange(2)}"

    def element(self) -> str:
        """A data set of one element of two parts, mapped with one more file name captured."""
        takes = {"e0": STRING, "e1": STRING, "c": STRING}
        name = self.name("maps")
        body = node("r", "Identity", self.rng.choice(list(takes)), T=STRING)
        self.build.library(function_def(name, takes, {"r": ("r:output:0", STRING)}, [body]))
        pair = {"Toutput_types": types([STRING, STRING]), "output_shapes": shapes(0, 0)}
        data = self.add(node(self.name("data"), "TensorDataset", self.pick(), self.pick(), **pair))
        options = {"f": Func(name), "Targuments": types([STRING]), **ONE}
        if self.rng.random() < 0.5:
            mapped = self.add(
                node(self.name("map"), "MapDataset", f"{data}:handle:0", self.pick(), **options)
            )
        else:
            one = self.add(constant(self.name("one"), 1, INT64))
            inputs = (f"{data}:handle:0", self.pick(), f"{one}:output:0")
            mapped = self.add(node(self.name("map"), "ParallelMapDatasetV2", *inputs, **options))
        single = node(self.name("single"), "DatasetToSingleElement", f"{mapped}:handle:0", **ONE)
        return f"{self.add(single)}:components:0"

    def handle(self) -> Any:
        shared = self.rng.choice(["first", "second", "second"])
        return node(self.name("where"), "VarHandleOp", dtype=STRING, shape=SCALAR, shared_name=shared)

    def kept(self) -> str:
        """A variable of one of two shared names is written, and another node of such a name read."""
        one, two = self.handle(), self.handle()
        self.add(one, two)
        waits = [f"^{name}" for name in self.after]
        write = node(
            self.name("write"),
            "AssignVariableOp",
            f"{one.name}:resource:0",
            self.pick(),
            *waits,
            dtype=STRING,
        )
        self.after = [self.add(write)]
        read = node(
            self.name("read"),
            "ReadVariableOp",
            f"{two.name if one.attr['shared_name'] == two.attr['shared_name'] else one.name}:resource:0",
            f"^{write.name}",
            dtype=STRING,
        )
        return f"{self.add(read)}:value:0"

    def kept_in_a_function(self) -> str:
        """A function writes the variable it is given, or one of the same shared name."""
        one = self.handle()
        given = self.rng.random() < 0.5
        name, takes = self.name("writes"), {"p": STRING, **({"v": RESOURCE} if given else {})}
        inner = node("inner", "VarHandleOp", dtype=STRING, shape=SCALAR, shared_name="second")
        target = "v" if given else "inner:resource:0"
        body = [*([] if given else [inner]), node("w", "AssignVariableOp", target, "p", dtype=STRING)]
        self.build.library(function_def(name, takes, {}, body, after=["w"]))
        if not given:
            one.attr["shared_name"].s = b"second"
        self.add(one)
        inputs = [self.pick(), *([f"{one.name}:resource:0"] if given else [])]
        waits = [f"^{name}" for name in self.after]
        ends = {"Tin": types(list(takes.values())), "Tout": types([])}
        call = node(self.name("call"), "StatefulPartitionedCall", *inputs, *waits, f=Func(name), **ends)
        self.after = [self.add(call)]
        read = node(
            self.name("read"), "ReadVariableOp", f"{one.name}:resource:0", f"^{call.name}", dtype=STRING
        )
        return f"{self.add(read)}:value:0"

    def read(self) -> str:
        """Reads one of the file names, here or in a function; the content."""
        entry, way = self.pick(), self.rng.randrange(3)
        self.steps.append(f"read{way}")
        if way == 0:
            return f"{self.add(node(self.name('content'), 'ReadFile', entry))}:contents:0"
        if way == 1:
            name = self.name("reads")
            body = node("content", "ReadFile", "p")
            self.build.library(
                function_def(name, {"p": STRING}, {"r": ("content:contents:0", STRING)}, [body])
            )
            ends = {"Tin": types([STRING]), "Tout": types([STRING])}
            return f"{self.add(node(self.name('call'), 'PartitionedCall', entry, f=Func(name), **ends))}:output:0"
        empty = self.add(constant(self.name("plain"), ""))
        size = self.add(constant(self.name("size"), 0, INT64))
        inputs = (entry, f"{empty}:output:0", f"{size}:output:0")
        lines = self.add(node(self.name("lines"), "TextLineDataset", *inputs, metadata=""))
        single = node(self.name("single"), "DatasetToSingleElement", f"{lines}:handle:0", **ONE)
        return f"{self.add(single)}:components:0"
