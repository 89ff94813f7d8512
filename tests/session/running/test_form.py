"""The form of a run: what can be run, made values, what is wrong with a value, in words."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest

from tests.surgery.tiny import Tiny, doubler
from workbench.errors import UnknownName
from workbench.model import open_model
from workbench.session.running.form import (
    encoded_image,
    from_file,
    make_form,
    parse,
    runnables,
    typed_inputs,
    usual,
)


def test_signatures_and_callables_can_be_run(sample_models: Path) -> None:
    found = [(one.name, one.kind) for one in runnables(open_model(sample_models / "digits_tf2"))]
    assert found[0] == ("serving_default", "signature") and ("__call__", "callable") in found
    (one,) = runnables(open_model(sample_models / "digits"))
    assert one.about == "float32 [?,784] → float32 [?,10]"
    assert usual(open_model(sample_models / "digits_tf2")) == "serving_default"


@pytest.mark.parametrize("name", ["serving_default", "__call__"])
def test_every_input_has_a_made_value(sample_models: Path, name: str) -> None:
    form = make_form(open_model(sample_models / "digits_tf2"), name)
    (one,) = form.inputs
    assert one.made is not None and one.made.shape == (1, 784) and one.note.startswith("made for it: ")
    values, problems = parse(form, {})
    assert not problems and values[one.name] is one.made


def test_nothing_else_can_be_run(sample_models: Path) -> None:
    with pytest.raises(UnknownName, match="nope"):
        make_form(open_model(sample_models / "digits"), "nope")


def test_what_is_typed_is_what_run_takes(sample_models: Path, tmp_path: Path) -> None:
    form = make_form(open_model(sample_models / "digits"), "serving_default")
    np.save(tmp_path / "x.npy", np.ones((2, 784), np.float32))
    values, problems = parse(form, {"myInput": f"@{tmp_path}/x.npy"})
    assert not problems and values["myInput"].shape == (2, 784)
    for text, said in (
        ("[[1,2]]", "784"),
        ("[1,", "not JSON"),
        (f"@{tmp_path}/none.npy", "none.npy"),
        (f"@{sample_models}/digits_png/sample-3.png", ".npy file"),
    ):
        _, problems = parse(form, {"myInput": text})
        assert said in problems["myInput"] and "--" not in problems["myInput"], problems


def test_an_image_for_a_model_that_decodes_base64(sample_models: Path) -> None:
    form = make_form(open_model(sample_models / "image_base64"), "serving_default")
    (one,) = form.inputs
    file = sample_models / "digits_png" / "sample-3.png"
    assert one.kind == "base64 image" and from_file(one, file) == f"base64url:@{file}"
    values, problems = parse(form, {one.name: f"base64url:@{file}"})
    assert not problems and encoded_image(values[one.name].item()) == file.read_bytes()
    _, problems = parse(form, {one.name: f"@{file}"})
    assert f"Type base64url:@{file}" in problems[one.name]


def test_an_input_without_a_made_value_is_asked_for(tmp_path: Path) -> None:
    made = Tiny(tmp_path / "m").placeholder("x", "resource", ()).node("y", "Identity", "x", T="resource")
    made.signature(x_in=("x:0", "resource", ()), y_out=("y:0", "resource", ()))
    form = make_form(open_model(made.save()), "serving_default")
    assert form.inputs[0].made is None
    values, problems = parse(form, {})
    assert not values and "It takes a resource, which cannot be typed." in problems["x"]


def test_a_sample_of_a_verification_is_offered(sample_models: Path) -> None:
    sample = {"myInput": np.zeros((1, 784), np.float32)}
    model = open_model(sample_models / "digits")
    (one,) = make_form(model, "serving_default", sample).inputs
    assert one.made is sample["myInput"] and "verified" in one.note
    (other,) = make_form(model, "serving_default", {"other": np.zeros(1)}).inputs
    assert other.made is not None and "made" in other.note


def test_values_of_a_commit_are_those_of_a_run(tmp_path: Path) -> None:
    meta = open_model(doubler(tmp_path / "m").save()).meta
    signature = meta.signature()
    key = next(iter(signature.inputs))
    found = typed_inputs([f"{key}=[1,2]", "nothing=3", "no"], meta, signature)
    assert found == {key: "[1,2]"}


def test_base64_with_and_without_padding() -> None:
    data = b"\x89PNG\r\n\x1a\n" + bytes(20)
    for text in (base64.urlsafe_b64encode(data), base64.urlsafe_b64encode(data).rstrip(b"=")):
        assert encoded_image(text) == data
    assert encoded_image(data) == data and encoded_image(b"word") == b""
