"""A SavedModel made of a chain alone: in every loader, joined to a model, and with inputs made for it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import workbench as wb
from tests.surgery.adapters.building import check, graph_of
from tests.surgery.adapters.pictures import file, gif, strings
from tests.surgery.tiny import Tiny
from workbench.disk import schema
from workbench.model import shapes
from workbench.runtime.chain import Adapted, Chain, FromInput, FromStage, ModelRef, ResultModel, Stage
from workbench.runtime.child_process.child import Child
from workbench.runtime.comparison.verify import Verifier
from workbench.surgery.adapters.fragment import Fragment, Tensor
from workbench.surgery.adapters.tensor_type import TensorType

pytestmark = pytest.mark.needs_tf

DIGITS = "decode-base64 | decode-image channels=1 | resize 28 28 | scale 1/255 | flatten"


def save(folder: Path, text: str, have: TensorType) -> Path:
    """A model that is a chain: input `x`, outputs `y` and `y_NAME`."""
    checked = check(text, have)
    graph, fragment, results = graph_of(checked)
    told = {name: (one, checked.companions[name] if name else checked.type) for name, one in results.items()}
    return write(folder, graph, have, told, fragment)


def write(folder: Path, graph: Any, have: TensorType, results: Any, fragment: Fragment | None = None) -> Path:
    """A SavedModel in TF1 format with its assets and what fills its tables."""
    message = schema.SavedModel(saved_model_schema_version=1)
    meta = message.meta_graphs.add(graph_def=graph)
    meta.meta_info_def.tags.append("serve")
    signature = meta.signature_def["serving_default"]
    signature.method_name = "tensorflow/serving/predict"
    ports = [(signature.inputs["x"], "x:0", have)]
    for name, (tensor, one) in results.items():
        key = f"y_{name}" if name else "y"
        ports.append((signature.outputs[key], f"{tensor.node}:{tensor.index}", one))
    for info, tensor_name, one in ports:
        info.name, info.dtype = tensor_name, one.dtype
        info.tensor_shape.CopyFrom(shapes.to_proto(one.shape))
    (folder / "assets").mkdir(parents=True)
    for asset in fragment.assets if fragment is not None else ():
        path = Path(asset.path)
        (folder / "assets" / path.name).write_bytes(path.read_bytes())
        meta.asset_file_def.add(filename=path.name).tensor_info.name = f"{asset.node}:0"
    if fragment is not None and fragment.init_ops:
        init = meta.graph_def.node.add(name="init", op="NoOp")
        init.input.extend(f"^{name}" for name in fragment.init_ops)
        meta.collection_def["saved_model_main_op"].node_list.value.append("init")
    (folder / "saved_model.pb").write_bytes(message.SerializeToString(deterministic=True))
    return folder


@pytest.mark.parametrize("loader", ["v1", "v2"])
def test_a_batch_of_images_in_each_loader(tmp_path: Path, loader: Any) -> None:
    text = "decode-image | letterbox 4 6 value=7 | scale 1/255"
    model = wb.open_model(save(tmp_path / "front", text, TensorType.of("string", (None,))))
    files = strings(file("RGB", "PNG", (12, 9)), gif((3, 5)))
    found = wb.run(model, {"x": files}, loader=loader)["y"]
    assert found.shape == (2, 4, 6, 3)
    np.testing.assert_allclose(found[1, 1, 2], [0, 0, 1], atol=1e-6)


@pytest.mark.parametrize("loader", ["v1", "v2"])
def test_labels_of_the_largest_scores_in_each_loader(tmp_path: Path, loader: Any) -> None:
    (tmp_path / "labels.txt").write_text("ant\nbee\ncat\n")
    text = f"softmax | top-k 2 | labels @{tmp_path}/labels.txt"
    model = wb.open_model(save(tmp_path / "back", text, TensorType.of("float32", (None, 3))))
    found = wb.run(model, {"x": np.float32([[1, 3, 2]])}, loader=loader)
    assert found["y_labels"].tolist() == [[b"bee", b"cat"]]
    np.testing.assert_allclose(found["y"], [[0.6652, 0.2447]], atol=1e-3)


def test_a_front_joined_to_the_digits_is_verified_and_agrees_with_the_one_that_was_made_by_hand(
    tmp_path: Path, sample_models: Path
) -> None:
    front = save(tmp_path / "front", DIGITS, TensorType.of("string", (None,)))
    plan = wb.Plan.join(front, sample_models / "digits", wires="y=myInput")
    report = wb.commit(wb.apply(plan), tmp_path / "joined")
    assert report.verdict == "verified", report.reason
    by_hand = wb.Plan.join(sample_models / "image_base64", sample_models / "digits", wires="pixels=myInput")
    one = wb.open_model(wb.commit(wb.apply(by_hand), tmp_path / "by_hand", verify=False).path)
    texts = [
        base64.urlsafe_b64encode(path.read_bytes())
        for path in sorted((sample_models / "digits_png").glob("*.png"))
    ]
    batch = wb.run(wb.open_model(tmp_path / "joined"), {"x": strings(*texts)})
    for row, text in enumerate(texts):
        ((key, value),) = wb.run(
            one, {next(iter(one.meta.signatures["serving_default"].inputs)): text}
        ).items()
        np.testing.assert_allclose(batch[key][row], value[0], rtol=1e-4, atol=1e-5)


# -- verified by references


def doubler(folder: Path) -> Path:
    """`x` float32 [?,3] to `y`, twice as much."""
    model = Tiny(folder).placeholder("x", "float32", (None, 3)).node("y", "AddV2", "x", "x", T="float32")
    ends = {"x_in": ("x:0", "float32", (None, 3)), "y_out": ("y:0", "float32", (None, 3))}
    return model.signature(**ends).save()


def whole(folder: Path, front: str, back: str) -> tuple[Path, Any, Any]:
    """A model that is a front, a doubling and a back; and the references of front and back."""
    before = check(front, TensorType.of("int32", (None, 3)))
    graph, _, results = graph_of(before)
    graph.node.add(name="y", op="AddV2", input=[results[""].node] * 2).attr["T"].type = 1
    after = check(back, before.type)
    fragment = Fragment("adapt_1", {node.name for node in graph.node})
    made = after.build(fragment, Tensor("y", before.type.dtype))
    graph.node.extend(fragment.nodes)
    told = {name: (one, after.companions[name] if name else after.type) for name, one in made.items()}
    return write(folder, graph, before.have, told), before.reference(), after.reference()


@pytest.mark.parametrize(("used", "verdict"), [("scale 1/4", "verified"), ("scale 1/5", "differs")])
def test_a_front_and_a_back_are_verified_against_functions_of_tensorflow(
    tmp_path: Path, child: Child, used: str, verdict: str
) -> None:
    path, _, after = whole(tmp_path / "whole", used, "softmax | top-k 2")
    before = check("scale 1/4", TensorType.of("int32", (None, 3))).reference()
    feed = {"x:0": FromInput("x", Adapted(before))}
    stage = Stage("doubler", ModelRef(doubler(tmp_path / "doubler")), feed, ("y:0",))
    outputs = {
        key: FromStage(0, "y:0", Adapted(after, part)) for key, part in (("y", ""), ("y_indices", "indices"))
    }
    samples = [{"x": np.int32([[1, 2, 3], [5, -1, 0]])}, {"x": np.int32([[0, 9, 3], [2, 2, 7]])}]
    verifier = Verifier(child, Chain((stage,), outputs), samples)
    assert verifier.reference() is None
    found = verifier.result(
        ResultModel(ModelRef(path), wb.open_model(path).meta.signatures["serving_default"])
    )
    assert found.verdict == verdict, found.reason


def test_a_value_that_a_reference_refuses_is_an_answer(tmp_path: Path, child: Child) -> None:
    steps = check("parse-number | expand", TensorType.of("string", (3,))).reference()
    feed = {"x:0": FromInput("x", Adapted(steps))}
    stage = Stage("doubler", ModelRef(doubler(tmp_path / "doubler")), feed, ("y:0",))
    verifier = Verifier(
        child, Chain((stage,), {"y": FromStage(0, "y:0")}), [{"x": strings(b"1", b"x", b"2")}]
    )
    failed = verifier.reference()
    assert failed is not None
    assert failed.verdict == "inconclusive"
    assert "StringToNumberOp could not correctly convert string: x" in failed.reason
