"""Verdicts: each of the four, and why it fell."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.runtime.models import placeholder, save, variable
from tests.surgery.tiny import Tiny
from tests.zoo.example import tf
from workbench.describe.actions import words
from workbench.disk import schema
from workbench.model import open_model
from workbench.runtime.chain import (
    Chain,
    FromInput,
    FromStage,
    MadeSamples,
    ModelRef,
    ResultModel,
    Sample,
    SampleSource,
    Stage,
)
from workbench.runtime.child_process.child import Child
from workbench.runtime.comparison.verification import Verification
from workbench.runtime.comparison.verify import Verifier, verify
from workbench.runtime.inputs.make_inputs import sample_maker

pytestmark = pytest.mark.needs_tf


def rows(*values: float) -> Sample:
    return {"x": np.array(values, np.float32).reshape(-1, 1) * np.ones((1, 3), np.float32)}


SAMPLES = (rows(1, 2), rows(3, 4, 5), rows(-1, 0.5))
ONE_SIZE = (rows(1, 2), rows(3, 4), rows(-1, 0.5))


def unary(make: Any, shape: Any = (None, 3)) -> Any:
    """A builder of a model `x` → `y` of float32 from a function on tensors."""

    def build(v1: Any) -> Any:
        x = placeholder("float32", shape)
        found = make(x)
        outputs = found if isinstance(found, dict) else {"y": found}
        return {"x": x}, {key: tf.identity(value, key) for key, value in outputs.items()}

    return build


def first(x: Any) -> Any:
    return x * variable("w", [2.0, 3.0, 4.0]) + 1


def second(x: Any) -> Any:
    return tf.tanh(x / 10) + variable("v", 0.5)


def chain(*models: ModelRef, outputs: tuple[str, ...] = ("y",), pure: bool = False) -> Chain:
    """Models one after the other by `y` → `x`; the outputs are the last one's."""
    stages = []
    last = len(models) - 1
    for number, model in enumerate(models):
        feed = FromInput("x") if number == 0 else FromStage(number - 1, "y:0")
        fetches = tuple(f"{key}:0" for key in outputs) if number == last else ("y:0",)
        stages.append(Stage(f"m{number}", model, {"x:0": feed}, fetches, pure))
    return Chain(tuple(stages), {key: FromStage(last, f"{key}:0") for key in outputs})


def result(model: ModelRef) -> ResultModel:
    return ResultModel(model, open_model(model.path).meta.signature())


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, ModelRef]:
    root = tmp_path_factory.mktemp("models")
    made = {
        "a": first,
        "b": second,
        "ab": lambda x: second(first(x)),
        "a_only": first,
        "wrong": lambda x: second(first(x)) * 1.001,
        "wrong_later": lambda x: tf.where(tf.shape(x)[0] > 2, second(first(x)) + 1, second(first(x))),
        "float64": lambda x: tf.cast(second(first(x)), "float64"),
        "nan": lambda x: tf.where(x > 4, x * float("nan"), second(first(x))),
        "crash": lambda x: tf.debugging.check_numerics(second(first(x)) / 0.0, "broken"),
        "renamed": lambda x: {"z": second(first(x))},
        "more": lambda x: {"y": second(first(x)), "z": x},
        "random": lambda x: x + tf.random.uniform([]),
        "constant": lambda x: x * 0 + variable("c", 3.0),
        "zeros_of_the_batch": lambda x: tf.zeros(tf.shape(x)[:1]),
        "found": lambda x: tf.ones_like(tf.boolean_mask(x, x > 0)),
        "made_of_a_size": lambda x: tf.fill([tf.cast(tf.reduce_max(tf.abs(x)), "int32")], 2.0),
        "dead": lambda x: tf.nn.relu(x - 100),
        "label": lambda x: {"y": tf.tanh(x), "label": tf.cast(tf.argmax(x * 0, 1), "int32")},
        "label_only": lambda x: tf.cast(tf.argmax(x * 0, 1), "int32"),
        "two_rows": lambda x: tf.reshape(x, [2, 3]),
        "needs_positive": lambda x: tf.debugging.check_numerics(tf.sqrt(x), "negative") + variable("n", 0.0),
        "needs_50": lambda x: tf.debugging.check_numerics(tf.sqrt(x - 50), "too small"),
        "never": lambda x: tf.debugging.check_numerics(x / 0.0, "always fails"),
        "counter": lambda x: x + tf.cast(variable("n", 0.0).assign_add(1.0), "float32"),
    }
    return {name: save(root / name, unary(build)) for name, build in made.items()}


def check(found: Verification, verdict: str, *words: str) -> Verification:
    assert found.verdict == verdict, found
    for word in words:
        assert word in found.reason
    proof = json.dumps(found.as_json(), allow_nan=False)
    assert "/tmp" not in proof
    assert found.ok == (verdict == "verified")
    return found


def test_equal_models_are_verified_in_both_loaders(child: Child, models: Mapping[str, ModelRef]) -> None:
    found = check(
        verify(child, chain(models["a"], models["b"]), result(models["ab"]), SAMPLES),
        "verified",
        "v1 Session",
        "tf.saved_model.load",
        "3 given samples",
    )
    assert [(check.loader, check.status) for check in found.loaders] == [("v1", "equal"), ("v2", "equal")]
    assert {(check.output, check.loader) for check in found.outputs} == {("y", "v1"), ("y", "v2")}
    assert found.max_abs < 1e-6
    assert found.versions["tensorflow"] == tf.__version__
    assert len(found.samples) == 3
    proof = found.as_json()
    assert proof["outputs"][0]["dtype"] == "float32"
    assert set(proof["seconds"]) >= {"reference", "v1 Session", "tf.saved_model.load"}


def test_stateful_models_are_run_in_the_same_order_from_the_start(
    child: Child, models: Mapping[str, ModelRef]
) -> None:
    check(verify(child, chain(models["counter"]), result(models["counter"]), SAMPLES), "verified")
    # in one Session for both runs it would disagree with itself
    found = verify(child, chain(models["counter"], pure=True), result(models["counter"]), SAMPLES)
    check(found, "inconclusive", "Two runs of the sources disagree")


def test_pure_sources_are_run_twice_in_one_session(child: Child, models: Mapping[str, ModelRef]) -> None:
    reference = chain(models["a"], models["b"], pure=True)
    check(verify(child, reference, result(models["ab"]), SAMPLES), "verified")
    check(verify(child, reference, result(models["wrong"]), SAMPLES), "differs")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("wrong", ["output y", "9 of 9 values differ"]),
        ("wrong_later", ["output y", "9 of 9 values differ"]),
        ("a_only", ["output y"]),
        ("float64", ["dtype float64, expected float32"]),
        ("nan", ["3 of 9 values", "NaN got"]),
        ("crash", ["only the merged model fails", "InvalidArgumentError"]),
        ("renamed", ["the outputs are z, expected y"]),
        ("more", ["not in the reference z"]),
    ],
)
def test_what_differs_is_named(
    child: Child, models: Mapping[str, ModelRef], name: str, words: list[str]
) -> None:
    reference = chain(models["a"], models["b"])
    merged = result(models[name])
    if name == "renamed":
        wanted = result(models["ab"]).signature
        merged = ResultModel(merged.model, wanted)
        found = check(verify(child, reference, merged, SAMPLES), "differs")
        assert "y" in found.reason
    else:
        check(verify(child, reference, merged, SAMPLES), "differs", *words)


def test_a_tolerance_can_be_given(child: Child, models: Mapping[str, ModelRef]) -> None:
    reference = chain(models["a"], models["b"])
    found = verify(child, reference, result(models["wrong"]), SAMPLES, tolerance=0.01)
    assert check(found, "verified").tolerance == 0.01
    assert 0 < found.max_abs < 0.01


def test_a_missing_result_differs(child: Child, models: Mapping[str, ModelRef], tmp_path: Path) -> None:
    merged = ResultModel(ModelRef(tmp_path / "nothing"), result(models["ab"]).signature)
    found = check(
        verify(child, chain(models["a"]), merged, SAMPLES), "differs", "only the merged model fails"
    )
    assert found.loaders[0].status == "failed"


def test_a_random_model_is_inconclusive(child: Child, models: Mapping[str, ModelRef]) -> None:
    found = verify(child, chain(models["random"]), result(models["random"]), SAMPLES)
    check(found, "inconclusive", "Two runs of the sources disagree", "output y")


@pytest.mark.parametrize("name", ["constant", "dead", "label_only"])
def test_an_output_that_never_moves_is_inconclusive(
    child: Child, models: Mapping[str, ModelRef], name: str
) -> None:
    found = verify(child, chain(models[name]), result(models[name]), ONE_SIZE)
    check(found, "inconclusive", "Output y never moved", "3 runs")
    assert "--input" in words(found.hint, "command line")
    # unless the graph says that it can't
    check(
        verify(child, chain(models[name]), result(models[name]), ONE_SIZE, depends={"y": False}), "verified"
    )


@pytest.mark.parametrize("name", ["zeros_of_the_batch", "found", "made_of_a_size"])
def test_an_output_whose_size_changes_moves(child: Child, models: Mapping[str, ModelRef], name: str) -> None:
    samples = ONE_SIZE if name == "found" else SAMPLES
    found = check(verify(child, chain(models[name]), result(models[name]), samples), "verified")
    assert "Output y changed in size only" in found.notes[0]


def test_a_still_discrete_output_is_excused_by_a_moving_float(
    child: Child, models: Mapping[str, ModelRef]
) -> None:
    reference = chain(models["label"], outputs=("y", "label"))
    found = check(verify(child, reference, result(models["label"]), SAMPLES), "verified")
    assert "label stayed the same" in found.notes[0]


def test_a_still_discrete_output_is_excused_by_a_moving_wire(
    child: Child, models: Mapping[str, ModelRef], tmp_path: Path
) -> None:
    merged = save(tmp_path / "m", unary(lambda x: tf.cast(tf.argmax(first(x) * 0, 1), "int32")))
    found = verify(child, chain(models["a"], models["label_only"]), result(merged), SAMPLES)
    assert "the values on the wires moved" in check(found, "verified").notes[0]


def test_further_samples_are_made_before_an_output_counts_as_still(
    child: Child, models: Mapping[str, ModelRef]
) -> None:
    asked: list[int] = []

    def make(variant: int) -> MadeSamples | None:
        asked.append(variant)
        return MadeSamples((rows(variant * 100.0), rows(variant * 100.0 + 1)), {"x": "numbers"})

    found = check(verify(child, chain(models["dead"]), result(models["dead"]), make), "verified")
    assert asked == [0, 1, 2, 3, 4, 5, 6]
    assert found.how_made == {"x": "numbers"}
    assert len(found.samples) == 14


def test_long_samples_are_made_where_nothing_comes_out_of_short_ones(child: Child, tmp_path: Path) -> None:
    frames = save(tmp_path / "m", unary(lambda x: tf.abs(tf.signal.stft(x, 256, 128)), (None, None)))
    meta = open_model(tmp_path / "m").meta
    make = sample_maker(meta, meta.signature())
    found = check(verify(child, chain(frames), result(frames), make), "verified")
    assert any(sample["x"].shape[1] > 256 for sample in found.samples)


def test_made_inputs_that_fail_are_replaced_or_left_out(child: Child, models: Mapping[str, ModelRef]) -> None:
    def make(variant: int) -> MadeSamples | None:
        return MadeSamples((rows(variant * 40 - 1.0), rows(variant * 40 + 2.0)), {"x": f"variant {variant}"})

    some = check(
        verify(child, chain(models["needs_positive"]), result(models["needs_positive"]), make), "verified"
    )
    assert all((sample["x"] >= 0).all() for sample in some.samples)
    later = check(verify(child, chain(models["needs_50"]), result(models["needs_50"]), make), "verified")
    assert all((sample["x"] >= 50).all() for sample in later.samples)
    assert (some.how_made, later.how_made) == ({"x": "variant 0"}, {"x": "variant 2"})
    none = verify(child, chain(models["never"]), result(models["never"]), make)
    check(none, "not run", "No input could be made", "always fails")
    assert "--input" in words(none.hint, "command line")


def test_a_batch_size_the_sources_do_not_take_is_left_out(
    child: Child, models: Mapping[str, ModelRef]
) -> None:
    def make(variant: int) -> MadeSamples | None:
        return MadeSamples(SAMPLES) if variant == 0 else None

    found = check(verify(child, chain(models["two_rows"]), result(models["two_rows"]), make), "verified")
    assert len(found.samples) == 2


def test_given_inputs_must_run(child: Child, models: Mapping[str, ModelRef]) -> None:
    found = verify(child, chain(models["never"]), result(models["never"]), SAMPLES[:1])
    check(found, "inconclusive", "fail on the given input", "always fails", "m0")


def test_one_given_input_is_enough_but_said(child: Child, models: Mapping[str, ModelRef]) -> None:
    found = verify(child, chain(models["a"], models["b"]), result(models["ab"]), SAMPLES[:1])
    check(found, "verified", "1 given sample")
    assert [note for note in found.notes if "one input only" in note] == list(found.notes) != []
    # made ones beside it show the movement; those that fail do no harm
    source = SampleSource(
        SAMPLES[:1], lambda variant: MadeSamples((rows(7), {"x": np.zeros((1, 9), np.float32)}))
    )
    found = check(verify(child, chain(models["a"], models["b"]), result(models["ab"]), source), "verified")
    assert len(found.samples) == 2 and not found.notes
    still = SampleSource(SAMPLES[:1], lambda variant: MadeSamples((rows(7, 8),)))
    check(verify(child, chain(models["constant"]), result(models["constant"]), still), "inconclusive")


def test_a_source_that_does_not_load_is_inconclusive(child: Child, models: Mapping[str, ModelRef]) -> None:
    reference = chain(models["a"], ModelRef(models["b"].path, ("gpu",)))
    found = verify(child, reference, result(models["ab"]), SAMPLES)
    check(found, "inconclusive", "Source m1 can't be loaded alone")


def test_no_tensorflow_is_not_run_and_known_before_the_result(
    tmp_path: Path, models: Mapping[str, ModelRef]
) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    with Child(bare) as child:
        found = Verifier(child, chain(models["a"]), SAMPLES).reference()
    assert found is not None
    check(found, "not run", "TensorFlow can't be imported")
    found = Verifier(Child(tmp_path / "nothing"), chain(models["a"]), SAMPLES).reference()
    assert found is not None
    check(found, "not run", "can't be started")


def test_the_steps_can_be_taken_apart(child: Child, models: Mapping[str, ModelRef]) -> None:
    verifier = Verifier(child, chain(models["a"], models["b"]), SAMPLES)
    assert verifier.reference() is None
    check(verifier.result(result(models["wrong"])), "differs")
    check(verifier.result(result(models["ab"])), "verified")
    child.close()  # an idle child may have been ended meanwhile
    check(verifier.result(result(models["ab"])), "verified")


def test_a_result_that_kills_tensorflow_differs(child: Child, models: Mapping[str, ModelRef]) -> None:
    def kill(text: str) -> None:
        if text == "result: v1 Session":
            assert child.pid is not None
            os.kill(child.pid, signal.SIGSEGV)

    verifier = Verifier(child, chain(models["a"]), SAMPLES)
    assert verifier.reference() is None
    child.on_progress = kill
    try:
        found = verifier.result(result(models["a"]))
    finally:
        child.on_progress = None
    check(found, "differs", "only the merged model fails", "SIGSEGV")
    assert [check.status for check in found.loaders] == ["failed", "equal"]


def alone(path: Path, key: str | None) -> tuple[Chain, ResultModel, Any]:
    """A model as its own reference and result, and a maker of its inputs."""
    meta = open_model(path).meta
    signature = meta.signature(key)
    feeds = {port.tensor: FromInput(key) for key, port in signature.inputs.items()}
    stage = Stage("it", ModelRef(path), feeds, tuple(port.tensor for port in signature.outputs.values()))
    reference = Chain((stage,), {key: FromStage(0, port.tensor) for key, port in signature.outputs.items()})
    return reference, ResultModel(ModelRef(path), signature), sample_maker(meta, signature)


def test_a_source_that_no_session_runs_is_run_by_the_other_loader(child: Child, zoo: Any) -> None:
    example = zoo("keras_saved")
    assert not example.runs_v1 and example.loads_v2
    reference, merged, make = alone(example.path, example.signature)
    found = check(verify(child, reference, merged, make), "verified", "v1 Session was left out")
    assert [check.status for check in found.loaders] == ["skipped", "equal"]
    assert "It was run by tf.saved_model.load" in found.notes[0]
    assert len(found.samples) == 2


def test_a_loader_that_fails_on_a_source_alone_is_skipped(child: Child, zoo: Any) -> None:
    old = zoo("tf2_old_optimizer")
    assert not old.loads_v2
    reference, merged, make = alone(old.path, old.signature)
    found = check(verify(child, reference, merged, make), "verified", "left out")
    assert [check.status for check in found.loaders] == ["equal", "skipped"]
    assert "it alone" in str(found.loaders[1].reason)


def both(one: tuple[Chain, ResultModel, Any], other: tuple[Chain, ResultModel, Any]) -> tuple[Chain, Any]:
    """Two models side by side as one reference, and a maker of the inputs of both."""
    stages, outputs = [], {}
    for number, (reference, _, _) in enumerate((one, other)):
        (stage,) = reference.stages
        feeds = {tensor: FromInput(f"{number}_{feed.slot}") for tensor, feed in stage.feeds.items()}
        stages.append(Stage(f"m{number}", stage.model, feeds, stage.fetches))
        outputs |= {
            f"{number}_{slot}": FromStage(number, at.tensor) for slot, at in reference.outputs.items()
        }

    def make(variant: int) -> MadeSamples | None:
        made = [maker(variant) for _, _, maker in (one, other)]
        if any(found is None for found in made):
            return None
        pairs = zip(*(found.samples for found in made), strict=False)
        return MadeSamples(
            tuple(
                {f"{number}_{slot}": value for number, one in enumerate(pair) for slot, value in one.items()}
                for pair in pairs
            )
        )

    return Chain(tuple(stages), outputs), make


def test_what_runs_in_no_loader_is_never_verified(
    child: Child, models: Mapping[str, ModelRef], zoo: Any
) -> None:
    saved, old = zoo("keras_saved"), zoo("tf2_old_optimizer")
    assert not saved.runs_v1 and not old.loads_v2
    reference, make = both(alone(saved.path, saved.signature), alone(old.path, old.signature))
    found = verify(child, reference, result(models["never"]), make)
    check(found, "inconclusive", "No loader runs both", "v1 Session was left out: it can't run m0")
    assert "tf.saved_model.load was left out: it can't load m1 alone" in found.reason
    assert [check.status for check in found.loaders] == ["skipped", "skipped"]
    assert not found.outputs


def test_a_kernel_that_is_missing_asks_for_no_values(child: Child, tmp_path: Path) -> None:
    made = Tiny(tmp_path / "m").placeholder()
    made.node(
        "y", "NcclAllReduce", "x", T="float32", reduction=b"sum", num_devices=1, shared_name=b"all"
    )  # for GPUs only
    model = ModelRef(made.signature(x_in="x:0", y_out="y:0").save())
    meta = open_model(model.path).meta
    found = verify(child, chain(model), result(model), sample_maker(meta, meta.signature()))
    check(found, "inconclusive", "whatever the input", "No OpKernel was registered")
    assert "--input" not in words(found.hint, "command line")
    assert "--python" in words(found.hint, "command line")


def test_a_signature_that_is_called_takes_only_what_it_declares(child: Child, tmp_path: Path) -> None:
    """As a v1 Session does. A called signature alone would take two rows for one; a result that checks would not."""
    spec = tf.TensorSpec([1, 3], tf.float32, "x")
    module = tf.Module()
    module.w = tf.Variable([2.0, 3.0, 4.0])
    module.f = tf.function(lambda x: {"y": x * module.w}, input_signature=[spec])
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=module.f)
    saved = schema.SavedModel.FromString((tmp_path / "m" / "saved_model.pb").read_bytes())
    saved.meta_graphs[0].saver_def.restore_op_name = "nothing"  # so that no v1 Session loads it
    (tmp_path / "m" / "saved_model.pb").write_bytes(saved.SerializeToString())
    reference, merged, _ = alone(tmp_path / "m", "serving_default")
    samples = (rows(1, 2), rows(3), rows(4))
    found = verify(child, reference, merged, lambda variant: MadeSamples(samples))
    assert [sample["x"].shape for sample in check(found, "verified").samples] == [(1, 3), (1, 3)]


def test_a_loader_that_fails_on_the_result_only_is_held_against_it(
    child: Child, models: Mapping[str, ModelRef], zoo: Any
) -> None:
    old = zoo("tf2_old_optimizer")
    signature = open_model(old.path).meta.signature(old.signature)
    (source, target) = (next(iter(ports.values())) for ports in (signature.inputs, signature.outputs))
    stage = Stage("old", ModelRef(old.path), {source.tensor: FromInput(source.key)}, (target.tensor,))
    reference = Chain((stage,), {target.key: FromStage(0, target.tensor)})
    verifier = Verifier(child, reference, sample_maker(open_model(old.path).meta, signature))
    assert verifier.reference() is None
    # the same, but with a source that does load in the newer loader
    verifier.chain = Chain((Stage("a", models["a"], stage.feeds, stage.fetches),), reference.outputs)
    found = check(
        verifier.result(ResultModel(ModelRef(old.path), signature)), "differs", "tf.saved_model.load"
    )
    assert [check.status for check in found.loaders] == ["equal", "failed"]
