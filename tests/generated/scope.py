"""A main graph or the body of a function that grows by one random step at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import numpy as np

from tests.generated.values import WIDTH, Array, Env, Func, Value, set_attr, tensor

DTYPES = ("float32", "float64", "int32", "int64")
NAMES = ("x", "y", "w", "add", "part/x", "part/add", "part/deep/w", "Identity", "a.b-c", "n_1")
"""Few, so that two models have most of their names in common."""
CALLS = ("PartitionedCall", "StatefulPartitionedCall", "the function")
_MOST_PRODUCTS = 3  # all numbers stay multiples of a power of two that are exact in float32

_BINARY: dict[str, Callable[[Array, Array], Array]] = {
    "AddV2": np.add,
    "Sub": np.subtract,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
}
_UNARY: dict[str, tuple[str, Callable[[Array], Array]]] = {
    "Neg": ("y", np.negative),
    "Abs": ("y", np.abs),
    "Identity": ("output", np.asarray),
}


class Scope:
    """Where nodes are added.

    Args:
        random: decides.
        nodes: the repeated field of NodeDefs.
        body: whether it is a function's.
        library: makes functions: `(random, argument dtypes, result dtypes, depth) -> (name, compute)`.
        depth: of calls.
    """

    def __init__(self, random: Random, nodes: Any, *, body: bool, library: Library, depth: int = 0) -> None:
        self.random = random
        self.numbers = library.numbers
        self.nodes = nodes
        self.body = body
        self.library = library
        self.depth = depth
        self.taken: set[str] = set()
        self.values: list[Value] = []
        self.plain: list[str] = []  # nodes a control edge may come from
        self.products = 0
        self.edges = (
            False  # whether what is added may get a control edge: not what runs before there are inputs
        )

    # -- nodes

    def name(self, base: str | None = None) -> str:
        """A name that is free, of few."""
        base = base or self.random.choice(NAMES)
        name, number = base, 0
        while name in self.taken:
            number += 1
            name = f"{base}_{number}"
        self.taken.add(name)
        return name

    def node(self, op: str, inputs: Sequence[Value | str] = (), name: str | None = None, **attrs: Any) -> str:
        """Adds a node; its name."""
        node = self.nodes.add(name=self.name(name), op=op)
        node.input.extend(each.ref if isinstance(each, Value) else each for each in inputs)
        if self.edges and self.plain and self.random.random() < 0.15:
            node.input.append(f"^{self.random.choice(self.plain)}")
        for key, value in attrs.items():
            set_attr(node, key, value)
        if self.edges and self.plain and self.random.random() < 0.05:
            node.attr["_class"].list.s.append(f"loc:@{self.random.choice(self.plain)}".encode())
        return str(node.name)

    def out(
        self,
        node: str,
        arg: str,
        dtype: str,
        compute: Callable[[Env], Array],
        at: int = 0,
        flat: int | None = None,
    ) -> Value:
        """A tensor of a node: the `at`-th of its output `arg`, `flat`-th of all."""
        number = at if flat is None else flat
        ref = f"{node}:{arg}:{at}" if self.body else f"{node}:{number}" if number else node
        return Value(ref, dtype, compute, node)

    def const(self, value: Any, dtype: str) -> Value:
        """A Const."""
        array = np.asarray(value, dtype)
        node = self.node("Const", dtype=dtype, value=tensor(array, dtype))
        return self.out(node, "output", dtype, lambda env: array)

    def vector(self, dtype: str) -> Value:
        """A Const `[4]` of small numbers."""
        return self.const(small(self.numbers, dtype), dtype)

    # -- steps

    def some(self, dtype: str | None = None) -> Value:
        """A value that is there, of a dtype."""
        fits = [value for value in self.values if dtype is None or value.dtype == dtype]
        if not fits:
            assert dtype is not None
            return self.cast(self.random.choice(self.values), dtype)
        return self.random.choice(fits)

    def step(self) -> None:
        """Adds something."""
        steps = [self.binary, self.binary, self.unary, self.product, self.split, self.recast]
        if self.depth < 3:
            steps += [self.call, self.branch, self.loop]
        self.edges = not self.body
        self.values.append(self.random.choice(steps)())
        self.edges = False

    def binary(self) -> Value:
        """Two values, or one and a constant."""
        one = self.some()
        other = self.some(one.dtype) if self.random.random() < 0.6 else self.vector(one.dtype)
        op = self.random.choice(list(_BINARY))
        node = self.node(op, [one, other], T=one.dtype)
        if not self.body and not op.startswith("M"):
            self.plain.append(node)
        return self.out(node, "z", one.dtype, lambda env: _BINARY[op](one.of(env), other.of(env)))

    def unary(self) -> Value:
        """One value."""
        one = self.some()
        op = self.random.choice(list(_UNARY))
        arg, function = _UNARY[op]
        return self.out(self.node(op, [one], T=one.dtype), arg, one.dtype, lambda env: function(one.of(env)))

    def product(self) -> Value:
        """One value, times a small constant."""
        if self.products >= _MOST_PRODUCTS:
            return self.unary()
        self.products += 1
        one = self.some()
        other = self.vector(one.dtype)
        node = self.node("Mul", [one, other], T=one.dtype)
        return self.out(node, "z", one.dtype, lambda env: one.of(env) * other.of(env))

    def recast(self) -> Value:
        """Another dtype; a float is cut to what any int holds."""
        return self.cast(self.some(), self.random.choice(DTYPES))

    def cast(self, one: Value, dtype: str) -> Value:
        """A value of another dtype."""
        if one.dtype == dtype:
            return one
        if one.dtype.startswith("float"):
            for op, edge in (("Minimum", 1000), ("Maximum", -1000)):
                one = self._edge(op, one, self.const(edge, one.dtype))
        node = self.node("Cast", [one], SrcT=one.dtype, DstT=dtype)
        return self.out(node, "y", dtype, lambda env: one.of(env).astype(dtype))

    def _edge(self, op: str, one: Value, edge: Value) -> Value:
        node = self.node(op, [one, edge], T=one.dtype)
        return self.out(node, "z", one.dtype, lambda env: _BINARY[op](one.of(env), edge.of(env)))

    def split(self) -> Value:
        """Halves, swapped: the second output of a node."""
        one = self.some()
        axis = self.const(1, "int32")
        node = self.node("Split", [axis, one], T=one.dtype, num_split=2)
        half = WIDTH // 2
        left = self.out(node, "output", one.dtype, lambda env: one.of(env)[:, :half], 0)
        right = self.out(node, "output", one.dtype, lambda env: one.of(env)[:, half:], 1)
        joined = self.node("ConcatV2", [right, left, axis], T=one.dtype, Tidx="int32", N=2)
        return self.out(
            joined, "output", one.dtype, lambda env: np.concatenate([right.of(env), left.of(env)], 1)
        )

    def call(self, op: str | None = None) -> Value:
        """A call of a function, new or known, by an op, or as the op of a node."""
        given = [self.some() for _ in range(self.random.randint(1, 2))]
        results = [self.random.choice(DTYPES) for _ in range(self.random.randint(1, 2))]
        name, compute = self.library.function(
            self.random, [one.dtype for one in given], results, self.depth + 1
        )
        op = op or self.random.choice(CALLS)
        at = self.random.randrange(len(results))
        if op == "the function":
            node = self.node(name, given)
            return self.out(
                node, f"out_{at}", results[at], lambda env: compute([one.of(env) for one in given])[at], 0, at
            )
        node = self.node(op, given, Tin=[one.dtype for one in given], Tout=results, f=Func(name))
        return self.out(
            node, "output", results[at], lambda env: compute([one.of(env) for one in given])[at], at
        )

    def predicate(self) -> Value:
        """A scalar bool that depends on a value."""
        one = self.some()
        axes = self.const([0, 1], "int32")
        largest = self.node("Max", [one, axes], T=one.dtype, Tidx="int32", keep_dims=False)
        top = self.out(largest, "output", one.dtype, lambda env: one.of(env).max())
        limit = self.const(small(self.numbers, one.dtype)[0], one.dtype)
        node = self.node("Less", [top, limit], T=one.dtype)
        return self.out(node, "z", "bool", lambda env: np.asarray(top.of(env) < limit.of(env)))

    def branch(self) -> Value:
        """`If`, stateless or not."""
        test, one = self.predicate(), self.some()
        dtype = self.random.choice(DTYPES)
        yes, no = (self.library.function(self.random, [one.dtype], [dtype], self.depth + 1) for _ in "yn")
        node = self.node(
            self.random.choice(["If", "StatelessIf"]), [test, one], Tcond="bool", Tin=[one.dtype], Tout=[dtype],
            then_branch=Func(yes[0]), else_branch=Func(no[0]),
        )  # fmt: skip
        return self.out(node, "output", dtype, lambda env: (yes if test.of(env) else no)[1]([one.of(env)])[0])

    def loop(self) -> Value:
        """`While` of a few turns, stateless or not; the loop variables are a counter and a value."""
        one = self.some()
        turns = self.random.randint(0, 3)
        test = self.library.counts_to(turns, one.dtype)
        body, compute = self.library.counting(self.random, one.dtype, self.depth + 1)
        start = self.const(0, "int32")
        node = self.node(
            self.random.choice(["While", "StatelessWhile"]), [start, one], T=["int32", one.dtype],
            cond=Func(test), body=Func(body), parallel_iterations=10,
        )  # fmt: skip

        def computed(env: Env) -> Array:
            found = one.of(env)
            for _ in range(turns):
                found = compute(found)
            return found

        return self.out(node, "output", one.dtype, computed, 1)


class Library:
    """The functions of a model; each is made of random steps, or one that was made before for the same types.

    Args:
        functions: the repeated field of FunctionDefs.
        numbers: makes the constants of the whole model.
    """

    def __init__(self, functions: Any, numbers: Random) -> None:
        self.functions = functions
        self.numbers = numbers
        self.names: set[str] = set()
        self.made: list[tuple[str, list[str], list[str], int, Callable[[list[Array]], list[Array]]]] = []

    def new(self, base: str) -> Any:
        """An empty function."""
        name, number = base, 0
        while name in self.names:
            number += 1
            name = f"{base}_{number}"
        self.names.add(name)
        function = self.functions.add()
        function.signature.name = name
        return function

    def function(
        self, random: Random, arguments: list[str], results: list[str], depth: int
    ) -> tuple[str, Callable[[list[Array]], list[Array]]]:
        """A function of these types: its name, and what it computes."""
        for name, known, given, at, compute in self.made:
            if known == arguments and given == results and at >= depth and random.random() < 0.5:
                return name, compute
        function = self.new(random.choice(["f", "g", "__inference_call_12"]))
        scope = Scope(random, function.node_def, body=True, library=self, depth=depth)
        for number, dtype in enumerate(arguments):
            scope.values.append(argument(function, scope, f"arg_{number}", dtype))
        for _ in range(random.randint(1, 3)):
            scope.step()
        outs = [scope.some(dtype) for dtype in results]
        for number, (value, dtype) in enumerate(zip(outs, results, strict=True)):
            result(function, f"out_{number}", dtype, value)

        def compute(given: list[Array]) -> list[Array]:
            env = Env({f"arg_{number}": array for number, array in enumerate(given)})
            return [value.of(env) for value in outs]

        self.made.append((function.signature.name, arguments, results, depth, compute))
        return function.signature.name, compute

    def counts_to(self, turns: int, dtype: str) -> str:
        """A condition: the first loop variable is below `turns`."""
        function = self.new("cond")
        scope = Scope(Random(0), function.node_def, body=True, library=self, depth=9)
        counter = argument(function, scope, "arg_0", "int32")
        argument(function, scope, "arg_1", dtype)
        node = scope.node("Less", [counter, scope.const(turns, "int32")], T="int32")
        result(function, "out_0", "bool", Value(f"{node}:z:0", "bool", lambda env: np.asarray(False)))
        return str(function.signature.name)

    def counting(self, random: Random, dtype: str, depth: int) -> tuple[str, Callable[[Array], Array]]:
        """The body of a loop: the counter goes up by one, the value becomes another of its dtype."""
        function = self.new("body")
        scope = Scope(random, function.node_def, body=True, library=self, depth=depth)
        counter = argument(function, scope, "arg_0", "int32")
        given = argument(function, scope, "arg_1", dtype)
        node = scope.node("AddV2", [counter, scope.const(1, "int32")], T="int32")
        scope.values.append(given)
        scope.products = _MOST_PRODUCTS  # it would grow with each turn
        for _ in range(random.randint(1, 2)):
            scope.step()
        out = scope.some(dtype)
        result(function, "out_0", "int32", Value(f"{node}:z:0", "int32", lambda env: np.asarray(0)))
        result(function, "out_1", dtype, out)
        return str(function.signature.name), lambda array: out.of(Env({"arg_1": array}))


def argument(function: Any, scope: Scope, name: str, dtype: str) -> Value:
    """Adds an argument to a function."""
    from workbench.disk import dtypes

    function.signature.input_arg.add(name=name, type=dtypes.enum(dtype))
    scope.taken.add(name)
    return Value(name, dtype, lambda env: env.inputs[name])


def result(function: Any, name: str, dtype: str, value: Value) -> None:
    """Adds a result to a function."""
    from workbench.disk import dtypes

    function.signature.output_arg.add(name=name, type=dtypes.enum(dtype))
    function.ret[name] = value.ref


def small(random: Random, dtype: str) -> Array:
    """Four small numbers, multiples of a quarter where they can be."""
    quarters = [random.randint(-8, 8) for _ in range(WIDTH)]
    return np.asarray([each / 4 if dtype.startswith("float") else each // 3 for each in quarters], dtype)
