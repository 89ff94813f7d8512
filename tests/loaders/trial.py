"""One join: made, run in every way, and, where a way fails, its sources tried alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.loaders.networks import NETWORKS
from tests.loaders.pairs import Join
from tests.loaders.ways import EQUAL, WAYS, Case, outcome, parts
from tests.surgery.tools import draft_of
from tests.zoo import ZOO, Example
from tests.zoo.run import run_v1, run_v2
from workbench.publishing.commit import commit
from workbench.runtime.inputs.make_inputs import make_inputs
from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import Plan, ResultOptions, Source
from workbench.surgery.step import parse_step

BATCH = 2
CHAIN = "tf"
Models = Callable[[str], Example]


def models(folder: Path) -> Models:
    """Examples by name, each made below `folder` when first asked for."""
    made: dict[str, Example] = {}

    def get(name: str) -> Example:
        if name not in made:
            own = folder / name
            own.mkdir(parents=True)
            made[name] = (NETWORKS.get(name) or ZOO[name])(own)
        return made[name]

    return get


@dataclass
class Trial:
    """What became of a join.

    Attributes:
        format: of the result: `tf2` if it has an object graph, else `tf1`.
        ways: outcome of the result by way.
        alone: for each way in which the result failed, handle to the outcome of that source; where all those are
            fine, also that of the same join made with TensorFlow, under `CHAIN`.
    """

    format: str
    ways: dict[str, str] = field(default_factory=dict)
    alone: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def defects(self) -> list[str]:
        """Ways in which the result fails and no source fails alike."""
        return [name for name, said in self.ways.items() if not fine(said) and not self.excuse(name)]

    def excuse(self, name: str) -> str | None:
        """The handle of a source that fails alike."""
        for handle, said in self.alone.get(name, {}).items():
            if alike(self.ways[name], said):
                return handle
        return None


def fine(said: str) -> bool:
    return said == EQUAL or said.startswith("none: ")


def alike(one: str, other: str) -> bool:
    """Whether two failures are the same but for names and numbers."""
    return not fine(other) and essence(one) == essence(other)


def essence(text: str) -> tuple[str, str]:
    """The class of a failure and what it says, without what differs from model to model."""
    kind, _, said = text.partition(": ")
    said = said.partition("loc(")[0]  # where a converter was
    said = re.sub(r"^\S+ has ", "… has ", said) if kind == "differs" else said
    said = re.sub(r"\^\S+|(?<=node )\S+", "…", said)
    said = re.sub(r"'[^']*'|\"[^\"]*\"|\{\{[^}]*\}\}|\[[^\]]*\]|<[^>]*>", "…", said)
    said = re.sub(r"\S*[/_:]\S*|\d+", "…", said)
    return kind, re.sub(r"(…\W*)+", "…", said)[:60]


def sources(join: Join, get: Models) -> dict[str, Example]:
    return {handle: get(name) for handle, name in join.parts.items()}


def make(join: Join, get: Models, target: Path) -> tuple[Any, Path]:
    """The draft and the result on disk; verified only if steps change it, since those are not compared here."""
    listed = []
    for handle, example in sources(join, get).items():
        tags = example.tags if example.path.is_dir() else None
        named = example.signature or (example.callables[0] if example.callables else None)
        listed.append(Source(handle, example.path, tags, named))
    steps = (*map(Connect.parse, join.wires), *map(parse_step, join.steps))
    draft = draft_of(Plan(tuple(listed), steps, ResultOptions(**join.options)))
    report = commit(draft, target, verify=bool(join.steps))
    assert report.published, report.reason
    return draft, target


def cases(join: Join, get: Models, draft: Any, target: Path) -> tuple[Case, dict[str, Case]]:
    """The result and its sources, with the values that go in and come out when the sources run one after the other."""
    alone: dict[str, Case] = {}
    for handle, example in sources(join, get).items():
        inputs = dict(example.inputs(BATCH))
        for text in join.wires:
            out, _, key = text.partition(" = ")
            out = out.partition(" | ")[0]  # its adapters give the same again
            giver, _, out = out.partition("@")
            taker, _, key = key.partition("@")
            if taker == handle:
                value = alone[giver].expected[out.removeprefix("#")]
                inputs[key] = as_input(value, example.inputs(BATCH)[key])
        alone[handle] = Case(example, inputs, run(example, inputs))
    inputs = {
        port.key: alone[port.handle].inputs[port.own_key]
        for port in draft.interface.inputs
        if port.own_key in alone[port.handle].inputs
    }
    expected = {port.key: alone[port.handle].expected[port.own_key] for port in draft.interface.outputs}
    signature = draft.plan.result.signature
    result = Example(path=target, inputs=lambda _: inputs, signature=signature, outputs=tuple(expected))
    return Case(result, inputs, expected, source=False), alone


def stepped(join: Join, get: Models, draft: Any, target: Path) -> tuple[Case, dict[str, Case]]:
    """As `cases`, for a result of steps: what it gives by TensorFlow's own loader, on made inputs."""
    alone = {}
    for handle, example in sources(join, get).items():
        inputs = dict(example.inputs(BATCH))
        alone[handle] = Case(example, inputs, run(example, inputs))
    signature = draft.signature
    made = dict(make_inputs(draft.meta, signature, batch=BATCH).values)
    result = Example(
        path=target, inputs=lambda _: made, signature=signature.key, outputs=tuple(signature.outputs)
    )
    # a model that is changed is called as before; only a join has more to be called by
    return Case(result, made, run(result, made), source=not draft.plan.joins), alone


def chained(join: Join, alone: dict[str, Case], result: Case, target: Path) -> Case | None:
    """The join made with TensorFlow: loaded, called one after the other, saved. None if TensorFlow can't."""
    import tensorflow as tf

    class Chain(tf.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            self.models = {handle: tf.saved_model.load(case.path) for handle, case in alone.items()}

        @tf.function
        def __call__(self, **given: Any) -> Any:
            values: dict[str, Any] = {}
            for handle, case in alone.items():
                inputs = {key: given[key] for key in case.inputs if key in given}
                for text in join.wires:
                    out, _, key = text.partition(" = ")
                    out = out.partition(" | ")[0]
                    taker, _, key = key.partition("@")
                    if taker == handle:
                        inputs[key] = values[out.replace("#", "")]
                model, signature = self.models[handle], case.example.signature
                called = (
                    model.signatures[signature] if signature else getattr(model, case.example.callables[0])
                )
                got = called(**inputs)
                got = got if isinstance(got, dict) else dict.fromkeys(case.expected, got)
                values |= {f"{handle}@{key}": value for key, value in got.items()}
            return {key: values[f"{list(alone)[-1]}@{key}"] for key in result.expected}

    if any(case.example.path.is_file() or not case.example.loads_v2 for case in alone.values()):
        return None
    if any(isinstance(value, tuple) for case in alone.values() for value in case.inputs.values()):
        return None  # sparse and ragged ones
    specs = {}
    for key, value in result.inputs.items():
        shape = np.shape(value)
        free = [None, *shape[1:]] if shape else []
        specs[key] = tf.TensorSpec(free, tf.constant(value).dtype, name=key)
    chain = Chain()
    signature = chain.__call__.get_concrete_function(**specs)
    tf.saved_model.save(chain, str(target), signatures={"serving_default": signature})
    example = Example(path=target, inputs=result.example.inputs, outputs=result.example.outputs)
    return Case(example, result.inputs, result.expected)


def as_input(value: Any, sample: Any) -> Any:
    """An output as the next model's input: sparse ones are of a class of their own."""
    return type(sample)(*value) if isinstance(value, tuple) else value


def run(example: Example, inputs: dict[str, Any]) -> dict[str, Any]:
    """By key of the signature, or of the GraphDef's node."""
    if example.path.is_file() or not example.loads_v2:
        return {key.removesuffix(":0"): value for key, value in run_v1(example, inputs).items()}
    return run_v2(example, inputs)


def tried(
    join: Join,
    get: Models,
    folder: Path,
    ways: Iterable[str] = WAYS,
    crashed: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, Trial]]:
    """The trial of a join, before each way and at the end.

    The name of the way that is next comes with it, empty at the end: so a crash is known to be that way's. `crashed`
    are those which are known and not tried again, with what to say of them.
    """
    draft, target = make(join, get, folder / "merged")
    result, alone = (stepped if join.steps else cases)(join, get, draft, target)
    for key, value in result.expected.items():
        assert any(part.size for part in parts(value)), key
    trial = Trial("tf2" if draft.meta.has_object_graph else "tf1")
    for name in ways:
        if crashed and name in crashed:
            trial.ways[name], trial.alone[name] = crashed[name], {}
            continue
        yield name, trial
        trial.ways[name] = outcome(name, result)
        if fine(trial.ways[name]):
            continue
        trial.alone[name] = {}
        for handle, case in alone.items():
            if case.example.path.is_dir():
                trial.alone[name][handle] = outcome(name, case)
                if trial.excuse(name):
                    break
        else:
            chain = None if join.steps else chained(join, alone, result, folder / "chain")
            if chain is not None:
                trial.alone[name][CHAIN] = outcome(name, chain)
    yield "", trial


def moves(case: Case) -> bool:
    """Whether any output differs between the two rows of the batch."""
    for value in case.expected.values():
        for part in parts(value):
            if part.ndim and part.shape[0] == BATCH and not np.array_equal(part[0], part[1]):
                return True
    return False
