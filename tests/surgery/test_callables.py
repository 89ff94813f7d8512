"""Models joined by their callables: each traced variant, captures of every kind, against the loaded object itself."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.tools import call
from tests.sampling import plainly
from tests.surgery.tools import (
    Refused,
    changed,
    codes,
    draft_of,
    findings_of,
    flattened,
    frozen,
    tampered,
    the,
    wire,
)
from workbench.describe.actions import words
from workbench.model import Model, open_model
from workbench.probing.run import run
from workbench.publishing.commit import commit
from workbench.publishing.report import Report
from workbench.runtime.child_process.child import Child
from workbench.surgery.draft import Draft
from workbench.surgery.operations.connect import Connect
from workbench.surgery.operations.flatten import Flatten
from workbench.surgery.operations.freeze import Freeze
from workbench.surgery.operations.signature import ChangeSignature
from workbench.surgery.plan import Plan, ResultOptions, Source
from workbench.surgery.signatures.changes import Added

pytestmark = pytest.mark.needs_tf

Make = Callable[[str], Path]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Modules by name, saved without a signature unless the name says so."""
    import tensorflow as tf

    spec = tf.TensorSpec([None, 4], tf.float32, name="x")

    class Layer(tf.Module):
        def __init__(self, seed: int) -> None:
            values = np.random.default_rng(seed).normal(size=(4, 4)).astype(np.float32)
            self.weights = tf.Variable(values, name="weights")
            self.bias = tf.Variable(values[0], name="bias", trainable=False)

        @tf.function
        def __call__(self, x: Any, training: bool = False) -> Any:
            y = x @ self.weights + self.bias
            return y * 2.0 if training else y

        @tf.function(input_signature=[spec])
        def serve(self, x: Any) -> Any:
            return {"nested": {"a": x @ self.weights}, "list": [x, x + self.bias]}

    class Tables(tf.Module):
        def __init__(self, file: str) -> None:
            keys = tf.constant(["a", "b", "c"])
            self.table = tf.lookup.StaticHashTable(
                tf.lookup.KeyValueTensorInitializer(keys, tf.constant([1.0, 2.0, 4.0])), -1.0
            )
            self.words = tf.lookup.StaticVocabularyTable(
                tf.lookup.TextFileInitializer(
                    file, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE,
                    tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER,
                ), 1,
            )  # fmt: skip
            self.scale = tf.constant(np.arange(64, dtype=np.float32))

        @tf.function
        def __call__(self, words: Any) -> Any:
            known = self.table.lookup(words) + tf.cast(self.words.lookup(words), tf.float32)
            return known[:, None] * self.scale[:4]

    class Parts(tf.Module):
        def __init__(self) -> None:
            self.weights = tf.Variable(numbers()[:, :3].T, name="weights")

        @tf.function
        def __call__(self, rows: Any, dots: Any) -> Any:
            return {
                "a/b": tf.reduce_sum(rows) + tf.sparse.sparse_dense_matmul(dots, self.weights),
                "rows": rows,
            }

    class Keras(tf.Module):
        def __init__(self) -> None:
            self.layer = tf.keras.layers.Dense(3, bias_initializer="ones")
            self.layer.build((None, 4))

        @tf.function(autograph=False)
        def __call__(self, x: Any) -> Any:
            return self.layer(x)

    made: dict[str, Path] = {}

    def get(name: str) -> Path:
        if name in made:
            return made[name]
        folder = tmp_path_factory.mktemp(name)
        if name == "tables":
            (folder / "words.txt").write_text("b\nc\nzz\n")
            module: Any = Tables(str(folder / "words.txt"))
            module.__call__.get_concrete_function(tf.TensorSpec([None], tf.string, name="words"))
        elif name == "function":
            table = tf.constant(numbers()[:, :3].T)  # a constant that is captured
            module = tf.function(lambda x: tf.nn.relu(x @ tf.ones([4, 3])) @ table).get_concrete_function(
                spec
            )
        elif name == "keras":
            module = Keras()
            module.__call__.get_concrete_function(spec)
        elif name == "parts":
            module = Parts()
            rows = tf.RaggedTensorSpec([None, None, 2], tf.float32, ragged_rank=1)
            module.__call__.get_concrete_function(rows, tf.SparseTensorSpec([None, 3], tf.float32))
        else:
            module = Layer(len(name))
            for training in (True, False):
                module.__call__.get_concrete_function(spec, training=training)
            if name == "nested":
                outer = tf.Module()
                outer.layer = module
                outer.layers = [module, Layer(9)]
                outer.layers[1].__call__.get_concrete_function(spec)
                outer.layers[1].serve.get_concrete_function()
                module = outer
        tf.saved_model.save(module, str(folder / "model"), signatures={})
        made[name] = folder / "model"
        return made[name]

    return get


OPERATIONS = {"freeze": Freeze(), "flatten": Flatten()}


def plan_of(parts: dict[str, tuple[Path, str | None]], *wires: str, **options: Any) -> Plan:
    sources = tuple(Source(handle, path, None, signature) for handle, (path, signature) in parts.items())
    return Plan(sources, tuple(map(wire, wires)), ResultOptions(**options))


def joined(plan: Plan, target: Path, child: Child) -> tuple[Draft, Report]:
    draft = draft_of(plan)
    report = commit(draft, target, child=child)
    assert report.verdict == "verified", report.reason
    assert report.verification is not None
    assert [check.status for check in report.verification.loaders] == ["equal", "equal"]
    return draft, report


def edited(edit: Draft, target: Path, child: Child) -> Report:
    report = commit(edit, target, child=child)
    assert report.verdict == "verified", report.reason
    assert report.verification is not None
    assert [check.status for check in report.verification.loaders] == ["equal", "equal"]
    return report


def numbers(batch: int = 2) -> np.ndarray[Any, Any]:
    return np.random.default_rng(5).normal(size=(batch, 4)).astype(np.float32)


def weights(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    bundle = open_model(path).bundle
    assert bundle is not None
    return {key.partition("/")[0]: bundle.array(key) for key in bundle if key.startswith(("weights", "bias"))}


@pytest.mark.parametrize("form", ["tf1", "tf2"])
def test_two_models_without_signatures(make: Make, form: str, tmp_path: Path, child: Child) -> None:
    plan = plan_of({"a": (make("one"), None), "b": (make("other"), None)}, "a@output_0 = b@x", format=form)
    joined(plan, tmp_path / "out", child)
    a, b, x = weights(make("one")), weights(make("other")), numbers()
    expected = (x @ a["weights"] + a["bias"]) @ b["weights"] + b["bias"]
    for loader in ("v1", "v2"):
        found = run(tmp_path / "out", {"x": x}, loader=loader, child=child)
        np.testing.assert_allclose(found["output_0"], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "factor"), [("__call__[1]", 2.0), ("__call__[2]", 1.0), ("__call__", 1.0)])
def test_a_variant_is_chosen_by_its_number_else_it_is_inference(
    make: Make, sample_models: Path, name: str, factor: float, tmp_path: Path, child: Child
) -> None:
    variants = open_model(make("one")).meta.callables[0].variants
    assert ["training=True" in variant.arguments for variant in variants] == [True, False]
    plan = plan_of({"a": (make("one"), name), "b": (make("other"), "serve")}, "a@output_0 = b@x")
    draft, _ = joined(plan, tmp_path / "out", child)
    assert sorted(draft.meta.signatures["serving_default"].outputs) == ["list/0", "list/1", "nested/a"]
    a, x = weights(make("one")), numbers()
    found = run(tmp_path / "out", {"x": x}, child=child)
    np.testing.assert_allclose(found["list/0"], (x @ a["weights"] + a["bias"]) * factor, rtol=1e-4, atol=1e-4)


def test_a_wire_may_name_the_callable(make: Make, tmp_path: Path, child: Child) -> None:
    plan = plan_of(
        {"a": (make("one"), None), "b": (make("other"), None)}, "a@serve#nested/a = b@__call__[2]#x"
    )
    joined(plan, tmp_path / "out", child)


@pytest.mark.parametrize("form", ["tf1", "tf2"])
def test_adapters_on_a_wire_between_callables(make: Make, form: str, tmp_path: Path, child: Child) -> None:
    made = plan_of({"a": (make("one"), None), "b": (make("other"), None)}, format=form)
    plan = made.with_wire(Connect("a@output_0", "b@x", "scale 1/2 offset=1 | softmax"))
    joined(plan, tmp_path / "out", child)
    a, b, x = weights(make("one")), weights(make("other")), numbers()
    between = np.exp((x @ a["weights"] + a["bias"]) / 2 + 1)
    expected = between / between.sum(axis=1, keepdims=True) @ b["weights"] + b["bias"]
    found = run(tmp_path / "out", {"x": x}, child=child)
    np.testing.assert_allclose(found["output_0"], expected, rtol=1e-4, atol=1e-4)


def test_tables_assets_and_constants_that_were_captured(make: Make, tmp_path: Path, child: Child) -> None:
    plan = plan_of({"t": (make("tables"), None), "b": (make("one"), None)}, "t@output_0 = b@x")
    joined(plan, tmp_path / "out", child)
    a = weights(make("one"))
    before = np.array([1 + 3, 2 + 0, -1 + 2], np.float32)[:, None] * np.arange(4, dtype=np.float32)
    found = run(tmp_path / "out", {"words": ["a", "b", "zz"]}, child=child)
    np.testing.assert_allclose(found["output_0"], before @ a["weights"] + a["bias"], rtol=1e-4, atol=1e-4)


def test_a_callable_below_the_root_and_in_a_list(make: Make, tmp_path: Path, child: Child) -> None:
    paths = {item.path for item in open_model(make("nested")).meta.callables}
    assert "layer.__call__" in paths and "layers.1.__call__" in paths
    plan = plan_of(
        {"a": (make("nested"), "layers.1.__call__"), "b": (make("nested"), "layer.__call__")},
        "a@output_0 = b@x",
    )
    joined(plan, tmp_path / "out", child)


def test_with_a_signature_on_the_other_side(
    make: Make, zoo: Callable[[str], Any], tmp_path: Path, child: Child
) -> None:
    plan = plan_of({"a": (zoo("v1_simple_save").path, None), "b": (make("one"), None)}, "a@y = b@x")
    joined(plan, tmp_path / "out", child)
    plan = plan_of({"a": (make("one"), "serve"), "b": (zoo("tf2_hash_table").path, None)}, "a@nested/a = b@x")
    assert codes(findings_of(plan), "error")  # that model takes strings


def test_more_arguments_than_one_tensor(zoo: Callable[[str], Any], tmp_path: Path, child: Child) -> None:
    path = zoo("tf2_callables_only").path
    plan = plan_of({"a": (path, None), "b": (path, None)}, "a@scaled = b@x")
    draft, _ = joined(plan, tmp_path / "out", child)
    assert sorted(draft.meta.signatures["serving_default"].inputs) == ["scale", "x"]


# -- what can't be done


@pytest.mark.parametrize(
    ("first", "wires", "code", "said"),
    [
        ("__call__[7]", ["a@output_0 = b@x"], "R1-variant", "2 variants"),
        ("__cal__", ["a@output_0 = b@x"], "R1-signature", "__call__"),
        ("__call__", ["a@output_1 = b@x"], "R1-unknown", "output_0"),
        ("serve", ["a@nested/a = b@y"], "R1-unknown", "x"),
        (None, ["a@__call__#output_0 = b@x", "a@serve#list/0 = b@x"], "R1-callables", "two handles"),
        ("__call__", ["a@%saver_filename:0 = b@x"], "R3-dtype", ""),
    ],
)
def test_what_is_refused(make: Make, first: str | None, wires: list[str], code: str, said: str) -> None:
    plan = plan_of({"a": (make("one"), first), "b": (make("other"), "__call__")}, *wires)
    found = the([one for one in findings_of(plan) if one.code == code], code)
    assert found.severity == "error" and said in str(found)


def test_an_end_beside_the_callable_is_refused(make: Make) -> None:
    node = next(name for name, node in open_model(make("one")).meta.nodes.items() if node.op == "VarHandleOp")
    assert node
    reads = [name for name, one in open_model(make("one")).meta.nodes.items() if one.op == "ReadVariableOp"]
    plan = plan_of({"a": (make("one"), None), "b": (make("other"), None)}, f"a@%{reads[0]}:0 = b@x")
    assert "R1-callables" in codes(findings_of(plan), "error") or "R4-shape" in codes(findings_of(plan))


# -- as a signature of the model itself


def test_a_callable_becomes_a_signature(make: Make, tmp_path: Path, child: Child) -> None:
    added = (
        Added("serving_default", {"x": "__call__#x"}, {"y": "__call__#output_0"}),
        Added("train", {"x": "__call__[1]#x"}, {"y": "output_0"}),
        Added("nested", {"v": "serve#x"}, {"a": "serve#nested/a", "last": "list/1"}),
    )
    edit = changed(open_model(make("one")), ChangeSignature(add=added))
    report = edited(edit, tmp_path / "out", child)
    assert set(report.others) == {"train", "nested"}
    a, x = weights(make("one")), numbers()
    plain = x @ a["weights"] + a["bias"]
    for loader in ("v1", "v2"):
        for signature, factor in (("serving_default", 1), ("train", 2)):
            found = run(tmp_path / "out", {"x": x}, signature=signature, loader=loader, child=child)
            np.testing.assert_allclose(found["y"], plain * factor, rtol=1e-4, atol=1e-4)
    found = run(tmp_path / "out", {"v": x}, signature="nested", child=child)
    np.testing.assert_allclose(found["last"], x + a["bias"], rtol=1e-4, atol=1e-4)
    assert {item.path for item in edit.meta.callables} == {"__call__", "serve"}


def test_a_callable_with_tables_becomes_a_signature(make: Make, tmp_path: Path, child: Child) -> None:
    added = Added("serving_default", {"words": "__call__#words"}, {"y": "__call__#output_0"})
    edited(changed(open_model(make("tables")), ChangeSignature(add=(added,))), tmp_path / "out", child)
    found = run(tmp_path / "out", {"words": ["a", "b", "zz"]}, child=child)
    expected = np.array([1 + 3, 2 + 0, -1 + 2], np.float32)[:, None] * np.arange(4, dtype=np.float32)
    np.testing.assert_allclose(found["y"], expected)


def test_the_reference_is_the_callable_itself(make: Make, tmp_path: Path, child: Child) -> None:
    added = Added("serving_default", {"x": "__call__#x"}, {"y": "__call__#output_0"})
    edit = changed(open_model(make("one")), ChangeSignature(add=(added,)))
    (call_,) = [node for node in edit.workspace.meta_graph.graph_def.node if node.name == "call/call"]
    call_.attr["f"].func.name = open_model(make("one")).meta.callables[0].variants[0].function
    report = commit(tampered(edit), tmp_path / "out", child=child)
    assert report.verdict == "differs"  # the variant that trains


@pytest.mark.parametrize(
    ("inputs", "outputs", "code", "said"),
    [
        ({"x": "__call__#x"}, {"y": "__call__#scaled"}, "signature-unfeedable", "scale=__call__#scale"),
        ({"x": "__call__[2]#x"}, {"y": "__call__#output_0"}, "R1-callables", "several"),
        ({"x": "__call__#x"}, {"y": "%saver_filename:0"}, "signature-callable", "__call__#KEY"),
        ({"x": "__call__[9]#x"}, {"y": "__call__[9]#output_0"}, "R1-variant", "4 variants"),
        ({"x": "__cal__#x"}, {"y": "__call__#output_0"}, "R1-signature", "Did you mean __call__?"),
        ({"x": "__call__#x"}, {"y": "__call__#outpt_0"}, "R1-key", "output_0"),
        ({}, {"y": "output_0"}, "signature-unfeedable", "x=__call__#x"),
    ],
)
def test_no_signature_can_be_made_of_it(
    zoo: Callable[[str], Any], inputs: dict[str, str], outputs: dict[str, str], code: str, said: str
) -> None:
    change = ChangeSignature(add=(Added("new", inputs, outputs),))
    edit = changed(open_model(zoo("tf2_callables_only").path), change)
    assert said in str(the(edit.findings, code)) and isinstance(edit, Refused)


USUAL = {
    "tables": ["words", "output_0"],
    "one": ["x", "output_0"],
    "keras": ["x", "output_0"],
    "parts": ["dots", "dots_1", "dots_2", "rows", "rows_1", "a_b", "rows", "rows_1"],
}


@pytest.mark.parametrize(
    ("name", "kind"),
    plainly(
        list(product(USUAL, ["freeze", "flatten"])),
        *[("tables", "flatten"), ("one", "freeze"), ("parts", "freeze"), ("parts", "flatten")],
    ),
)
def test_without_a_signature_the_usual_callable_is_one(
    make: Make, name: str, kind: str, tmp_path: Path, child: Child
) -> None:
    if name == "keras":
        assert open_model(make(name)).meta.duplicate_variables
    edit = changed(open_model(make(name)), OPERATIONS[kind])
    report = edited(edit, tmp_path / "out", child)
    (signature,) = [one for one in edit.meta.signatures.values() if not one.key.startswith("__")]
    assert signature.key == "serving_default"
    assert [*sorted(signature.inputs), *sorted(signature.outputs)] == USUAL[name]
    assert the(report.findings, "signature-made")
    assert bool(edit.meta.callables) == (kind == "flatten")


@pytest.mark.parametrize(("kind", "severity"), [("freeze", "error"), ("flatten", "warning")])
def test_which_callable_is_meant_has_to_be_told(make: Make, kind: str, severity: str) -> None:
    edit = changed(open_model(make("nested")), OPERATIONS[kind])
    found = the(edit.findings, "signature-none")
    assert found.severity == severity
    assert "--inputs KEY=layer.__call__#KEY" in words(found.hint, "command line")


# -- with the options of a merge


@pytest.mark.parametrize("options", [{"freeze": True}, {"keep_signatures": True}, {"keep_outputs": True}])
def test_options(make: Make, options: dict[str, Any], tmp_path: Path, child: Child) -> None:
    plan = plan_of({"a": (make("one"), None), "b": (make("other"), "serve")}, "a@output_0 = b@x", **options)
    draft = draft_of(plan)
    report = commit(draft, tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    if "freeze" in options:
        assert not open_model(tmp_path / "out").meta.variables


def test_a_result_is_joined_again_by_its_own_call(make: Make, tmp_path: Path, child: Child) -> None:
    import tensorflow as tf

    first = plan_of({"a": (make("one"), None), "b": (make("other"), None)}, "a@output_0 = b@x")
    joined(first, tmp_path / "first", child)
    plan = plan_of({"m": (tmp_path / "first", "__call__"), "c": (make("one"), None)}, "m@output_0 = c@x")
    joined(plan, tmp_path / "second", child)
    loaded = tf.saved_model.load(str(tmp_path / "second"))
    a, b = weights(make("one")), weights(make("other"))
    y = numbers()
    for factor, training in ((1.0, False), (2.0, True)):
        y = numbers()
        for layer in (a, b, a):
            y = (y @ layer["weights"] + layer["bias"]) * factor
        np.testing.assert_allclose(loaded(numbers(), training=training).numpy(), y, rtol=1e-3, atol=1e-3)


def test_from_the_command_line_and_replayed(
    make: Make, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ("merge", f"a={make('one')}", f"b={make('other')}", "--wire", "__call__#output_0=serve#x")
    done = call(capsys, *words, "--dry-run")
    assert done.code == 0 and "__call__" in done.out and "list/0" in done.out, done.err
    done = call(capsys, *words, "-o", tmp_path / "out", "--save-recipe", tmp_path / "recipe", "--no-verify")
    assert done.code == 0, done.err
    again = ("merge", "--recipe", tmp_path / "recipe", "--no-verify", "-o", tmp_path / "again")
    assert call(capsys, *again).code == 0
    files = [(tmp_path / name / "saved_model.pb").read_bytes() for name in ("out", "again")]
    assert files[0] == files[1]
    words = ("merge", f"a={make('one')}", f"b={make('other')}", "--wire", "output_0=x")
    done = call(
        capsys, *words, "--signature-of", "b=serve", "-o", tmp_path / "third", "--json", "--no-verify"
    )
    assert done.code == 0, done.err


def test_the_loaded_object_may_itself_be_the_function(make: Make, tmp_path: Path, child: Child) -> None:
    source = open_model(make("function"))
    assert [item.path for item in source.meta.callables] == ["__call__"]
    x = np.abs(numbers())
    expected = np.repeat(x.sum(1, keepdims=True), 3, 1) @ numbers()[:, :3].T
    edits = {
        "frozen": (frozen(source), "output_0"),
        "flat": (flattened(source), "output_0"),
        "named": (with_signature(source, {"x": "__call__#x"}, {"y": "__call__#output_0"}), "y"),
        "bare": (with_signature(source, {"x": "x"}, {"y": "#output_0"}), "y"),
    }
    for name, (edit, key) in edits.items():
        edited(edit, tmp_path / name, child)
        for loader in ("v1", "v2"):
            found = run(tmp_path / name, {"x": x}, "serving_default", loader=loader, child=child)
            np.testing.assert_allclose(found[key], expected, rtol=1e-4, atol=1e-4)
    plan = plan_of({"a": (make("one"), None), "f": (make("function"), None)}, "a@output_0 = f@__call__#x")
    joined(plan, tmp_path / "joined", child)


def with_signature(model: Model, inputs: dict[str, str], outputs: dict[str, str]) -> Draft:
    edit = changed(model, ChangeSignature(add=(Added("serving_default", inputs, outputs),)))
    assert isinstance(edit, Draft), edit.findings
    return edit
