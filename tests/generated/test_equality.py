"""What surgery must not change, on models made up at random: run by TensorFlow, and held against numpy.

`HYPOTHESIS_PROFILE=long` makes 100 times as many.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.generated.dags import ROWS, Dag, make_dag
from tests.generated.models import EXTRAS, Generated, generate
from tests.generated.scope import DTYPES, small
from tests.surgery.tools import changed
from workbench.disk import schema
from workbench.disk.checkpoint.bundle import Bundle
from workbench.disk.checkpoint.bundle_write import JoinPart, join
from workbench.disk.folder.location import find
from workbench.disk.folder.reading import load
from workbench.errors import ExecutionFailed
from workbench.graph.effects import Effects
from workbench.model import open_model
from workbench.probing.run import run
from workbench.publishing.commit import commit
from workbench.runtime.child_process.child import Child
from workbench.surgery.draft import Draft, assemble, build
from workbench.surgery.operations.signature import ChangeSignature
from workbench.surgery.plan import Plan, ResultOptions, Source
from workbench.surgery.resolve.join import open_sources
from workbench.surgery.signatures.changes import Added

RUN = settings(
    max_examples=settings().max_examples // 5,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
    ],
)
"""For what TensorFlow runs: 6 examples, or 600."""
LOOK = settings(
    max_examples=settings().max_examples // 5,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Path]:
    """A folder of its own for each example."""
    numbers = itertools.count()
    return (tmp_path / str(number) for number in numbers)  # type: ignore[return-value]


Folders = Iterator[Path]


def values_for(random: Random, model: Generated) -> dict[str, Any]:
    return {key: np.stack([small(random, dtype) for _ in range(ROWS)]) for key, dtype in model.inputs.items()}


def run_in(child: Child, path: Path, values: dict[str, Any], loader: str) -> dict[str, Any]:
    return run(path, values, child=child, loader=loader, allow_unsafe=True)  # type: ignore[arg-type]


def same(got: dict[str, Any], expected: dict[str, Any], where: str) -> None:
    assert got.keys() == expected.keys(), where
    for key, array in expected.items():
        assert got[key].dtype == array.dtype, (where, key)
        np.testing.assert_allclose(got[key], array, rtol=1e-5, err_msg=f"{where} {key}")


def loaders(child: Child, models: dict[str, Generated], odd: bool, random: Random) -> list[str]:
    """Both, or only the first where `tf.saved_model.load` can't run a source either."""
    if odd:
        try:
            for model in models.values():
                run_in(child, model.path, values_for(random, model), "v2")
        except ExecutionFailed:
            return ["v1"]
    return ["v1", "v2"]


def stands_still(dag: Dag, draft: Draft) -> bool:
    """Whether an output of a join is the same for all inputs, as far as numpy can tell."""
    random = Random(0)
    tries = [dag.outputs(draft, dag.values(random)) for _ in range(20)]
    return any(all(np.array_equal(other[key], first) for other in tries) for key, first in tries[0].items())


# -- what TensorFlow runs


@pytest.mark.needs_tf
@RUN
@given(seeds)
def test_a_generated_model_is_what_it_says(child: Child, folders: Folders, seed: int) -> None:
    """Of the generator: TensorFlow and numpy agree."""
    random = Random(seed)
    model = generate(random, next(folders), {"x": random.choice(DTYPES), "u": random.choice(DTYPES)})
    values = values_for(random, model)
    same(run_in(child, model.path, values, "v1"), model.compute(values), "the model itself")


@pytest.mark.needs_tf
@RUN
@given(seeds)
def test_a_join_is_the_composition(child: Child, folders: Folders, seed: int) -> None:
    """Any DAG of models, in any format, with any of the options, in both loaders; and so says the verification."""
    random, folder = Random(seed), next(folders)
    dag = make_dag(random, folder)
    draft, findings = build(dag.plan)
    if draft is None:  # all it may be refused for
        assert {one.code for one in findings if one.severity == "error"} == {"freeze-refused"}, findings
        assert dag.plan.result.freeze and any("read by name" in model.kinds for model in dag.models.values())
        return
    assert commit(draft, folder / "out", verify=False).published
    if random.random() < 0.3:
        report = commit(draft, folder / "proven", child=child)
        if report.verdict != "verified":  # y = x - x, say
            assert (report.verdict, report.published) == ("inconclusive", False), report.reason
            assert "never moved" in report.reason and stands_still(dag, draft), report.reason
    values = dag.values(random)
    for loader in loaders(child, dict(dag.models), dag.odd, random):
        got = run_in(child, folder / "out", dag.inputs(draft, values), loader)
        same(got, dag.outputs(draft, values), f"seed {seed}, {loader}, {dag.plan.result.format}")


@pytest.mark.needs_tf
@RUN
@given(seeds)
def test_what_is_pruned_is_not_missed(child: Child, folders: Folders, seed: int) -> None:
    """A signature comes and goes, and with it the nodes that only it needs: the other gives what it gave."""
    random, folder = Random(seed), next(folders)
    extras = [
        name for name in EXTRAS if name not in ("switch", "while_v1")
    ]  # whose inside can't be an output
    model = generate(random, folder / "a", {"x": random.choice(DTYPES)}, steps=8, extras=extras)
    opened = open_model(model.path)
    nodes = [node.name for node in opened.meta.graph.node if node.op in ("AddV2", "Sub", "Mul", "Neg", "Abs")]
    with_more = changed(
        opened, ChangeSignature(add=(Added("other", {"x": "x:0"}, {"it": f"{random.choice(nodes)}:0"}),))
    )
    assert isinstance(with_more, Draft), with_more.findings
    assert commit(with_more, folder / "b", verify=False).published
    less = changed(open_model(folder / "b"), ChangeSignature(drop=("other",)))
    assert isinstance(less, Draft), less.findings
    assert commit(less, folder / "c", verify=False).published
    values = values_for(random, model)
    for path in (folder / "b", folder / "c"):
        for loader in loaders(child, {"a": model}, Dag({"a": model}, {}, Plan(())).odd, random):
            got = run(path, values, "serving_default", child=child, loader=loader, allow_unsafe=True)  # type: ignore[arg-type]
            same(got, model.compute(values), f"seed {seed}, {path.name}, {loader}")


# -- what is looked at


@LOOK
@given(seeds)
def test_read_write_read(folders: Folders, seed: int) -> None:
    """Binary and text, graph and checkpoint."""
    folder = next(folders)
    model = generate(Random(seed), folder, {"x": "float32"})
    data = (folder / "saved_model.pb").read_bytes()
    message = load(find(folder))
    assert message.SerializeToString(deterministic=True) == data
    text = folder.with_name(f"{folder.name}-text")
    text.mkdir()
    (text / "saved_model.pbtxt").write_text(str(message))
    assert load(find(text)).SerializeToString(deterministic=True) == data
    if (folder / "variables").is_dir():
        prefix, again = folder / "variables" / "variables", text / "variables" / "variables"
        join([JoinPart(Bundle.open(prefix))], again)
        for one in ("variables.index", "variables.data-00000-of-00001"):
            assert prefix.with_name(one).read_bytes() == again.with_name(one).read_bytes()
        assert Bundle.open(again).keys() == Bundle.open(prefix).keys() and not Bundle.open(again).verify()
    assert model.path == folder


@LOOK
@given(seeds)
def test_renamed_there_and_back(folders: Folders, seed: int) -> None:
    """Signature, inputs and outputs get other keys, then their old ones: nothing else has changed."""
    random, folder = Random(seed), next(folders)
    model = generate(random, folder / "a", {"x": "float32", "u": "int64"})
    names = [f"{key}_{random.randrange(100)}" for key in ("s", "x", "u", "y", "z")]
    signature, *keys = names
    there = dict(zip(("x", "u", "y", "z"), keys, strict=True))
    inputs = {key: there[key] for key in model.inputs}
    outputs = {key: there[key] for key in model.outputs}
    for source, target, change in (
        ("a", "b", ChangeSignature({"serving_default": signature}, inputs, outputs)),
        ("b", "c", ChangeSignature({signature: "serving_default"}, _turned(inputs), _turned(outputs))),
        ("a", "d", ChangeSignature({"serving_default": "serving_default"})),
    ):
        edit = changed(open_model(folder / source), change)
        assert isinstance(edit, Draft), edit.findings
        assert commit(edit, folder / target, verify=False).published
    back, never = (_meta(folder / name) for name in "cd")
    assert back == never
    assert set(_meta(folder / "b").signature_def[signature].inputs) == set(inputs.values())
    original = _meta(folder / "a")
    assert back.graph_def == original.graph_def and back.collection_def == original.collection_def
    assert back.signature_def == original.signature_def


def _turned(names: dict[str, str]) -> dict[str, str]:
    return {new: old for old, new in names.items()}


def _meta(path: Path) -> Any:
    return schema.SavedModel.FromString((path / "saved_model.pb").read_bytes()).meta_graphs[0]


@LOOK
@given(seeds)
def test_prefixed_and_stripped(folders: Folders, seed: int) -> None:
    """A prefix goes before every name of a model; taken off again, each node and function is what it was.

    (Reference variables are left out: they become resources.)
    """
    folder = next(folders)
    extras = [name for name in EXTRAS if name != "ref_variable"]
    model = generate(Random(seed), folder, {"x": "float32"}, extras=extras)
    plan = Plan((Source("m", model.path),), result=ResultOptions(format="tf1"))
    draft, findings = assemble(plan, open_sources(plan))
    assert draft is not None, findings
    original = open_model(folder).meta
    effects = Effects(original)
    graph = schema.GraphDef.FromString(draft.meta.graph.SerializeToString())
    for function in graph.library.function:
        function.signature.name = _stripped(function.signature.name)
        for node in function.node_def:
            _strip_attrs(node)
        assert function == original.functions[function.signature.name]
    found = 0
    names = {node.name for node in graph.node}
    for node in graph.node:
        if not node.name.startswith("m/"):
            assert node.name == "init" or node.name.startswith("save/")  # of the result as a whole
            continue
        node.name = _stripped(node.name)
        if node.name not in original.nodes or node.name.startswith("save/"):
            continue  # the saver is made anew
        node.input[:] = [
            f"^{_stripped(text[1:])}" if text.startswith("^") else _stripped(text) for text in node.input
        ]
        _strip_attrs(node)
        expected = schema.NodeDef.FromString(original.nodes[node.name].SerializeToString())
        if "_class" in expected.attr and "_class" not in node.attr:  # it stood where what is gone stood
            places = expected.attr["_class"].list.s
            assert not any(f"m/{place.decode()[5:]}" in names for place in places)
            del expected.attr["_class"]
        idle = [text for text in expected.input if text[:1] == "^" and f"m/{text[1:]}" not in names]
        assert not [
            text for text in idle if text[1:] in effects
        ]  # all but what has no effect is still waited for
        expected.input[:] = [text for text in expected.input if text not in idle]
        assert node == expected
        found += 1
    needed = _needed(original)
    assert needed <= {node.name for node in graph.node} and found >= len(needed)


def _needed(meta: Any) -> set[str]:
    """What the outputs of the signature need, walked once more, by hand."""
    queue = [
        info.name.partition(":")[0] for info in meta.proto.signature_def["serving_default"].outputs.values()
    ]
    found: set[str] = set()
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue += [text.removeprefix("^").partition(":")[0] for text in meta.nodes[name].input]
    return found


def _stripped(text: str) -> str:
    assert text.startswith("m/"), text
    return text.removeprefix("m/")


def _strip_attrs(node: Any) -> None:
    if node.op.startswith("m/"):
        node.op = _stripped(node.op)
    for name, value in node.attr.items():
        if name in ("shared_name", "frame_name") and value.s:
            value.s = _stripped(value.s.decode()).encode()
        if value.HasField("func"):
            value.func.name = _stripped(value.func.name)
        if name == "_class":
            value.list.s[:] = [f"loc:@{_stripped(text.decode()[5:])}".encode() for text in value.list.s]
