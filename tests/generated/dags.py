"""Several generated models and wires between them: a plan, and what the composition computes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np

from tests.generated.models import Generated, generate
from tests.generated.scope import DTYPES, small
from tests.generated.values import Array
from workbench.surgery.draft import Draft
from workbench.surgery.operations.connect import Connect
from workbench.surgery.operations.share import Share
from workbench.surgery.plan import Plan, ResultOptions, Source
from workbench.surgery.step import Step

ROWS = 3


@dataclass(frozen=True, slots=True)
class Dag:
    """A plan over generated models.

    Attributes:
        models: by handle, in an order in which each comes after those that feed it.
        wires: `(handle, input) → (handle, output)`.
        plan: of the join.
        shared: inputs `(handle, input)` that take one value, by the key of the result.
    """

    models: Mapping[str, Generated]
    wires: Mapping[tuple[str, str], tuple[str, str]]
    plan: Plan
    shared: Mapping[str, list[tuple[str, str]]] = field(default_factory=dict)

    @property
    def odd(self) -> bool:
        """Whether it has what `tf.saved_model.load` takes in some graphs only: functions that know a variable by its
        name, or are the op of a node.
        """
        return any({"read by name", "op that is a function"} & model.kinds for model in self.models.values())

    def values(self, random: Random) -> dict[tuple[str, str], Array]:
        """Random values for the inputs that are not wired; one for those that share it."""
        made = {
            (handle, key): np.stack([small(random, dtype) for _ in range(ROWS)])
            for handle, model in self.models.items()
            for key, dtype in model.inputs.items()
            if (handle, key) not in self.wires
        }
        return made | {end: made[ends[0]] for ends in self.shared.values() for end in ends}

    def compute(self, values: Mapping[tuple[str, str], Array]) -> dict[tuple[str, str], Array]:
        """What all the outputs are worth: each model after those that feed it."""
        found: dict[tuple[str, str], Array] = {}
        for handle, model in self.models.items():
            given = {
                key: found[self.wires[handle, key]] if (handle, key) in self.wires else values[handle, key]
                for key in model.inputs
            }
            found |= {(handle, key): array for key, array in model.compute(given).items()}
        return found

    def inputs(self, draft: Draft, values: Mapping[tuple[str, str], Array]) -> dict[str, Array]:
        """The values under the keys of the result."""
        return {
            port.key: values[self.shared[port.key][0] if port.shared else (port.handle, port.own_key)]
            for port in draft.interface.inputs
        }

    def outputs(self, draft: Draft, values: Mapping[tuple[str, str], Array]) -> dict[str, Array]:
        """What the result must give."""
        found = self.compute(values)
        return {port.key: found[port.handle, port.own_key] for port in draft.interface.outputs}


def make_dag(random: Random, folder: Path, *, steps: int = 6) -> Dag:
    """Two to four models, joined at random; all are part of one join."""
    models: dict[str, Generated] = {}
    wires: dict[tuple[str, str], tuple[str, str]] = {}
    free: list[str] = []  # dtypes of inputs without a wire
    shares: set[str] = set()  # those by which a model without a wire is part of the join
    for handle in "abcd"[: random.randint(2, 4)]:
        outputs = [
            (other, key, dtype) for other, model in models.items() for key, dtype in model.outputs.items()
        ]
        inputs = {}
        for key in ("x", "u")[: random.randint(1, 2)]:
            inputs[key] = random.choice(DTYPES)
            if free and key == "x" and random.random() < 0.35:
                inputs[key] = random.choice(free)
                shares.add(inputs[key])
            elif outputs and (key == "x" or random.random() < 0.5):
                other, output, inputs[key] = random.choice(outputs)
                wires[handle, key] = (other, output)
        free += [dtype for key, dtype in inputs.items() if (handle, key) not in wires]
        models[handle] = generate(random, folder / handle, inputs, steps=steps)
    shared = share_some(random, models, wires, shares)
    steps_of_plan: list[Step] = [
        Connect(f"{b}@#{output}", f"{a}@#{key}") for (a, key), (b, output) in wires.items()
    ]
    steps_of_plan += [Share({key: [f"{a}@#{own}" for a, own in ends]}) for key, ends in shared.items()]
    plan = Plan(
        tuple(Source(handle, model.path) for handle, model in models.items()),
        tuple(steps_of_plan),
        ResultOptions(
            keep_outputs=random.random() < 0.3,
            keep_signatures=random.random() < 0.2,
            freeze=random.random() < 0.2,
            format=random.choice(["auto", "auto", "tf1"]),
        ),
    )
    return Dag(models, wires, plan, shared)


def share_some(
    random: Random,
    models: Mapping[str, Generated],
    wires: Collection[tuple[str, str]],
    wanted: Collection[str],
) -> dict[str, list[tuple[str, str]]]:
    """Inputs of one dtype that take one value: two or more without a wire, of wanted dtypes and of others at random."""
    by_dtype: dict[str, list[tuple[str, str]]] = {}
    for handle, model in models.items():
        for key, dtype in model.inputs.items():
            if (handle, key) not in wires:
                by_dtype.setdefault(str(dtype), []).append((handle, key))
    return {
        f"shared_{dtype}": ends
        for dtype, ends in by_dtype.items()
        if len(ends) > 1 and (dtype in wanted or random.random() < 0.5)
    }
