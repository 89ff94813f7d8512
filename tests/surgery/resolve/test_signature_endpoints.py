"""A signature that is added: what its endpoints may be written as."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.protos import Func, Shape, function, graph, meta_graph, node, write
from tests.surgery.tiny import Tiny
from tests.surgery.tools import changed
from workbench.model import open_model
from workbench.surgery.draft import Draft
from workbench.surgery.operations.signature import ChangeSignature
from workbench.surgery.signatures.changes import Added


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
    edit = changed(open_model(model), ChangeSignature(add=(Added("new", inputs, outputs),), signature=chosen))
    assert isinstance(edit, Draft), edit.findings
    found = edit.meta.signatures["new"]
    assert (found.inputs["a"].tensor, found.outputs["b"].tensor) == tensors


def test_a_key_that_is_not_there_offers_the_keys_of_the_chosen_signature(model: Path) -> None:
    edit = changed(open_model(model), ChangeSignature(add=(Added("new", {"a": "xx"}, {"b": "y"}),)))
    (wrong,) = edit.findings
    assert "x" in (wrong.hint or "")


@pytest.fixture
def calling(tmp_path: Path) -> Path:
    """`out` is twice(`in`), twice calls `inner`: x + x, then negated."""
    inner = function("inner", ["a:1"], node("sum", "AddV2", "a", "a", T=1), returns={"b": "sum:z:0"})
    outer = function(
        "outer", ["a:1"],
        node("call", "PartitionedCall", "a", Tin=[1], Tout=[1], f=Func("inner")),
        node("minus", "Neg", "call:output:0", T=1),
        returns={"b": "minus:y:0"},
    )  # fmt: skip
    main = graph(
        node("in", "Placeholder", dtype=1, shape=Shape((None, 2))),
        node("out", "PartitionedCall", "in", Tin=[1], Tout=[1], f=Func("outer")),
        functions=[inner, outer],
    )
    return write(tmp_path / "calling", meta_graph(main, serving_default=({"x": "in:0"}, {"y": "out:0"})))


def test_an_endpoint_may_lie_inside_calls(calling: Path) -> None:
    added = (
        Added("inner", {"x": "in:0"}, {"sum": "out::call::sum:0"}),
        Added("tail", {"s": "out::call:0"}, {"y": "y"}),
    )
    edit = changed(open_model(calling), ChangeSignature(add=added))
    assert isinstance(edit, Draft), edit.findings
    assert edit.meta.signatures["inner"].outputs["sum"].tensor == "out/call/sum:0"
    assert edit.meta.signatures["tail"].inputs["s"].tensor == "out/call:0"
    assert (edit.meta.nodes["out"].op, edit.meta.nodes["out/call/sum"].op) == ("Identity", "AddV2")
    # what lies inside is compared with a copy, the model's own signature with the original
    opened = {key: reference.inlined is not None for key, reference in edit.references.items()}
    assert opened == {"inner": True, "tail": True, "serving_default": False}
    assert edit.workspace.original.nodes["out"].op == "PartitionedCall"


def test_an_endpoint_inside_calls_that_is_not_there_is_named(calling: Path) -> None:
    added = Added("inner", {"x": "in:0"}, {"sum": "out::call::summ:0"})
    (wrong,) = changed(open_model(calling), ChangeSignature(add=(added,))).findings
    assert wrong.severity == "error" and "sum" in (wrong.hint or "")
