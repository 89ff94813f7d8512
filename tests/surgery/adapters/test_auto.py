"""`auto` before an input: the chain that it becomes, its reasons, and what is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import workbench as wb
from tests.cli.tools import call
from tests.surgery.tiny import Tiny
from workbench.surgery.draft import Draft
from workbench.surgery.operation import Operation

N = None
AUTO = wb.Adapt(before={"x": "auto"})


def network(folder: Path, op: str = "Mul", value: float = 1 / 255, channels: int = 1) -> Path:
    """`x` float32 [?,8,8,channels], by an op with a constant."""
    shape = (N, 8, 8, channels)
    model = (
        Tiny(folder).placeholder("x", "float32", shape).const("c", value).node("y", op, "x", "c", T="float32")
    )
    return model.signature(x_in=("x:0", "float32", shape), y_out=("y:0", "float32", shape)).save()


def checked(path: Path, *steps: Operation) -> tuple[Draft | None, list[wb.Finding]]:
    found = wb.check(wb.Plan.edit(wb.open_model(path), *steps))
    return found.draft, list(found)


def test_the_chain_is_in_the_recipe_and_its_reasons_are_reported(tmp_path: Path) -> None:
    draft, findings = checked(network(tmp_path / "m"), AUTO)
    assert draft is not None
    chain = "decode-image channels=1 | resize 8 8"
    assert json.loads(draft.recipe)["steps"] == [{"operation": "adapt", "before": {"x": chain}}]
    assert draft.plan.steps == (wb.Adapt(before={"x": chain}),)
    (auto,) = (one for one in findings if one.code == "adapt-auto")
    assert auto.message.splitlines() == [
        f"auto is: {chain}",
        "  decode-image channels=1: grey: the input is float32 [?,8,8,1]. A request's b64 arrives decoded in "
        "TensorFlow Serving.",
        "  resize 8 8: the input is float32 [?,8,8,1].",
        "  -: No scale: the graph begins with x * 0.00392157, which takes 0 to 255.",
    ]
    assumed = [one.message.partition(".")[0] for one in findings if one.code == "adapt-auto-assumed"]
    assert assumed == ["How images were resized for training"]
    assert [one.code for one in findings].count("adapt-alpha") == 1


def test_what_the_graph_does_not_show_is_asked_with_chains_to_choose(tmp_path: Path) -> None:
    draft, (found,) = checked(network(tmp_path / "m", "Mul", 3.0, 3), AUTO)
    assert draft is None and found.code == "adapt-auto-unknown" and found.where == "x"
    assert (
        found.message
        == "The graph does not show whether red or blue comes first and the range of the numbers."
    )
    chains = [
        line.strip() for line in str(found.hint).splitlines() if line.strip().startswith("decode-image")
    ]
    assert len(chains) == 8 and "decode-image | resize 8 8 | scale 1/255" in chains
    for chain in chains:
        draft, _ = checked(tmp_path / "m", wb.Adapt(before={"x": chain}))
        assert draft is not None


def test_of_the_model_as_it_stands_at_the_step(tmp_path: Path) -> None:
    renamed = wb.ChangeSignature(rename_inputs={"x": "image"})
    draft, _ = checked(network(tmp_path / "m"), renamed, wb.Adapt(before={"image": "auto"}, as_key="files"))
    assert draft is not None
    assert draft.plan.steps == (
        renamed,
        wb.Adapt(before={"image": "decode-image channels=1 | resize 8 8"}, as_key="files"),
    )


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (wb.Adapt(before={"z": "auto"}), "adapt-endpoint z: The signature 'serving_default' has no input 'z'."),
        (wb.Adapt(before={"x": "auto"}, signature="no"), "R1-signature model: There is no signature 'no'."),
        (wb.Adapt(after={"y": "auto"}), "adapt-chain y: There is no adapter 'auto'."),
        (wb.Adapt(before={"w": "auto"}, signature="flat"), "adapt-auto-unknown w: The input takes float32 [?,7]: 7"),
    ],
)  # fmt: skip
def test_where_no_chain_can_be_derived(tmp_path: Path, step: wb.Adapt, problem: str) -> None:
    model = Tiny(tmp_path / "m").placeholder("x").placeholder("w", "float32", (N, 7))
    model.node("y", "Neg", "x", T="float32").node("v", "Neg", "w", T="float32").signature(
        x_in="x:0", y_out="y:0"
    )
    ends = {"w_in": ("w:0", "float32", (N, 7)), "v_out": ("v:0", "float32", (N, 7))}
    _, (found,) = checked(model.signature("flat", **ends).save(), step)
    assert f"{found.code} {found.where}: {found.message}".startswith(problem)


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = call(capsys, "adapt", network(tmp_path / "m"), "--before", "x", "auto", "--dry-run")
    assert done.code == 0 and "auto is: decode-image channels=1 | resize 8 8\n" in done.out
    done = call(capsys, "adapt", network(tmp_path / "n", "Neg", 3.0), "--before", "x", "auto", "--dry-run")
    assert done.code == 1
    assert "\n      decode-image channels=1 | resize 8 8 | scale 1/255\n        0 to 1\n" in done.err
