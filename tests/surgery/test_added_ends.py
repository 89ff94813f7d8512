"""A signature that is added: what its endpoints may be written as."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.surgery.tiny import Tiny
from workbench.model import open_model
from workbench.surgery.signature_edit import Added, SignatureChange, change_signatures


@pytest.fixture
def model(tmp_path: Path) -> Path:
    made = Tiny(tmp_path / "model").placeholder("in").node("out", "AddV2", "in", "in", T="float32")
    made.node("half", "Identity", "out", T="float32")
    made.signature(x_in="in:0", y_out="out:0")
    other = made.meta.signature_def["other"]
    other.inputs["picture"].name, other.inputs["picture"].dtype = "in:0", 1
    other.outputs["scores"].name, other.outputs["scores"].dtype = "half:0", 1
    return made.save()


@pytest.mark.parametrize(
    ("chosen", "inputs", "outputs", "tensors"),
    [
        (None, {"a": "x"}, {"b": "y"}, ("in:0", "out:0")),
        (None, {"a": "#x"}, {"b": "half"}, ("in:0", "half:0")),
        ("other", {"a": "picture"}, {"b": "scores"}, ("in:0", "half:0")),
        (None, {"a": "other#picture"}, {"b": "%out:0"}, ("in:0", "out:0")),
    ],
)
def test_endpoints_are_written_as_for_a_wire(
    model: Path, chosen: str | None, inputs: dict[str, str], outputs: dict[str, str], tensors: tuple[str, str]
) -> None:
    edit = change_signatures(
        open_model(model), SignatureChange(add=(Added("new", inputs, outputs),), signature=chosen)
    )
    assert not edit.blocked, edit.findings
    found = edit.meta.signatures["new"]
    assert (found.inputs["a"].tensor, found.outputs["b"].tensor) == tensors


def test_a_key_that_is_not_there_offers_the_keys_of_the_chosen_signature(model: Path) -> None:
    edit = change_signatures(open_model(model), SignatureChange(add=(Added("new", {"a": "xx"}, {"b": "y"}),)))
    (wrong,) = edit.findings
    assert "x" in (wrong.hint or "")
