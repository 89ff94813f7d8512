"""Signatures renamed, dropped and added: every loader agrees afterwards, and gives the numbers of the original."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.sampling import plainly
from tests.surgery.tiny import Tiny, doubler
from tests.surgery.tools import (
    Models,
    Refused,
    changed,
    codes,
    draft_of,
    findings_of,
    made,
    plan_of,
    read_pb,
    the,
)
from workbench.model import Model, open_model
from workbench.probing.run import run
from workbench.publishing.commit import commit
from workbench.publishing.report import Report
from workbench.publishing.running import Proving
from workbench.runtime.child_process.child import Child
from workbench.surgery.draft import Draft
from workbench.surgery.export.signature_functions import signature_map
from workbench.surgery.operations.signature import ChangeSignature
from workbench.surgery.plan import Plan
from workbench.surgery.signatures.changes import Added


def opened(models: Models, name: str) -> Model:
    source = models(name)
    return open_model(source.path, source.tags)


def edited(model: Model, **change: Any) -> Draft:
    edit = changed(model, ChangeSignature(**change))
    assert isinstance(edit, Draft), list(map(str, edit.findings))
    return edit


def written(edit: Draft, target: Path, child: Child, **proving: Any) -> Report:
    report = commit(edit, target, child=child, proving=Proving(**proving))
    assert report.verdict == "verified", report.reason
    return report


def both_loaders(report: Report) -> bool:
    checks = [*(report.verification.loaders if report.verification else ())]
    return [check.status for check in checks] == ["equal", "equal"]


def loaded(child: Child, path: Path) -> dict[str, Any]:
    answer = child.request({"job": "load_check", "loader": "v2", "model": model_json(path)})
    assert answer["ok"], answer
    return answer


def model_json(path: Path) -> dict[str, Any]:
    from workbench.runtime.chain import ModelRef

    return ModelRef(path).as_json()


def turned(keys: Mapping[str, Any]) -> dict[str, str]:
    """New keys in the opposite order of the old ones."""
    return {key: f"{chr(ord('z') - place)}_{key}" for place, key in enumerate(sorted(keys))}


TURNED = [
    "digits",
    "digits_tf2",
    "v1_two_in_two_out",
    "v1_sparse_input",
    "v1_ref_variables",
    "v1_hash_table",
    "tf2_hash_table",
    "tf2_dtypes",
    "tf2_shapes",
    "tf2_unnamed_outputs",
    "tf2_default_inputs",
    "tf2_two_in_two_out",
    "tf2_resaved_v1",
    "tf2_cond",
    "keras_dense",
    "graphdef_pb",
]


@pytest.mark.parametrize(
    "name",
    plainly(
        TURNED,
        *(
            "digits_tf2",
            "v1_two_in_two_out",
            "v1_sparse_input",
            "tf2_dtypes",
            "tf2_default_inputs",
            "graphdef_pb",
        ),
    ),
)
def test_all_keys_renamed_so_that_their_order_turns(
    models: Models, name: str, tmp_path: Path, child: Child
) -> None:
    model = opened(models, name)
    before = model.meta.signatures["serving_default"]
    edit = edited(
        model,
        rename={"serving_default": "predict"},
        rename_inputs=turned(before.inputs),
        rename_outputs=turned(before.outputs),
    )
    report = written(edit, tmp_path / "out", child)
    assert both_loaders(report)
    made = open_model(tmp_path / "out")
    after = made.meta.signatures["predict"]
    assert "serving_default" not in made.meta.signatures
    for old, new in turned(before.inputs).items():
        assert after.inputs[new].tensors == before.inputs[old].tensors
        assert (after.inputs[new].default is None) == (before.inputs[old].default is None)
    assert loaded(child, tmp_path / "out")["signatures"] == sorted(
        "predict" if key == "serving_default" else key for key in model.meta.signatures if key[:2] != "__"
    )
    names = [one.signature.name for one in made.meta.proto.graph_def.library.function]
    assert len(names) == len(set(names))
    if made.meta.has_object_graph:
        graph = made.meta.proto.object_graph_def
        assert set(graph.concrete_functions) <= set(names)
        assert len(graph.concrete_functions) == len(model.meta.proto.object_graph_def.concrete_functions)


@pytest.mark.parametrize("name", ["tf2_sparse", "tf2_ragged"])
def test_the_parts_of_a_composite_input_are_inputs_of_their_own(
    models: Models, zoo: Any, name: str, tmp_path: Path, child: Child
) -> None:
    model = opened(models, name)
    before = model.meta.signatures["serving_default"]
    keys = turned(before.inputs)
    given = {keys[key]: value for key, value in zoo(name).inputs(3).items()}
    edit = edited(model, rename_inputs=keys, rename_outputs=turned(before.outputs))
    assert both_loaders(written(edit, tmp_path / "out", child, inputs=given))


def test_two_outputs_swapped_and_swapped_back(models: Models, tmp_path: Path, child: Child) -> None:
    model = opened(models, "tf2_two_in_two_out")
    swap = {"b": "w", "w": "b"}
    written(edited(model, rename_outputs=swap, rename_inputs={"a": "z", "z": "a"}), tmp_path / "one", child)
    x = {"z": np.full((1, 4), 5, np.float32), "a": np.full((1, 4), 2, np.float32), "unused": np.float32(0)}
    for loader in ("v1", "v2"):
        found = run(tmp_path / "one", x, loader=loader, child=child)
        assert found["w"].tolist() == [[10.0] * 4] and found["b"].tolist() == [[-3.0] * 4]
    again = open_model(tmp_path / "one")
    written(edited(again, rename_outputs=swap, rename_inputs={"a": "z", "z": "a"}), tmp_path / "two", child)
    found = run(tmp_path / "two", x, loader="v2", child=child)
    assert found["b"].tolist() == [[10.0] * 4] and found["w"].tolist() == [[3.0] * 4]
    # the copy that the first edit made is not needed any more
    functions = [len(open_model(tmp_path / name).meta.functions) for name in ("one", "two")]
    assert functions[0] == functions[1] == len(model.meta.functions) + 1


def test_defaults_follow(models: Models, tmp_path: Path, child: Child) -> None:
    edit = edited(opened(models, "tf2_default_inputs"), rename_inputs={"scale": "factor"})
    written(edit, tmp_path / "out", child)
    definition = read_pb(tmp_path / "out").meta_graphs[0].signature_def["serving_default"]
    assert list(definition.defaults) == ["factor"]
    assert run(tmp_path / "out", {"x": [[1, 2, 3, 4]]}, child=child)["y"].tolist() == [[3, 6, 9, 12]]


def test_a_result_of_a_merge(models: Models, tmp_path: Path, child: Child) -> None:
    plan = plan_of(models, {"img": "image_base64_tf2", "net": "digits_tf2"}, ["pixels=myInput"])
    assert commit(draft_of(plan), tmp_path / "merged", verify=False).published
    edit = edited(
        open_model(tmp_path / "merged"),
        rename_inputs={"base64_input": "image"},
        rename_outputs={"myOutput": "scores"},
        add=(Added("again", {"text": "serving_default#base64_input"}, {"p": "serving_default#myOutput"}),),
    )
    report = written(edit, tmp_path / "out", child)
    assert both_loaders(report) and set(report.others) == {"again"}
    origin = open_model(tmp_path / "out").origin
    assert origin is not None and origin.recipe is not None
    assert origin.recipe["sources"][0]["recipe"]["steps"]


def test_signatures_added_from_any_tensors_of_a_tf1_graph(
    models: Models, tmp_path: Path, child: Child
) -> None:
    model = opened(models, "v1_signatures")
    hidden = model.meta.signatures["embed"].outputs["hidden"].tensor
    x = model.meta.signatures["embed"].inputs["x"].tensor
    edit = edited(
        model,
        add=(
            Added("front", {"a": x}, {"h": hidden}),
            Added("back", {"h": hidden}, {"logits": "serving_default#y"}),
        ),
        drop=("twice", "both"),
        method="some/method",
    )
    written(edit, tmp_path / "out", child)
    made = open_model(tmp_path / "out").meta
    assert sorted(made.signatures) == ["back", "embed", "front", "serving_default"]
    assert made.signatures["back"].method_name == "some/method"
    assert made.signatures["embed"].method_name == model.meta.signatures["embed"].method_name


def test_signatures_added_to_a_tf2_model_use_its_own_variables(
    models: Models, tmp_path: Path, child: Child
) -> None:
    model = opened(models, "tf2_signatures")
    edit = edited(
        model,
        add=(
            Added(
                "both",
                {"x": "serving_default#x", "e": "embed#x"},
                {"y": "serving_default#y", "v": "embed#output_0"},
            ),
        ),
    )
    report = written(edit, tmp_path / "out", child)
    assert both_loaders(report)
    before = model.meta.proto.object_graph_def
    after = open_model(tmp_path / "out").meta.proto.object_graph_def
    count = sum(node.HasField("variable") for node in before.nodes)
    assert sum(node.HasField("variable") for node in after.nodes) == count
    new = after.concrete_functions["__inference_signature_wrapper_both_0"]
    assert all(after.nodes[number].HasField("variable") for number in new.bound_inputs)
    assert len(new.bound_inputs) == 2


def test_what_is_dropped_is_gone_everywhere(models: Models, tmp_path: Path, child: Child) -> None:
    model = opened(models, "tf2_signatures")
    edit = edited(model, drop=("mix/two", "serving_default"))
    written(edit, tmp_path / "out", child)
    made = open_model(tmp_path / "out")
    assert list(made.meta.signatures) == ["__saved_model_init_op", "embed"]
    assert loaded(child, tmp_path / "out")["signatures"] == ["embed"]
    assert [item.path for item in made.meta.callables] == [item.path for item in model.meta.callables]


def test_a_function_that_other_names_lead_to_keeps_its_keys(
    models: Models, tmp_path: Path, child: Child
) -> None:
    edit = edited(opened(models, "digits_tf2"), rename_inputs={"myInput": "x"})
    graph = opened(models, "digits_tf2").proto.meta_graphs[0].object_graph_def
    number = next(
        child.node_id
        for node in graph.nodes
        for child in node.children
        if child.local_name == "serving_default"
    )
    model = opened(models, "digits_tf2")
    model.proto.meta_graphs[0].object_graph_def.nodes[0].children.add(node_id=number, local_name="also")
    edit = edited(model, rename_inputs={"myInput": "x"})
    commit(edit, tmp_path / "out", child=child)
    nodes = open_model(tmp_path / "out").meta.proto.object_graph_def.nodes
    assert list(nodes[number].bare_concrete_function.argument_keywords) == ["myInput"]
    assert loaded(child, tmp_path / "out")["signatures"] == ["serving_default"]


@pytest.mark.parametrize("name", ["digits_tf2", "tf2_two_in_two_out", "keras_dense"])
def test_it_can_be_saved_again_and_be_a_layer(
    models: Models, name: str, tmp_path: Path, child: Child
) -> None:
    import tensorflow as tf

    model = opened(models, name)
    before = model.meta.signatures["serving_default"]
    inputs, outputs = turned(before.inputs), turned(before.outputs)
    written(edited(model, rename_inputs=inputs, rename_outputs=outputs), tmp_path / "out", child)
    again = tf.saved_model.load(str(tmp_path / "out"))
    function = again.signatures["serving_default"]
    assert sorted(function.structured_input_signature[1]) == sorted(inputs.values())
    assert sorted(function.structured_outputs) == sorted(outputs.values())
    tf.saved_model.save(again, str(tmp_path / "again"), signatures=again.signatures)
    saved = open_model(tmp_path / "again").meta.signatures["serving_default"]
    assert sorted(saved.inputs) == sorted(inputs.values())
    assert sorted(saved.outputs) == sorted(outputs.values())


# -- what can't be done


def findings(model: Model, **change: Any) -> Any:
    return changed(model, ChangeSignature(**change))


def test_a_signature_takes_the_key_of_a_dropped_one(tmp_path: Path) -> None:
    tiny = (
        doubler(tmp_path / "m").node("z", "Neg", "x", T="float32").signature("old", x_in="x:0", z_out="z:0")
    )
    change = ChangeSignature(rename={"old": "serving_default"}, drop=("serving_default",))
    draft = changed(open_model(tiny.save()), change)
    assert {key: [*found.outputs] for key, found in draft.meta.signatures.items()} == {
        "serving_default": ["z"]
    }
    assert draft.references["serving_default"].outputs.keys() == {"z"}


@pytest.mark.parametrize("name", ["digits_tf2"])
def test_the_object_graph_takes_the_key_of_a_dropped_one(sample_models: Path, name: str) -> None:
    first = Plan.edit(
        sample_models / name, ChangeSignature(add=(Added("old", {"a": "#myInput"}, {"b": "#myOutput"}),))
    )
    second = replace(
        first,
        steps=(*first.steps, ChangeSignature(rename={"old": "serving_default"}, drop=("serving_default",))),
    )
    draft = draft_of(second)
    assert [*draft.meta.signatures["serving_default"].inputs] == ["a"]
    assert {*draft.meta.signatures} & {"serving_default", "old"} == {"serving_default"}
    graph = draft.meta.proto.object_graph_def
    number = signature_map(graph)
    assert number is not None
    assert [child.local_name for child in graph.nodes[number].children] == ["serving_default"]


def test_all_mistakes_are_told_at_once_with_the_nearest_names(models: Models) -> None:
    edit = findings(
        opened(models, "v1_signatures"),
        rename={"serving_defalt": "a", "embed": "both"},
        rename_inputs={"X": "y"},
        rename_outputs={"logits": "y2"},
        drop=("twise",),
        add=(Added("new", {"x": "first/weigths"}, {"y": "y"}),),
    )
    found = codes(edit.findings, "error")
    assert sorted(found) == sorted(
        [
            "signature-unknown",
            "signature-unknown",
            "signature-taken",
            "signature-input",
            "signature-output",
            "R1-unknown",
        ]
    )
    hints = {finding.where: finding.hint or "" for finding in edit.findings}
    assert "serving_default" in hints["serving_defalt"] and "twice" in hints["twise"]
    assert "x" in hints["X"] and "first/weights" in hints["model@first/weigths"]
    assert isinstance(edit, Refused)


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        ("v1_signatures", {"rename": {"serving_default": "__saved_model_init_op"}}, "signature-hidden"),
        ("tf2_signatures", {"drop": ("__saved_model_init_op",)}, "signature-hidden"),
        ("v1_signatures", {"rename": {"embed": ""}}, "signature-name"),
        ("v1_signatures", {"rename": {"embed": "e"}, "drop": ("embed",)}, "signature-twice"),
        ("v1_two_in_two_out", {"rename_inputs": {"a": "b"}}, "signature-key-taken"),
        ("tf2_signatures", {"rename_inputs": {"x": "self"}}, "signature-key-name"),
        ("tf2_signatures", {"rename_inputs": {"x": "class"}}, "signature-key-name"),
        ("v1_two_in_two_out", {"rename_inputs": {"a": "None"}}, "signature-key-name"),
        ("v1_no_signature", {"rename_inputs": {"x": "y"}}, "signature-unknown"),
        ("v1_signatures", {"add": (Added("new", {}, {"y": "y"}),)}, "signature-unfeedable"),
        ("v1_signatures", {"add": (Added("new", {"x": "both#x"}, {}),)}, "signature-no-output"),
        ("v1_signatures", {"add": (Added("new", {"x": "both#x"}, {"y": "y:4"}),)}, "R1-output"),
        (
            "v1_signatures",
            {"add": (Added("new", {"a": "both#x", "b": "twice#left"}, {"y": "y"}),)},
            "signature-shared-input",
        ),
    ],
)
def test_what_is_refused(models: Models, name: str, change: dict[str, Any], code: str) -> None:
    edit = findings(opened(models, name), **change)
    assert isinstance(edit, Refused)
    the([finding for finding in edit.findings if finding.severity == "error"], code)


def test_an_input_that_no_output_needs_is_told(models: Models) -> None:
    model = opened(models, "v1_two_in_two_out")
    inputs = {key: port.tensor for key, port in model.meta.signatures["serving_default"].inputs.items()}
    edit = findings(model, add=(Added("new", inputs, {"c": next(iter(inputs.values()))}),))
    assert codes(edit.findings, "warning") == ["signature-unused-input"] * (len(inputs) - 1)


# -- of the result of a merge


@pytest.mark.parametrize("form", ["tf1", "tf2"])
def test_a_merge_may_rename_what_the_result_takes_and_gives(
    models: Models, form: str, tmp_path: Path, child: Child
) -> None:
    plan = plan_of(
        models,
        {"one": "tf2_two_in_two_out", "two": "tf2_default_inputs"},
        ["w=x"],
        keep_outputs=True,
        rename_inputs=(("z", "a"), ("a", "z"), ("scale", "factor")),
        rename_outputs=(("y", "b"), ("b", "y")),
        format=form,
    )
    report = commit(draft_of(plan), tmp_path / "out", child=child)
    assert report.verdict == "verified", report.reason
    made = open_model(tmp_path / "out")
    found = made.meta.signatures["serving_default"]
    assert sorted(found.inputs) == ["a", "factor", "unused", "z"]
    assert found.inputs["factor"].default is not None
    assert sorted(found.outputs) == ["b", "w", "y"]
    assert made.origin is not None and made.origin.recipe is not None
    assert made.origin.recipe["result"]["rename_inputs"] == dict(plan.result.rename_inputs)


def test_keys_that_the_result_has_not_or_has_already(models: Models) -> None:
    plan = plan_of(
        models,
        {"one": "tf2_two_in_two_out", "two": "tf2_default_inputs"},
        ["w=x"],
        rename_inputs=(("Z", "q"), ("a", "scale")),
        rename_outputs=(("b", "q"),),
    )
    found = findings_of(plan)
    assert codes(found, "error") == ["R6-unknown", "R6-rename", "R6-unknown"]
    assert "Did you mean z?" in str(found[0])


def test_keys_that_no_python_name_can_be_are_kept_and_renamed(tmp_path: Path, child: Child) -> None:
    """As agents have them: TensorFlow itself wrote `0/discount`, and nested results are joined by `/`."""
    import tensorflow as tf

    class Policy(tf.Module):
        def __init__(self) -> None:
            self.w = tf.Variable(np.arange(8, dtype=np.float32).reshape(4, 2))

        @tf.function
        def action(self, *flat: Any) -> Any:
            return {"action/mode": flat[1] @ self.w * flat[0][:, None], "state/0": flat[0]}

        @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
        def value(self, x: Any) -> Any:
            return {"y": x @ self.w}

    policy = Policy()
    action = policy.action.get_concrete_function(
        tf.TensorSpec([None], tf.float32, name="0/discount"),
        tf.TensorSpec([None, 4], tf.float32, name="0/observation"),
    )
    path = str(tmp_path / "policy")
    tf.saved_model.save(policy, path, signatures={"action": action, "value": policy.value})
    model = open_model(path)
    assert "0/discount" in model.meta.signatures["action"].inputs
    values = {"0/discount": np.ones(3, np.float32), "0/observation": np.ones((3, 4), np.float32)}
    before = run(model, values, "action", child=child)
    changes: list[tuple[dict[str, Any], str, str]] = [
        ({"signature": "value", "rename_outputs": {"y": "z"}}, "0/discount", "action/mode"),
        ({"signature": "action", "rename_outputs": {"action/mode": "mode"}}, "0/discount", "mode"),
        ({"signature": "action", "rename_inputs": {"0/discount": "discount"}}, "discount", "action/mode"),
    ]
    for number, (change, discount, mode) in enumerate(changes):
        report = written(edited(model, **change), tmp_path / str(number), child)
        assert both_loaders(report)
        renamed = {discount: values["0/discount"], "0/observation": values["0/observation"]}
        for loader in ("v1", "v2"):
            after = run(tmp_path / str(number), renamed, "action", loader=loader, child=child)
            np.testing.assert_allclose(after[mode], before["action/mode"])


def two_ways(folder: Path) -> Path:
    """`x` → `y`; `z` → `w`; `d`, with a default, is added to `w`."""
    model = Tiny(folder).placeholder().placeholder("z").const("zero", 0.0)
    model.node("d", "PlaceholderWithDefault", "zero", dtype="float32", shape=())
    model.node("y", "Neg", "x", T="float32").node("w", "AddV2", "z", "d", T="float32")
    return model.signature(
        x_in="x:0", z_in="z:0", d_in=("d:0", "float32", ()), y_out="y:0", w_out="w:0"
    ).save()


def test_inputs_and_outputs_are_dropped(tmp_path: Path) -> None:
    change = ChangeSignature(drop_outputs=["w"], drop_inputs=["z", "d"], rename_inputs={"x": "image"})
    draft = made(open_model(two_ways(tmp_path / "m")), change)
    left = draft.meta.signatures["serving_default"]
    assert (list(left.inputs), list(left.outputs)) == (["image"], ["y"])
    reference = draft.references["serving_default"]
    assert (list(reference.inputs), list(reference.outputs)) == (["image"], ["y"])


def test_an_input_with_a_default_may_be_dropped(tmp_path: Path) -> None:
    draft = made(open_model(two_ways(tmp_path / "m")), ChangeSignature(drop_inputs=["d"]))
    assert list(draft.meta.signatures["serving_default"].inputs) == ["x", "z"]


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (ChangeSignature(drop_inputs=["z"]), "signature-needed", "Output 'w' needs the input 'z'"),
        (ChangeSignature(drop_outputs=["y", "w"]), "signature-outputs", "No output"),
        (ChangeSignature(drop_inputs=["q"]), "signature-input", "has no input 'q'"),
        (ChangeSignature(drop_outputs=["x"]), "signature-output", "It has an input of this name."),
        (ChangeSignature(drop_outputs=["w"], rename_outputs={"w": "v"}), "signature-twice", "Both a rename"),
    ],
)
def test_what_can_not_be_dropped(tmp_path: Path, change: ChangeSignature, code: str, words: str) -> None:
    refused = changed(open_model(two_ways(tmp_path / "m")), change)
    found = the(refused.findings, code)
    assert words in found.message


@pytest.mark.needs_tf
@pytest.mark.parametrize("name", ["tf2", "v1"])
def test_dropped_keys_in_every_loader(tmp_path: Path, child: Child, name: str) -> None:
    import tensorflow as tf

    if name == "v1":
        path = two_ways(tmp_path / "m")
    else:
        path = tmp_path / "m"
        module = tf.Module()
        module.w = tf.Variable(3.0)
        spec = tf.TensorSpec([None, 4], tf.float32, name="x")
        module.f = tf.function(
            lambda x, z: {"y": x * module.w, "w": z + module.w},
            input_signature=[spec, tf.TensorSpec([None, 4], tf.float32, name="z")],
        )
        tf.saved_model.save(module, str(path), signatures=module.f)
    change = ChangeSignature(drop_inputs=["z"], drop_outputs=["w"])
    if name != "v1":
        found = the(changed(open_model(path), change).findings, "signature-needed")
        assert "comes from a call that takes the input 'z'" in found.message
        change = ChangeSignature(drop_outputs=["w"])
    report = written(made(open_model(path), change), tmp_path / "out", child)
    assert both_loaders(report)
    loaded = tf.saved_model.load(str(tmp_path / "out")).signatures["serving_default"]
    assert ("z" in loaded.structured_input_signature[1]) == (name != "v1")
    assert list(loaded.structured_outputs) == ["y"]
