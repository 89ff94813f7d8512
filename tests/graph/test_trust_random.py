"""Random programs over file names, run by a few lines of Python: what is excused never gets another path than its own.

The interpreter below says what TensorFlow does with the inputs of each op; it shares nothing with the walk.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.protos import Func, const, function, graph, meta_graph, node
from workbench.checks.unsafe import scan
from workbench.model import MetaGraph

OWN, OTHER = "own", "other"
TURNS = 4


class Program:
    """Functions that read files by their arguments, and call those that come after them.

    Attributes:
        read: function and node to the file names that it was given.
    """

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.functions: dict[str, Any] = {}
        self.read: dict[tuple[str, str], set[str]] = {}
        for at in reversed(range(self.rng.randrange(2, 7))):
            self._function(f"f{at}")

    def _function(self, name: str) -> None:
        arguments = [f"a{number}" for number in range(self.rng.randrange(1, 4))]
        entries, nodes = list(arguments), [const("c", OTHER)]
        entries.append("c:output:0")
        for at in range(self.rng.randrange(1, 6)):
            kind = self.rng.choice(
                ["Identity", "ReadFile", "ReadFile", *["call"] * (3 if self.functions else 0)]
            )
            if kind == "call":
                nodes.append(self._call(f"n{at}", entries))
                continue
            nodes.append(node(f"n{at}", kind, self.rng.choice(entries)))
            if kind == "Identity":
                entries.append(f"n{at}:output:0")
        returned = [self.rng.choice([*entries, argument, argument]) for argument in arguments]
        returns = {f"r{number}": entry for number, entry in enumerate(returned)}
        self.functions[name] = function(name, [f"{one}:7" for one in arguments], *nodes, returns=returns)

    def _call(self, name: str, entries: list[str]) -> Any:
        called = self.rng.choice(list(self.functions))
        inputs = [self.rng.choice(entries) for _ in self.functions[called].signature.input_arg]
        op = self.rng.choice(["PartitionedCall", "function", "If", "Case", "While", "MapDataset"])
        if op == "function":
            return node(name, called, *inputs)
        if op == "If":
            return node(name, op, self.rng.choice(entries), *inputs, then_branch=Func(called))
        if op == "Case":
            return node(name, op, self.rng.choice(entries), *inputs, branches=[Func(called)])
        if op == "While":
            return node(name, op, *inputs, body=Func(called))
        if op == "MapDataset":
            captured = inputs[self.rng.randrange(len(inputs) + 1) :]
            return node(name, op, "dataset", *captured, f=Func(called), Targuments=[7] * len(captured))
        return node(name, op, *inputs, f=Func(called))

    def run(self, name: str, values: list[str]) -> list[str]:
        """Runs a function on file names; the file names it returns."""
        one = self.functions[name]
        known = {arg.name: value for arg, value in zip(one.signature.input_arg, values, strict=True)}
        for step in one.node_def:
            given = [known.get(entry, OTHER) for entry in step.input]
            if step.op == "Const":
                known["c:output:0"] = OTHER
            elif step.op == "Identity":
                known[f"{step.name}:output:0"] = given[0]
            elif step.op == "ReadFile":
                self.read.setdefault((name, step.name), set()).add(given[0])
            else:
                self._run_call(step, given)
        return [known[one.ret[out.name]] for out in one.signature.output_arg]

    def _run_call(self, step: Any, given: list[str]) -> None:
        if step.op in self.functions:
            self.run(step.op, given)
        elif step.op == "PartitionedCall":
            self.run(step.attr["f"].func.name, given)
        elif step.op == "If":
            self.run(step.attr["then_branch"].func.name, given[1:])
        elif step.op == "Case":
            self.run(step.attr["branches"].list.func[0].name, given[1:])
        elif step.op == "While":
            for _ in range(TURNS):
                given = self.run(step.attr["body"].func.name, given)
        else:
            called = step.attr["f"].func.name
            elements = len(self.functions[called].signature.input_arg) - len(given[1:])
            self.run(called, [OTHER] * elements + given[1:])

    def meta(self, inputs: list[str]) -> MetaGraph:
        """The model whose init op calls the first function; the loader feeds `own` with an asset's path."""
        call = node("init", "PartitionedCall", *inputs, f=Func("f0"))
        main = graph(const(OWN, ""), const(OTHER, "/x"), call, functions=self.functions.values())
        found = meta_graph(main)
        found.asset_file_def.add(filename="vocab.txt").tensor_info.name = f"{OWN}:0"
        found.collection_def["saved_model_main_op"].node_list.value.append("init")
        return MetaGraph(found)


@pytest.mark.parametrize("programs", [120, pytest.param(1_200, marks=pytest.mark.exhaustive)])
def test_what_is_excused_reads_its_own_asset_alone(programs: int) -> None:
    excused = wrong = cautious = 0
    for seed in range(programs):
        program = Program(seed)
        arguments = program.functions["f0"].signature.input_arg
        inputs = [program.rng.choice([OWN, OWN, OTHER]) for _ in arguments]
        program.run("f0", inputs)
        told = {(one.path[-1], one.node): one for one in scan(program.meta(inputs))}
        for place, values in program.read.items():
            assert OTHER not in values or told[place].excuse is None, f"seed {seed}: {place} reads {values}"
            excused += told[place].excuse is not None
            wrong += OTHER in values
            cautious += told[place].excuse is None and values == {OWN}
    assert excused > programs / 2
    assert 3 * wrong > 5 * programs
    assert cautious < excused / 20, "paths are followed where they can be"
