"""Marks for random models, and the functions of all kinds that hide them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.hostile.build import (
    BOOL,
    INT32,
    Build,
    constant,
    flag,
    function_def,
    integer,
    marking,
    shapes,
    types,
    vector,
)
from tests.protos import Func, node
from workbench.disk import schema


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

    def write(self) -> Mutant:
        """Builds and writes it."""
        raise NotImplementedError

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


def _gradient(making: Making, name: str, inner: str) -> list[Any]:
    zero, entry = _zero(name)
    slope = node("same", "Identity", "dy", T=INT32)
    through = node("in", "StatefulPartitionedCall", "i", f=Func(inner), **NUMBER)
    gives = {"r": ("same:output:0", INT32)}
    takes = {"i": INT32, "dy": INT32}
    making.build.library(function_def(f"{name}_g", takes, gives, [through, slope], after=["in"]))
    plain = making.plain()
    making.build.meta.graph_def.library.gradient.add(function_name=plain, gradient_func=f"{name}_g")
    ends = {"Tin": types([INT32, INT32]), "Tout": types([INT32])}
    return [zero, node(name, "SymbolicGradient", entry, entry, f=Func(plain), **ends)]


def _reduce(making: Making, name: str, inner: str) -> list[Any]:
    zero, entry = _zero(name)
    call = node("in", "StatefulPartitionedCall", "i", f=Func(inner), **NUMBER)
    takes = {"s": INT32, "i": INT32}
    making.build.library(function_def(f"{name}_r", takes, {"r": ("in:output:0", INT32)}, [call]))
    ends = {"output_types": types([INT32]), "output_shapes": shapes(0)}
    data = node(f"{name}_d", "TensorDataset", entry, Toutput_types=types([INT32]), output_shapes=shapes(0))
    options = {"f": Func(f"{name}_r"), "Tstate": types([INT32]), "Targuments": types([]), **ends}
    return [zero, data, node(name, "ReduceDataset", f"{name}_d:handle:0", entry, **options)]


def _swapped(making: Making, name: str, inner: str) -> list[Any]:
    """A function that implements the same as one that is called; only grappler would swap them."""
    plain = making.plain()
    for function in making.build.meta.graph_def.library.function:
        if function.signature.name in (plain, inner):
            function.attr["api_implements"].s = name.encode()
            function.attr["api_preferred_device"].s = b"CPU" if function.signature.name == inner else b"GPU"
    zero, entry = _zero(name)
    return [zero, node(name, "PartitionedCall", entry, f=Func(plain), **NUMBER)]


def _spread(making: Making, name: str, inner: str) -> list[Any]:
    one = constant(f"{name}_one", vector([0]), INT32)
    ends = {"Targuments": types([INT32]), "Tcaptured": types([]), "output_types": types([INT32])}
    return [
        one,
        node(name, "MapDefun", f"{name}_one:output:0", f=Func(inner), output_shapes=shapes(0), **ends),
    ]


CALLS: dict[str, Callable[[Making, str, str], list[Any]]] = {
    "StatefulPartitionedCall": _partitioned,
    "PartitionedCall": _partitioned_pure,
    "op": _op,
    "If": _if,
    "Case": _case,
    "While": _while,
    "MapDataset": _map,
    "BatchFunction": _batch,
    "SymbolicGradient": _gradient,
    "ReduceDataset": _reduce,
    "api_implements": _swapped,
    "MapDefun": _spread,
}
