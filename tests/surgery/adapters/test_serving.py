"""Adapted models behind TensorFlow Serving's REST API, by a reimplementation of what is documented of that."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

import workbench as wb
from tests.surgery.adapters.pictures import file, strings
from tests.surgery.adapters.rest import predict
from workbench.runtime.child_process.child import Child
from workbench.surgery.draft import Draft

FRONT = "decode-image channels=1 | resize 28 28 | scale 1/255 | flatten"


def adapted(model: Path, files: Path, front: str = FRONT, image: str = "image_bytes") -> Draft:
    """The digits as a service: image files and keys in; the three likeliest, their labels and the keys out."""
    (files / "labels.txt").write_text("".join(f"it is a {number}\n" for number in range(10)))
    (output,) = wb.open_model(model).meta.signatures["serving_default"].outputs
    steps = (
        wb.ChangeSignature(rename_inputs={"myInput": image}, rename_outputs={output: "scores"}),
        wb.Adapt(
            before={image: front},
            after={"scores": f"top-k 3 | labels @{files}/labels.txt"},
            pass_through=["id", image],
        ),
    )
    return wb.apply(wb.Plan.edit(wb.open_model(model), *steps))


def found_for_serving(draft: Draft, folder: Path) -> dict[str, str]:
    """What `check --for serving` finds in a result: code and place to severity."""
    path = folder / "checked"
    wb.commit(draft, path, verify=False)
    found = wb.check_model(wb.open_model(path), serving=True).findings
    return {f"{one.code} {one.where}": one.severity for one in found if one.code.startswith("serving")}


def test_a_service_of_image_files_has_no_fault(tmp_path: Path, sample_models: Path) -> None:
    assert found_for_serving(adapted(sample_models / "digits", tmp_path), tmp_path) == {
        "serving-string-output serving_default#id": "info",
        "serving-string-output serving_default#scores_labels": "info",
    }


def test_what_a_service_should_not_do_is_found(tmp_path: Path, sample_models: Path) -> None:
    draft = adapted(sample_models / "digits_tf2", tmp_path, f"decode-base64 | {FRONT}", "image")
    assert found_for_serving(draft, tmp_path) == {
        "serving-base64 serving_default#image": "warning",
        "serving-string-output serving_default#id": "info",
        "serving-string-output serving_default#image": "info",
        "serving-string-output serving_default#scores_labels": "info",
    }
    draft = adapted(sample_models / "digits_tf2", tmp_path, FRONT, "image")
    found = found_for_serving(draft, tmp_path / "again")
    assert found["serving-binary-output serving_default#image"] == "warning"


@pytest.fixture(scope="module", params=["digits", "digits_tf2"])
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sample_models: Path
) -> Path:
    folder = tmp_path_factory.mktemp("service")
    report = wb.commit(adapted(sample_models / request.param, folder), folder / "served")
    assert report.verdict == "verified", report.reason
    assert report.path is not None
    return report.path


@pytest.mark.needs_tf
def test_rows_and_columns_are_answered(service: Path, sample_models: Path, child: Child) -> None:
    pngs = [path.read_bytes() for path in sorted((sample_models / "digits_png").glob("*.png"))[:3]]
    pngs.append(file("RGBA", "PNG", (40, 30)))
    sent = [{"b64": base64.b64encode(png).decode()} for png in pngs]
    keys = [f"request {number}" for number in range(len(sent))]
    instances = [{"image_bytes": one, "id": key} for one, key in zip(sent, keys, strict=True)]
    answer = predict(service, json.dumps({"instances": instances}), child)
    assert [row["id"] for row in answer["predictions"]] == keys
    assert [row["image_bytes"] for row in answer["predictions"]] == sent
    assert [row["scores_labels"][0] for row in answer["predictions"][:3]] == [
        f"it is a {at}" for at in range(3)
    ]
    assert all(
        len(row["scores"]) == 3 and row["scores"][0] >= row["scores"][1] for row in answer["predictions"]
    )
    columns = predict(service, json.dumps({"inputs": {"image_bytes": sent, "id": keys}}), child)["outputs"]
    for key in ("id", "image_bytes", "scores", "scores_labels"):
        assert columns[key] == [row[key] for row in answer["predictions"]]
    one = predict(service, json.dumps({"instances": instances[:1]}), child)["predictions"]
    assert one[0]["scores_labels"] == answer["predictions"][0]["scores_labels"]


@pytest.mark.needs_tf
def test_a_single_input_and_output_need_no_names(tmp_path: Path, sample_models: Path, child: Child) -> None:
    (output,) = wb.open_model(sample_models / "digits").meta.signatures["serving_default"].outputs
    step = wb.Adapt(before={"myInput": FRONT}, after={output: "argmax"})
    plan = wb.Plan.edit(wb.open_model(sample_models / "digits"), step)
    path = wb.commit(wb.apply(plan), tmp_path / "served", verify=False).path
    assert path is not None
    png = base64.b64encode((sample_models / "digits_png" / "sample-3.png").read_bytes()).decode()
    assert predict(path, json.dumps({"instances": [{"b64": png}] * 2}), child) == {"predictions": [3, 3]}
    assert predict(path, json.dumps({"inputs": [{"b64": png}]}), child) == {"outputs": [3]}
    assert "error" in predict(path, json.dumps({"instances": [{"b64": "%"}]}), child)


@pytest.mark.needs_tf
def test_bytes_that_are_no_image_are_refused_by_the_decoder(service: Path, child: Child) -> None:
    for data in (b"", b"no image", file("RGB", "PNG")[:40], file("L", "JPEG")[:30]):
        refused(service, data, child)


def refused(service: Path, data: bytes, child: Child) -> None:
    given = {"image_bytes": strings(file("L", "PNG"), data), "id": strings(b"a", b"b")}
    with pytest.raises(wb.errors.ExecutionFailed, match=r"(?i)decode_?image|invalid png|jpeg") as caught:
        wb.run(wb.open_model(service), given, child=child)
    told = {b"": "is empty", b"no image": "begins with 'no image'"}.get(data)
    if told is not None:
        wanted = f"Value 1 of image_bytes is no image file: it {told}. Give the bytes of a PNG, JPEG, GIF or BMP file."
        assert str(caught.value.hint) == wanted
