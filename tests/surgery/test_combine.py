"""Mean and concat: an output that is computed from several, of one model or of models side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.surgery.tiny import Shape, Tiny, doubler
from tests.surgery.tools import codes, draft_of, findings_of, made, the
from tests.zoo import Example
from workbench.model import open_model
from workbench.model.shapes import typed as type_text
from workbench.probing.run import run
from workbench.publishing.commit import commit
from workbench.publishing.reference import chain, depends
from workbench.runtime.chain import FromSeveral, FromStage
from workbench.runtime.child_process.child import Child
from workbench.surgery.draft import Draft
from workbench.surgery.operations.adapt import Adapt
from workbench.surgery.operations.concat import Concat
from workbench.surgery.operations.mean import Mean
from workbench.surgery.operations.share import Share
from workbench.surgery.operations.signature import ChangeSignature
from workbench.surgery.plan import Plan, ResultOptions, Source
from workbench.surgery.step import Step, parse_step, print_step

KEY = "serving_default"


def two(
    folder: Path, one: tuple[str, Shape] = ("float32", (None, 4)), other: tuple[str, Shape] | None = None
) -> Path:
    """`x`, `z` → `y` = x, `w` = z, of any dtype and shape."""
    other = one if other is None else other
    made = Tiny(folder).placeholder("x", *one).placeholder("z", *other)
    made.node("y", "Identity", "x", T=one[0]).node("w", "Identity", "z", T=other[0])
    return made.signature(
        x_in=("x:0", *one), z_in=("z:0", *other), y_out=("y:0", *one), w_out=("w:0", *other)
    ).save()


def ensemble(tmp_path: Path, *steps: Step, **options: object) -> Plan:
    """Three models that share `x`: 2x, tanh x, -x as `y` each."""
    paths = {"a": doubler(tmp_path / "a").save()}
    for handle, op in (("b", "Tanh"), ("c", "Neg")):
        made = Tiny(tmp_path / handle).placeholder().node("y", op, "x", T="float32")
        paths[handle] = made.signature(x_in="x:0", y_out="y:0").save()
    sources = tuple(Source(handle, path) for handle, path in paths.items())
    return Plan(sources, (Share({"x": "x"}), *steps), ResultOptions(**options))  # type: ignore[arg-type]


def outputs(draft: Draft, key: str = KEY) -> dict[str, str]:
    found = draft.meta.signatures[key].outputs
    return {own: f"{port.tensor} {type_text(port.dtype, port.shape)}" for own, port in found.items()}


def test_the_mean_of_an_ensemble(tmp_path: Path) -> None:
    draft = draft_of(ensemble(tmp_path, Mean({"y": ["a@y", "b@y", "c@y"]})))
    assert outputs(draft) == {"y": "mean_0/mean:0 float32 [?,4]"}
    assert list(draft.meta.nodes["mean_0/sum"].input) == ["a/y", "b/y", "c/y"]
    assert draft.meta.nodes["mean_0/sum"].attr["N"].i == 3
    found = chain(draft, KEY)
    taken = found.outputs["y"]
    assert isinstance(taken, FromSeveral)
    assert [(one.stage, one.tensor) for one in taken.origins()] == [(0, "y:0"), (1, "y:0"), (2, "y:0")]
    assert [stage.fetches for stage in found.stages] == [("y:0",)] * 3
    assert depends(draft, KEY) == {"y": True}
    assert codes(draft.findings) == ["R6-key", "R6-key", "step-objects"]


def test_some_of_the_outputs(tmp_path: Path) -> None:
    """A key is that of the result, `HANDLE@KEY` the output of a source; what is not named stays."""
    draft = draft_of(ensemble(tmp_path, Mean({"both": ["y", "c@y"]})))
    assert sorted(outputs(draft)) == ["b_y", "both"]
    draft = draft_of(ensemble(tmp_path, Mean({"both": ["y", "c_y"]}, keep=True)))
    assert sorted(outputs(draft)) == ["b_y", "both", "c_y", "y"]
    draft = draft_of(ensemble(tmp_path, Mean({"both": ["a@y", "b@y"]}, as_key="mean")))
    assert sorted(outputs(draft)) == ["b_y", "c_y", "y"] and sorted(outputs(draft, "mean")) == ["both", "c_y"]
    assert isinstance(chain(draft, "mean").outputs["both"], FromSeveral)
    renamed = ChangeSignature(rename_outputs={"y": "first"})
    draft = draft_of(ensemble(tmp_path, renamed, Mean({"both": ["a@y", "b@y"]})))
    assert sorted(outputs(draft)) == ["both", "c_y"]


def test_steps_before_and_after(tmp_path: Path) -> None:
    """What a source's output went through belongs to its key, not to `HANDLE@KEY`."""
    first = Adapt(after={"y": "scale 1/2"})
    draft = draft_of(
        ensemble(tmp_path, first, Mean({"both": ["y", "b@y"]}), Adapt(after={"both": "softmax"}))
    )
    taken = chain(draft, KEY).outputs["both"]
    assert isinstance(taken, FromSeveral) and len(taken.adapted.steps) == 2
    half = taken.values["0"]
    assert isinstance(half, FromStage) and half.adapted is not None and len(half.adapted.steps) == 1
    found = the(findings_of(ensemble(tmp_path, first, Mean({"both": ["a@y", "b@y"]}))), "signature-output")
    assert found.where == "a@y"
    twice = (Mean({"m": ["y", "b_y"]}), Concat({"all": ["m", "c_y"]}))
    nested = chain(draft_of(ensemble(tmp_path, *twice)), KEY).outputs["all"]
    assert isinstance(nested, FromSeveral) and [one.stage for one in nested.origins()] == [0, 1, 2]


def test_a_companion_goes_on(tmp_path: Path) -> None:
    """Steps behind one result of several start from that result."""
    steps = (Adapt(after={"y": "top-k 2"}), Adapt(after={"y_indices": "cast float32"}))
    taken = chain(draft_of(ensemble(tmp_path, *steps)), KEY).outputs["y_indices"]
    assert isinstance(taken, FromSeveral)
    (indices,) = taken.origins()
    assert indices.adapted is not None and indices.adapted.part == "indices"


@pytest.mark.parametrize(
    ("one", "other", "axis", "expected"),
    [
        ((None, 4), (None, 6), -1, "[?,10]"),
        ((None, 4), (8, None), -1, "[8,?]"),
        ((2, 4), (3, 4), 0, "[5,4]"),
        ((None, 4), None, 1, "[?,?]"),
        (None, None, -1, "[?…]"),
    ],
)
def test_shapes_of_concat(tmp_path: Path, one: Shape, other: Shape, axis: int, expected: str) -> None:
    path = two(tmp_path / "m", ("int32", one), ("int32", other))
    draft = draft_of(Plan.edit(path, Concat({"all": ["y", "w"]}, axis)))
    assert outputs(draft) == {"all": f"concat_0/concat:0 int32 {expected}"}


def test_an_output_given_twice_counts_twice(tmp_path: Path) -> None:
    path = two(tmp_path / "m", ("float32", (None, 4)))
    draft = draft_of(Plan.edit(path, Concat({"all": ["y", "y", "w"]})))
    assert outputs(draft) == {"all": "concat_0/concat:0 float32 [?,12]"}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [((None, 4), (8, None), "[8,4]"), (None, (None, 4), "[?,4]"), ((), (), "[]")],
)
def test_shapes_of_mean(tmp_path: Path, one: Shape, other: Shape, expected: str) -> None:
    path = two(tmp_path / "m", ("float64", one), ("float64", other))
    draft = draft_of(Plan.edit(path, Mean({"all": ["y", "w"]})))
    assert outputs(draft) == {"all": f"mean_0/mean:0 float64 {expected}"}


MEAN, CONCAT = Mean({"m": ["y", "w"]}), Concat({"m": ["y", "w"]})
PAIR, TRIPLE, INTS = ("float32", (2,)), ("float32", (3,)), ("int32", (2,))
DOUBLES, TEXTS, ONE = ("float64", (2,)), ("string", (2,)), ("float32", ())
TABLE, OTHER = ("float32", (2, 3)), ("float32", (3, 3))


@pytest.mark.parametrize(
    ("one", "other", "step", "code", "message"),
    [
        (PAIR, DOUBLES, MEAN, "combine-unfit", "Output `y` is float32 [2]; output `w` is float64 [2]."),
        (INTS, INTS, MEAN, "combine-unfit", "Output `y` is int32 [2]; a mean takes floats."),
        (TEXTS, TEXTS, MEAN, "combine-unfit", "Output `y` is string [2]; a mean takes floats."),
        (PAIR, TRIPLE, MEAN, "combine-unfit", "Output `y` is float32 [2]; output `w` is float32 [3]."),
        (PAIR, INTS, CONCAT, "combine-unfit", "Output `y` is float32 [2]; output `w` is int32 [2]."),
        (ONE, ONE, CONCAT, "combine-unfit", "Output `y` is float32 [] and has no dimension -1."),
        (TABLE, OTHER, CONCAT, "combine-unfit", "Output `y` is float32 [2,3]; output `w` is float32 [3,3]."),
        (PAIR, PAIR, Mean({"m": ["y"]}), "combine-few", "At least two outputs are combined."),
        (PAIR, PAIR, Mean({}), "combine-few", "No output is asked for."),
        (PAIR, PAIR, Mean({"m": ["y", "v"]}), "signature-output", "The signature 'serving_default' has no output"),
        (PAIR, PAIR, Mean({"y": ["y", "w"]}, keep=True), "signature-key-taken", "The signature"),
        (PAIR, PAIR, Mean({"": ["y", "w"]}), "signature-key-name", "An output needs a key."),
        (PAIR, PAIR, Mean({"m": ["y", "w"]}, signature="no"), "R1-signature", "There is no signature 'no'."),
    ],
)  # fmt: skip
def test_what_is_refused(
    tmp_path: Path, one: tuple[str, Shape], other: tuple[str, Shape], step: Step, code: str, message: str
) -> None:
    found = findings_of(Plan.edit(two(tmp_path / "m", one, other), step))
    assert the(found, code).message.startswith(message) and codes(found, "error") == [code]


def test_words() -> None:
    step = parse_step("mean scores=a@scores,b@scores keep=true")
    assert step == Mean({"scores": ["a@scores", "b@scores"]}, keep=True)
    assert print_step(step) == "mean scores=a@scores,b@scores keep=true"
    assert parse_step("concat all=a,b axis=0") == Concat({"all": "a,b"}, 0)
    odd = Mean({"keep": ["a", "b"], "x=y": ["p,q", "r"]})
    assert parse_step(print_step(odd)) == odd


@pytest.mark.needs_tf
def test_the_numbers(tmp_path: Path, child: Child) -> None:
    steps = (Adapt(after={"c_y": "scale 2"}), Mean({"m": ["a@y", "b@y", "c_y"]}, keep=True))
    last = Concat({"all": ["a@y", "m"]})
    draft = draft_of(ensemble(tmp_path, *steps, last))
    report = commit(draft, tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    x = np.float32([[1, 2, 3, 4], [0, -1, 0.5, 2]])
    mean = (2 * x + np.tanh(x) - 2 * x) / 3
    for loader in ("v1", "v2"):
        found = run(open_model(tmp_path / "out"), {"x": x}, loader=loader, child=child)
        assert sorted(found) == ["all", "b_y", "c_y"]
        np.testing.assert_allclose(found["all"], np.concatenate([2 * x, mean], 1), rtol=1e-5, atol=1e-6)


@pytest.mark.needs_tf
def test_a_wrong_mean_is_not_published(tmp_path: Path, child: Child) -> None:
    draft = draft_of(ensemble(tmp_path, Mean({"m": ["a@y", "b@y", "c@y"]})))
    for node in draft.proto.meta_graphs[0].graph_def.node:
        if node.name == "mean_0/count":
            node.attr["value"].tensor.tensor_content = np.float32(2.9).tobytes()
    draft.__dict__.pop("parts_of_message", None)
    report = commit(draft, tmp_path / "out", child=child)
    assert report.verdict == "differs", report.reason


@pytest.mark.needs_tf
def test_one_model_with_an_object_graph(zoo: Callable[[str], Example], tmp_path: Path, child: Child) -> None:
    model = open_model(zoo("tf2_two_in_two_out").path)
    draft = made(model, Mean({"m": ["b", "w"]}))
    assert "step-objects" in codes(draft.findings) and sorted(outputs(draft)) == ["m"]
    report = commit(draft, tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
