"""The operation `adapt`: what it changes, what it refuses, and that its result is verified."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import workbench as wb
from tests.surgery.adapters.pictures import opened, strings
from tests.surgery.tiny import Tiny, doubler
from workbench.disk import schema
from workbench.runtime.child_process.child import Child
from workbench.surgery.operations.set import Set
from workbench.surgery.step import parse_step, print_step

N = None


def adapted(path: Path, *steps: wb.Operation) -> wb.Draft:
    return wb.apply(wb.Plan.edit(wb.open_model(path), *steps))


def problems(path: Path, *steps: wb.Operation) -> list[str]:
    return [
        f"{one.code} {one.where}: {one.message}"
        for one in wb.check(wb.Plan.edit(wb.open_model(path), *steps))
    ]


def ports(draft: wb.Draft, side: str) -> dict[str, str]:
    from workbench.model.shapes import typed

    found = getattr(draft.meta.signatures["serving_default"], side)
    return {key: f"{port.tensor} {typed(port.dtype, port.shape)}" for key, port in found.items()}


def test_an_input_and_an_output_with_adapters(tmp_path: Path) -> None:
    path = doubler(tmp_path / "model").save()
    step = wb.Adapt(before={"x": "scale 1/2"}, after={"y": "top-k 2"})
    draft = adapted(path, step)
    assert ports(draft, "inputs") == {"x": "adapt_0/input:0 float32 [?,4]"}
    assert ports(draft, "outputs") == {
        "y": "adapt_0/top_k/TopKV2:0 float32 [?,2]",
        "y_indices": "adapt_0/top_k/TopKV2:1 int32 [?,2]",
    }
    nodes = {node.name: (node.op, list(node.input)) for node in draft.meta.proto.graph_def.node}
    assert nodes["adapt_0/input"] == ("Placeholder", [])
    assert nodes["x"] == ("Identity", ["adapt_0/scale/Mul"])
    assert nodes["y"] == ("AddV2", ["x", "x"])
    assert nodes["adapt_0/top_k/TopKV2"][1][0] == "y"
    recipe = json.loads(draft.recipe)
    assert recipe["steps"] == [
        {"operation": "adapt", "before": {"x": "scale 1/2"}, "after": {"y": "top-k 2"}}
    ]
    assert parse_step(print_step(step)) == step


def test_an_input_from_strings(tmp_path: Path) -> None:
    path = doubler(tmp_path / "model").save()
    text = "decode-image channels=1 | resize 2 2 | flatten"
    assert ports(adapted(path, wb.Adapt(before={"x": text})), "inputs") == {"x": "adapt_0/input:0 string [?]"}
    fixed = Tiny(tmp_path / "one").placeholder("x", "float32", (1, 4)).node("y", "Identity", "x", T="float32")
    one = fixed.signature(x_in=("x:0", "float32", (1, 4)), y_out=("y:0", "float32", (1, 4))).save()
    draft = adapted(one, wb.Adapt(before={"x": text}))
    assert ports(draft, "inputs") == {"x": "adapt_0/input:0 string []"}
    assert [one.message for one in draft.findings if one.code == "adapt-implied"] == [
        "`expand` is inserted: it follows by necessity and loses nothing."
    ]


def test_an_input_whose_size_only_the_run_can_tell(tmp_path: Path) -> None:
    draft = adapted(doubler(tmp_path / "model").save(), wb.Adapt(before={"x": "split , | parse-number"}))
    node = next(node for node in draft.meta.proto.graph_def.node if node.name == "x")
    assert node.op == "EnsureShape"


def test_adapters_before_adapters(tmp_path: Path) -> None:
    path = doubler(tmp_path / "model").save()
    draft = adapted(
        path, wb.Adapt(before={"x": "scale 2"}), wb.Adapt(before={"x": "cast float32 | clamp 0 1"})
    )
    assert ports(draft, "inputs") == {"x": "adapt_1/input:0 float32 [?,4]"}
    calls = [step["sets"][""]["tf"] for step in draft.references["serving_default"].inputs["x"][0].steps]
    assert calls == ["cast", "clip_by_value", "multiply"]


def test_files_of_labels_become_assets(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("a\nb\nc\nd\n")
    draft = adapted(
        doubler(tmp_path / "model").save(), wb.Adapt(after={"y": f"argmax | labels @{tmp_path}/labels.txt"})
    )
    assert ports(draft, "outputs") == {"y": "adapt_0/labels/LookupTableFindV2:0 string [?]"}
    assert [(one.filename, one.tensor_info.name) for one in draft.meta.proto.asset_file_def] == [
        ("labels.txt", "adapt_0/labels/asset:0")
    ]
    assert [one.relative for one in draft.files] == ["assets/labels.txt"]
    assert list(draft.meta.proto.collection_def["saved_model_main_op"].node_list.value) == ["adapt_0/init"]


def test_a_table_becomes_an_object(tmp_path: Path, sample_models: Path) -> None:
    (tmp_path / "labels.txt").write_text("".join(f"{number}\n" for number in range(10)))
    model = sample_models / "digits_tf2"
    (key,) = _outputs(model)
    draft = adapted(model, wb.Adapt(after={key: f"argmax | labels @{tmp_path}/labels.txt"}))
    graph = draft.meta.proto.object_graph_def
    (parent,) = (one.node_id for one in graph.nodes[0].children if one.local_name == "adapt_0")
    (table,) = (one.node_id for one in graph.nodes[parent].children)
    assert graph.nodes[table].WhichOneof("kind") == "resource"
    assert {one.local_name for one in graph.nodes[table].children} == {
        *("_create_resource", "_initialize", "_destroy_resource", "asset")
    }
    (name,) = (one for one in graph.concrete_functions if "signature_wrapper" in one)
    assert table in graph.concrete_functions[name].bound_inputs
    assert "^adapt_0/labels/fill" in draft.meta.nodes["NoOp"].input
    assert draft.meta.init_op == "NoOp"


def test_warm_up_requests_are_left_out(tmp_path: Path) -> None:
    path = doubler(tmp_path / "model").save()
    (path / "assets.extra").mkdir()
    (path / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"")
    assert adapted(path, wb.Adapt(before={"x": "scale 2"})).files == []
    assert len(adapted(path, wb.Adapt(after={"y": "scale 2"})).files) == 1


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (wb.Adapt(), "adapt-nothing serving_default: There are no adapters to put in."),
        (wb.Adapt(before={"z": "scale 2"}), "adapt-endpoint z: The signature 'serving_default' has no input 'z'."),
        (wb.Adapt(after={"x": "scale 2"}), "adapt-endpoint x: The signature 'serving_default' has no output 'x'."),
        (wb.Adapt(before={"x": " "}), "adapt-chain x: The chain of the input 'x' has no adapter."),
        (wb.Adapt(after={"y": "scalee 2"}), "adapt-chain y: There is no adapter 'scalee'."),
        (wb.Adapt(after={"y": "scale 'a"}), "adapt-chain y: A quote is not closed in"),
        (wb.Adapt(before={"x": "top-k 2"}), "adapt-chain x: The chain makes float32 [?,2]; it must"),
        (wb.Adapt(before={"x": "top-k 4"}), "adapt-chain x: The chain gives 2 tensors; an input takes one."),
        (wb.Adapt(before={"x": "cast int32"}), "adapt-chain x: The chain makes int32 [?,4]"),
        (wb.Adapt(after={"y": "argmax | labels @no-such"}), "adapt-chain y: `labels @no-such`: no-such: The file"),
    ],
)  # fmt: skip
def test_what_is_refused_before_anything_is_changed(tmp_path: Path, step: wb.Operation, problem: str) -> None:
    (found,) = problems(doubler(tmp_path / "model").save(), step)
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("text", "step", "problem", "hint"),
    [
        ("a\nb\nc\n", "argmax | labels @FILE",
         "`labels @FILE`: FILE has 3 lines; the output has 4 classes. Give a file with a line for each class.", ""),
        ("a\nb\nc\nd\ne\n", "top-k 2 | labels @FILE",
         "`labels @FILE`: FILE has 5 lines; the output has 4 classes. Give a file with a line for each class.", ""),
        ("a\n\nc\nd\n", "argmax | labels @FILE",
         "`labels @FILE`: Line 2 of FILE is empty, which TensorFlow refuses. Remove it.", ""),
        ("", "argmax | labels @FILE", "`labels @FILE`: FILE is empty.", ""),
        ("", "as-string | lookup @FILE", "`lookup @FILE`: FILE is empty.", ""),
        ("\ufeffa\nb\n", "as-string | lookup @FILE",
         "`lookup @FILE`: FILE begins with a byte order mark, which TensorFlow takes for a part of the first entry. "
         "Save it as UTF-8 without one.", ""),
        ("a\0\nb\0\n", "as-string | lookup @FILE",
         "`lookup @FILE`: FILE is no text in UTF-8: it has bytes that are zero. Save it as UTF-8.", ""),
        ("a\nb\na\n", "as-string | lookup @FILE",
         "`lookup @FILE`: FILE has entries twice: 'a' on lines 1 and 3. Remove the second of each.", ""),
        ("", "reshape ? 3", "`reshape ? 3` has float32 [?,4]; it takes rows of a number of values that 3 divides.", ""),
        ("", "resize 2 2", "`resize 2 2` has float32 [?,4]; it takes an image: numbers [height,width,channels], or a "
         "batch [?,height,width,channels].", "Add `reshape ? HEIGHT WIDTH CHANNELS` before it."),
        ("", "top-k 5", "`top-k 5` has float32 [?,4]; it takes at least 5 classes.", "Write `top-k 4`."),
        ("", "labels @FILE", "`labels @FILE` has float32 [?,4]; it takes int32 or int64 indices, or the result of "
         "`top-k`.", "Add `argmax` or `top-k` before it."),
        ("", "decode-image", "`decode-image` has float32 [?,4]; it takes one string, or a vector of strings: the bytes "
         "of PNG, JPEG, GIF or BMP files.", ""),
    ],
)  # fmt: skip
def test_a_chain_that_does_not_fit_is_refused_with_what_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, step: str, problem: str, hint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("FILE").write_text(text, "utf-8")
    path = doubler(tmp_path / "model").save()
    (found,) = wb.check(wb.Plan.edit(wb.open_model(path), wb.Adapt(after={"y": step})))
    assert (found.code, found.message, str(found.hint or "")) == ("adapt-chain", problem, hint)


def test_a_key_that_the_scores_need_is_taken(tmp_path: Path) -> None:
    model = doubler(tmp_path / "model").signature(x_in="x:0", y_out="y:0", y_indices_out="y:0")
    (found,) = problems(model.save(), wb.Adapt(after={"y": "top-k 2"}))
    assert found == "adapt-endpoint y_indices: The signature has an output of this name already."


def test_nodes_that_another_signature_needs_are_copied(tmp_path: Path) -> None:
    path = doubler(tmp_path / "model").signature("other", x_in="x:0", z_out="y:0").save()
    before = wb.open_model(path).meta.nodes
    draft = adapted(path, wb.Adapt(before={"x": "scale 2"}, after={"y": "top-k 2"}))
    nodes = {node.name: (node.op, list(node.input)) for node in draft.meta.proto.graph_def.node}
    assert nodes["x"] == ("Placeholder", []) and nodes["y"][1] == ["x", "x"] == list(before["y"].input)
    assert nodes["adapt_0/value"] == ("Identity", ["adapt_0/scale/Mul"])
    assert nodes["adapt_0/copy/y"][1] == ["adapt_0/value", "adapt_0/value"]
    assert nodes["adapt_0/top_k/TopKV2"][1][0] == "adapt_0/copy/y"
    other = draft.meta.signatures["other"]
    assert (other.inputs["x"].tensor, other.outputs["z"].tensor) == ("x:0", "y:0")
    assert list(draft.references) == ["serving_default"]
    assert problems(path, wb.Adapt(after={"y": "scale 2"})) == []


def test_what_adapters_made_is_no_reference(tmp_path: Path, sample_models: Path) -> None:
    inside = "StatefulPartitionedCall::StatefulPartitionedCall::MatMul:0"
    added = wb.ChangeSignature(add=[wb.Added("more", {"x": "myInput"}, {"y": inside})])
    model, front = sample_models / "digits_tf2", wb.Adapt(before={"myInput": "scale 2"})
    assert wb.check(wb.Plan.edit(model, added, front)).draft is not None
    assert any(one.startswith("step-lineage more:") for one in problems(model, front, added))


def test_a_signature_that_names_no_node(tmp_path: Path) -> None:
    path = doubler(tmp_path / "model").signature("odd", x_in="gone:0", y_out="y:0").save()
    (found,) = problems(path, wb.Adapt(before={"x": "scale 2"}, signature="odd"))[:1]
    assert found == "adapt-endpoint x: The graph has no node of its tensor 'gone:0'."


def test_a_loop_of_two_signatures_can_not_be_copied(tmp_path: Path) -> None:
    model = Tiny(tmp_path / "model").placeholder().node("enter", "Enter", "x", T="float32", frame_name=b"f")
    model.node("y", "Exit", "enter", T="float32").signature(x_in="x:0", y_out="y:0")
    path = model.signature("other", x_in="x:0", y_out="y:0").save()
    (found,) = problems(path, wb.Adapt(before={"x": "scale 2"}))
    assert found.startswith(
        "R1-control-flow serving_default: Another signature needs the loop of 'enter' as well"
    )


def test_a_second_signature_of_a_graphdef(tmp_path: Path) -> None:
    graph = doubler(tmp_path / "model").meta.graph_def
    (tmp_path / "graph.pb").write_bytes(graph.SerializeToString())
    draft = adapted(tmp_path / "graph.pb", wb.Adapt(before={"x": "parse-number"}, as_key="text"))
    assert list(draft.meta.signatures) == ["serving_default", "text"]
    assert draft.meta.signatures["text"].outputs["y"].tensor == "adapt_0/copy/y:0"


def test_what_is_behind_both_stays_one(tmp_path: Path) -> None:
    model = Tiny(tmp_path / "model").placeholder().node("a", "Neg", "x", T="float32")
    model.node("b", "Neg", "a", T="float32").signature(x_in="x:0", b_out="b:0")
    path = model.signature("other", x_in="x:0", a_out="a:0").save()
    nodes = adapted(path, wb.Adapt(before={"x": "scale 2"})).meta.nodes
    assert list(nodes["adapt_0/copy/a"].input) == ["adapt_0/value"]
    assert list(nodes["b"].input) == ["adapt_0/copy/a"], "nothing else needs it"
    assert "adapt_0/copy/b" not in nodes


def test_a_second_signature(tmp_path: Path) -> None:
    path = doubler(tmp_path / "model").save()
    step = wb.Adapt(before={"x": "parse-number"}, as_key="text")
    draft = adapted(path, step)
    assert list(draft.meta.signatures) == ["serving_default", "text"]
    assert ports(draft, "inputs") == {"x": "x:0 float32 [?,4]"}
    assert draft.meta.signatures["text"].inputs["x"].tensor == "adapt_0/input:0"
    assert draft.meta.signatures["text"].outputs["y"].tensor == "adapt_0/copy/y:0"
    assert list(draft.references) == ["text"]
    assert parse_step(print_step(step)) == step
    back = adapted(path, wb.Adapt(after={"y": "argmax"}, as_key="class"))
    assert ports(back, "outputs") == {"y": "y:0 float32 [?,4]"}
    assert back.meta.signatures["class"].outputs["y"].tensor == "adapt_0/argmax/ArgMax:0"


def test_keys_that_are_passed_through(tmp_path: Path) -> None:
    path = doubler(tmp_path / "model").save()
    step = wb.Adapt(before={"x": "parse-number"}, pass_through=["id", "row:int64", "x"])
    draft = adapted(path, step)
    assert ports(draft, "inputs") == {
        "id": "adapt_0/passed:0 string [?]",
        "row": "adapt_0/passed_1:0 int64 [?]",
        "x": "adapt_0/input:0 string [?,4]",
    }
    assert ports(draft, "outputs") == {
        "id": "adapt_0/passed_on:0 string [?]",
        "row": "adapt_0/passed_on_1:0 int64 [?]",
        "x": "adapt_0/passed_on_2:0 string [?,4]",
        "y": "y:0 float32 [?,4]",
    }
    assert list(draft.meta.nodes["adapt_0/passed_on_2"].input) == ["adapt_0/input"]
    assert parse_step(print_step(step)) == step


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        (["y"], "signature-key-taken y: Two outputs of the signature would be 'y'."),
        (["id", "id:int64"], "signature-key-taken id: Two outputs of the signature would be 'id'."),
        (["y_indices"], "signature-key-taken y_indices: Two outputs of the signature would be 'y_indices'."),
        (["self"], "signature-key-name self: 'self' can't be the key of an input:"),
        ([""], "signature-key-name inputs: A key can't be empty."),
    ],
)
def test_keys_that_can_not_be_passed_through(tmp_path: Path, keys: list[str], problem: str) -> None:
    path = doubler(tmp_path / "model").save()
    (found,) = problems(path, wb.Adapt(after={"y": "top-k 2"}, pass_through=keys))
    assert found.startswith(problem)


def test_an_input_that_is_no_placeholder(tmp_path: Path) -> None:
    model = Tiny(tmp_path / "model").placeholder("raw").node("x", "Neg", "raw", T="float32")
    path = model.node("y", "Neg", "x", T="float32").signature(x_in="x:0", y_out="y:0", x_out="x:0").save()
    draft = adapted(path, wb.Adapt(before={"x": "scale 2"}))
    assert list(draft.meta.nodes["y"].input) == ["adapt_0/value"]
    assert ports(draft, "outputs") == {
        "x": "adapt_0/value:0 float32 [?,4]",
        "y": "y:0 float32 [?,4]",
    }


def test_the_graph_knows_the_type_of_an_input_better(tmp_path: Path) -> None:
    path = doubler(tmp_path / "model").signature(x_in=("x:0", "float32", (None, 7)), y_out="y:0").save()
    assert ports(adapted(path, wb.Adapt(before={"x": "scale 2"})), "inputs") == {
        "x": "adapt_0/input:0 float32 [?,4]"
    }


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (wb.Adapt(after={"y": "argmax"}, as_key=""), "signature-name signature:"),
        (wb.Adapt(after={"y": "argmax"}, as_key="other"), "signature-taken other:"),
        (wb.Adapt(after={"y": "argmax"}, as_key="__saved_model_init_op"), "signature-hidden"),
        (wb.Adapt(after={"y": "argmax"}, signature="no"), "R1-signature model:"),
        (wb.Adapt(before={"a": "scale 2"}, signature="twice"), "adapt-endpoint a: The input 'b' feeds the same"),
    ],
)  # fmt: skip
def test_signatures_that_can_not_be_adapted(tmp_path: Path, step: wb.Operation, problem: str) -> None:
    model = doubler(tmp_path / "model").signature("other", x_in="x:0", z_out="y:0")
    path = model.signature("twice", a_in="x:0", b_in="x:0", z_out="y:0").save()
    (found,) = problems(path, step)
    assert found.startswith(problem)


FRONT = "decode-image channels=1 | resize 28 28 | scale 1/255 | flatten"


@pytest.mark.needs_tf
@pytest.mark.parametrize("name", ["digits", "digits_tf2"])
def test_a_front_and_a_back_of_the_digits_are_verified(
    tmp_path: Path, sample_models: Path, name: str, child: Child
) -> None:
    (tmp_path / "labels.txt").write_text("".join(f"digit {number}\n" for number in range(10)))
    back = f"top-k 3 | labels @{tmp_path}/labels.txt"
    draft = adapted(
        sample_models / name,
        wb.Adapt(before={"myInput": FRONT}, after=dict.fromkeys(_outputs(sample_models / name), back)),
    )
    report = wb.commit(draft, tmp_path / "result", child=child)
    assert report.verdict == "verified", report.reason
    pngs = [path.read_bytes() for path in sorted((sample_models / "digits_png").glob("*.png"))]
    (key,) = _outputs(sample_models / name)
    grey = np.stack([opened(png, "L").reshape(784) for png in pngs]).astype(np.float32) / 255
    scores = wb.run(wb.open_model(sample_models / name), {"myInput": grey}, child=child)[key]
    wanted = np.argsort(-scores, axis=1)[:, :3]
    for loader in ("v1", "v2"):
        result = wb.open_model(tmp_path / "result")
        found = wb.run(result, {"myInput": strings(*pngs)}, loader=loader, child=child)  # type: ignore[arg-type]
        np.testing.assert_allclose(found[key], np.take_along_axis(scores, wanted, axis=1), rtol=1e-4)
        named = [[f"digit {number}".encode() for number in row] for row in wanted]
        assert found[f"{key}_labels"].tolist() == named


def _outputs(path: Path) -> list[str]:
    return list(wb.open_model(path).meta.signatures["serving_default"].outputs)


@pytest.mark.needs_tf
def test_signatures_that_share_all_their_nodes_stay_as_they_were(
    tmp_path: Path, zoo: Any, child: Child
) -> None:
    path = zoo("v1_signatures").path
    step = wb.Adapt(before={"x": "parse-number | scale 1/2"}, after={"y": "as-string"}, as_key="text")
    report = wb.commit(adapted(path, step), tmp_path / "result", child=child)
    assert report.verdict == "verified", report.reason
    compared = wb.verify(tmp_path / "result", sources={"model": path})
    assert compared.verdict == "verified", compared.reason
    value = np.float32([[1, 2, 3, 4]])
    text = np.array([[b"2", b"4", b"6", b"8"]], dtype=object)
    for loader in ("v1", "v2"):
        model = wb.open_model(tmp_path / "result")
        for key in ("both", "embed", "serving_default"):
            found = wb.run(model, {"x": value}, signature=key, loader=loader, child=child)  # type: ignore[arg-type]
            for name, one in wb.run(wb.open_model(path), {"x": value}, signature=key, child=child).items():
                np.testing.assert_allclose(found[name], one, rtol=1e-6)
        found = wb.run(model, {"x": text}, signature="text", loader=loader, child=child)  # type: ignore[arg-type]
        wanted = wb.run(wb.open_model(path), {"x": value}, child=child)["y"]
        np.testing.assert_allclose(found["y"].astype(np.float32), wanted, rtol=1e-4)


@pytest.mark.needs_tf
@pytest.mark.parametrize(
    "chain", ["decode-image", "decode-image | crop 9 12", "decode-image | layout NHWC>NHWC"]
)
def test_pictures_of_the_size_that_a_chain_without_resize_takes(
    tmp_path: Path, chain: str, child: Child
) -> None:
    shape = (None, 9, 12, 3)
    model = Tiny(tmp_path / "model").placeholder("x", "float32", shape).node("y", "Neg", "x", T="float32")
    path = model.signature(x_in=("x:0", "float32", shape), y_out=("y:0", "float32", shape)).save()
    report = wb.commit(adapted(path, wb.Adapt(before={"x": chain})), tmp_path / "result", child=child)
    assert report.verdict == "verified", report.reason


@pytest.mark.needs_tf
@pytest.mark.parametrize("name", ["digits", "digits_tf2"])
def test_what_is_passed_through_is_verified(
    tmp_path: Path, sample_models: Path, name: str, child: Child
) -> None:
    first = wb.Adapt(before={"myInput": FRONT}, pass_through=["id", "number:int64"])
    steps = (
        first,
        wb.ChangeSignature(rename_inputs={"id": "key"}, rename_outputs={"id": "answer"}),
        wb.Adapt(after={"answer": "lowercase"}),
        Set("number", [7, 8]),
    )
    for path, some in ((tmp_path / "one", steps[:1]), (tmp_path / "all", steps)):
        report = wb.commit(adapted(sample_models / name, *some), path, child=child)
        assert report.verdict == "verified", report.reason
    pngs = [path.read_bytes() for path in sorted((sample_models / "digits_png").glob("*.png"))[:2]]
    given = {"myInput": strings(*pngs), "id": strings(b"A", b"B"), "number": np.int64([4, 5])}
    for loader in ("v1", "v2"):
        found = wb.run(wb.open_model(tmp_path / "one"), given, loader=loader, child=child)  # type: ignore[arg-type]
        assert found["id"].tolist() == [b"A", b"B"] and found["number"].tolist() == [4, 5]
    found = wb.run(
        wb.open_model(tmp_path / "all"), {"myInput": given["myInput"], "key": given["id"]}, child=child
    )
    assert found["answer"].tolist() == [b"a", b"b"] and found["number"].tolist() == [7, 8]


@pytest.mark.needs_tf
def test_adapters_after_a_join_are_verified(tmp_path: Path) -> None:
    a, b = doubler(tmp_path / "a").save(), doubler(tmp_path / "b").save()
    plan = wb.Plan.join(a=a, b=b, wires="y=x")
    plan = wb.Plan(plan.sources, (*plan.steps, wb.Adapt(before={"x": "scale 1/2"}, after={"y": "softmax"})))
    report = wb.commit(wb.apply(plan), tmp_path / "result")
    assert report.verdict == "verified", report.reason
    value = np.float32([[1, 2, 3, 4]])
    found: Any = wb.run(wb.open_model(tmp_path / "result"), {"x": value})["y"]
    np.testing.assert_allclose(found, np.exp(2 * value) / np.exp(2 * value).sum(), rtol=1e-5)


@pytest.mark.needs_tf
def test_a_result_that_is_not_what_the_reference_says_is_not_published(tmp_path: Path) -> None:
    draft = adapted(doubler(tmp_path / "model").save(), wb.Adapt(before={"x": "scale 1/2"}))
    proto = schema.SavedModel.FromString(draft.serialize())
    for node in proto.meta_graphs[0].graph_def.node:
        if node.name == "adapt_0/scale/by":
            node.attr["value"].tensor.tensor_content = np.float32(0.6).tobytes()
    draft.__dict__["parts_of_message"] = [proto.SerializeToString(deterministic=True)]  # what is written
    report = wb.commit(draft, tmp_path / "result")
    assert report.verdict == "differs", report.reason
    assert not (tmp_path / "result").exists()
