"""No false alarms: what TensorFlow loads has no errors; and what a check looks at."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.checks.cases import SAMPLES, copy, edited, named
from tests.protos import Func, function, graph, meta_graph, node, write
from tests.sampling import plainly
from tests.surgery.models import MODELS
from tests.zoo import Example, names
from tests.zoo.broken import BROKEN
from tests.zoo.common import commonly
from workbench.checks.check import check_model
from workbench.errors import WorkbenchError
from workbench.model import Model, open_model
from workbench.publishing.commit import commit
from workbench.surgery.draft import build
from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import Plan, Source

# What one of the loaders refuses, and why.
EXPECTED = {"v1_lying_output_shape": {"output-shape"}, "tf2_old_optimizer": {"object-slots"}}
# What a result has of a source, and is warned of.
WARNED = {"v1_reads_file": {"path-constant"}}
SAMPLE_MODELS = sorted(path.parent for path in SAMPLES.glob("*/saved_model.pb"))
# What is wrong with a broken model of the zoo that can be opened, where it has more than one name.
SHOWN = {
    "asset_absolute": "asset-outside",
    "asset_link": "asset-outside",
    "cycle": "cycle",
    "dangling_input": "dangling-input",
    "double_node": "duplicate-node",
    "flipped_shard": "bad-tensor",
    "missing_function": "missing-function",
    "recursive_function": "recursion",
    "signature_to_nowhere": "signature-tensor",
}


@pytest.mark.parametrize("path", SAMPLE_MODELS, ids=lambda path: path.name)
def test_sample_models_are_sound(path: Path) -> None:
    found = {one.code for one in check_model(open_model(path)).findings}
    assert found == ({"shared-variable"} if path.name == "digits_mixed_up" else set())


@pytest.mark.parametrize("name", commonly(names()))
def test_the_zoo_is_sound(zoo: Callable[[str], Example], name: str) -> None:
    model = open_model(zoo(name).path)
    findings = check_model(model).findings
    found = {one.code: str(one) for one in findings if one.severity == "error"}
    assert set(found) == EXPECTED.get(name, set()), found
    # TensorFlow wrote the fingerprint, if there is one
    assert [one for one in findings if one.code.startswith("fingerprint")] == []


@pytest.mark.needs_tf
@pytest.mark.parametrize(
    "name",
    plainly(
        ["one_restore_each", "bert_like", "tokenizer", "jpeg_batch", "loops_inside", "with_gradients"],
        *("one_restore_each", "loops_inside", "with_gradients"),
    ),
)
def test_more_models_are_sound(tmp_path: Path, name: str) -> None:
    found = check_model(open_model(MODELS[name](tmp_path)), serving=True).findings
    assert [str(one) for one in found if one.severity == "error"] == []


@pytest.mark.parametrize("name", BROKEN)
def test_broken_models_have_errors(zoo: Callable[[str], Example], tmp_path: Path, name: str) -> None:
    broken = BROKEN[name](zoo, tmp_path)
    try:
        model = open_model(broken.path)
    except WorkbenchError:
        assert broken.stage == "open"
        return
    errors = {one.code for one in check_model(model).findings if one.severity == "error"}
    assert bool(errors) == (name != "hostile_names")
    assert name not in SHOWN or SHOWN[name] in errors


@pytest.mark.parametrize("name", commonly(names("chain", without=("slow", "big")), 2))
def test_results_of_merges_are_sound(zoo: Callable[[str], Example], tmp_path: Path, name: str) -> None:
    """Each model before another, or behind another, in the format that it gets."""
    first, second = (name, "tf2_module_twin") if len(name) % 2 else ("v1_simple_twin", name)
    sources = [Source(handle, zoo(one).path, zoo(one).tags) for handle, one in (("a", first), ("b", second))]
    draft, findings = build(Plan(tuple(sources), (Connect("y", "x"),)))
    assert draft is not None, findings
    assert commit(draft, tmp_path / "out", verify=False).published
    found = check_model(open_model(tmp_path / "out")).findings
    told = [one for one in found if one.severity != "info"]
    assert {one.code for one in told} == WARNED.get(name, set()), told


def test_what_a_check_found_in_results(zoo: Callable[[str], Example], tmp_path: Path) -> None:
    """An old optimizer's slots were listed and could not be restored; a lying output shape was passed on."""
    import tensorflow as tf

    for number, name in enumerate(("tf2_old_optimizer", "v1_lying_output_shape")):
        sources = (Source("a", zoo("v1_simple_save").path), Source("b", zoo(name).path))
        draft, findings = build(Plan(sources, (Connect("y", "x"),)))
        assert draft is not None
        assert ("R4-output-shape" in {one.code for one in findings}) == (name == "v1_lying_output_shape")
        assert commit(draft, tmp_path / str(number), verify=False).published
        loaded = tf.saved_model.load(str(tmp_path / str(number)))
        assert loaded(tf.zeros([2, 4])).shape == (2, 4)


def test_every_metagraph_is_looked_at(zoo: Callable[[str], Example]) -> None:
    model = open_model(zoo("v1_tag_sets").path)
    checked = check_model(model)
    assert [tags for tags, _ in checked.metas] == [meta.tags for meta in model.meta_graphs]
    (one,) = check_model(model, only=[model.select("serve,gpu")]).metas
    assert set(one[0]) == {"serve", "gpu"}


def test_findings_know_their_metagraph(tmp_path: Path) -> None:
    good = graph(node("x", "Placeholder", dtype=1), node("y", "Tanh", "x", T=1))
    bad = graph(node("x", "Placeholder", dtype=1), node("y", "Tanh", "x", "x", T=1))
    ends = ({"x": "x:0"}, {"y": "y:0"})
    path = write(
        tmp_path / "m",
        meta_graph(good, serving_default=ends),
        meta_graph(bad, ("serve", "gpu"), serving_default=ends),
    )
    (_, first), (tags, second) = check_model(open_model(path)).metas
    assert first == () and tags == ("serve", "gpu")
    assert [one.code for one in second] == ["input-count"]


def test_checksums_are_read_or_not(tmp_path: Path) -> None:
    path = copy(tmp_path)
    data = path / "variables" / "variables.data-00000-of-00001"
    data.write_bytes(bytes([data.read_bytes()[0] ^ 1]) + data.read_bytes()[1:])
    model = open_model(path)
    assert [one.code for one in check_model(model).findings] == ["bad-tensor"]
    checked = check_model(model, checksums=False)
    assert (checked.findings, checked.tensors, checked.nbytes) == ([], 0, 0)


def test_loops_of_tf1_are_no_cycle(zoo: Callable[[str], Example]) -> None:
    for name in ("v1_while", "v1_while_nested", "v1_tensor_array"):
        assert check_model(open_model(zoo(name).path)).count("error") == 0


def test_a_call_in_a_branch_may_lead_back(tmp_path: Path) -> None:
    """Recursion that a condition can end is not told; no loader minds it."""
    branch = node(
        "y", "If", "a", "a", then_branch=Func("f"), else_branch=Func("f"), Tcond=1, Tin=[1], Tout=[1]
    )
    path = write(
        tmp_path / "m",
        meta_graph(
            graph(
                node("x", "Placeholder", dtype=1),
                functions=[function("f", ["a"], branch, returns={"b": "y:output:0"})],
            )
        ),
    )
    assert [one.code for one in check_model(open_model(path)).findings] == []


def test_time_is_linear_in_the_graph(tmp_path: Path) -> None:
    """Also on a chain, where a walk by recursion would end, and with errors at every node."""

    for attr in ("T", "S"):
        few, more, many = (chain_of(tmp_path, count, attr) for count in (50, 150, 750))
        lines_run(few)  # tables that are made once are there then
        start, end = lines_run(more), lines_run(many)
        assert end < 5.5 * start, "lines of Python run for five times as many nodes"


@pytest.mark.exhaustive
@pytest.mark.parametrize("attr", ["T", "S"])
def test_seconds_are_linear_in_the_graph(attr: str, tmp_path: Path) -> None:
    """What takes its time outside of Python, too."""

    def seconds(model: Model) -> float:
        started = time.process_time()
        check_model(model, serving=True)
        return time.process_time() - started

    few, many = chain_of(tmp_path, 4_000, attr), chain_of(tmp_path, 40_000, attr)
    least = min(seconds(few) for _ in range(3))
    assert min(seconds(many) for _ in range(2)) < 20 * least


def chain_of(folder: Path, count: int, attr: str) -> Model:
    chain = [node("n0", "Placeholder", dtype=1)]
    chain += [node(f"n{i}", "Tanh", f"n{i - 1}", **{attr: 1}) for i in range(1, count)]
    ends = ({"x": "n0:0"}, {"y": f"n{count - 1}:0"})
    return open_model(write(folder / f"{count}{attr}", meta_graph(graph(*chain), serving_default=ends)))


def lines_run(model: Model) -> int:
    """How many lines of Python a check of the model takes: the same on every machine."""
    lines = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        checked = check_model(model, serving=True)
    finally:
        sys.settrace(before)
    assert checked.nodes == len(model.meta.graph.node)
    return lines


def test_more_shapes_noted_than_there_are_outputs_are_fine(tmp_path: Path) -> None:
    """TensorFlow imports them; Keras 2 saves the loops of its LSTMs with the shapes of an earlier form."""

    def change(meta: Any) -> None:
        named(meta, "MatMul").attr["_output_shapes"].list.shape.add()

    found = check_model(open_model(edited(tmp_path, change)))
    assert "noted-shapes" not in [one.code for one in found.findings]
