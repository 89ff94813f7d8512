"""Every draft is put to the checks: what a source has wrong stops a merge, if the result would have it, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.checks.cases import CASES, copy, edited, library, named
from tests.cli.tools import DIGITS, IMAGE, WIRE, call
from tests.surgery.tiny import doubler, plan
from tests.surgery.tools import changed, codes, made
from workbench.checks import postconditions as sound
from workbench.describe.actions import words
from workbench.findings import Finding
from workbench.model import MetaGraph, open_model
from workbench.publishing.commit import commit
from workbench.surgery import builder
from workbench.surgery.conditions.postconditions import UnsoundDraft
from workbench.surgery.draft import Draft, build
from workbench.surgery.operation import Operation
from workbench.surgery.plan import Plan
from workbench.surgery.workspace import Workspace

# Codes that the result would have, too, and what the merge says of each, if it is not the code itself.
CARRIED = {
    "call-arguments": "",
    "call-results": "",
    "capture-count": "",
    "capture-kind": "",
    "cycle": "R2-source-cycle",
    "duplicate-node": "",
    "function-clash": "",
    "function-input": "",
    "function-return": "",
    "input-count": "",
    "input-order": "",
    "missing-attr": "",
    "missing-function": "",
    "object-constant": "",
    "object-function": "",
    "object-id": "",
    "output-index": "",
    "signature-tensor": "",
    "variable-mismatch": "",
    "version-bounds": "",
}


def joined(net: Path, **options: Any) -> tuple[Draft | None, list[Finding]]:
    return build(Plan.join(IMAGE, net, wires=[WIRE], **options))


@pytest.mark.parametrize("code", CARRIED)
def test_what_the_result_would_have_too(code: str, tmp_path: Path) -> None:
    draft, findings = joined(CASES[code](tmp_path))
    errors = {finding.code: finding for finding in findings if finding.severity == "error"}
    assert draft is None and (CARRIED[code] or code) in errors, errors
    assert errors[CARRIED[code] or code].where.startswith("model")


@pytest.mark.parametrize("code", ["object-id", "object-function", "capture-count"])
def test_the_object_graph_can_be_left_behind(code: str, tmp_path: Path) -> None:
    path = CASES[code](tmp_path)
    _, findings = joined(path)
    assert "--format tf1" in " ".join(words(finding.hint, "command line") for finding in findings)
    draft, _ = joined(path, format="tf1")
    assert draft is not None


def add_unused(meta: Any) -> None:
    """Everything that can be wrong with nodes that no output needs, and with a function that nothing calls."""
    nodes = meta.graph_def.node
    nodes.add(name="dangling", op="Tanh", input=["nowhere"])
    nodes.add(name="count", op="MatMul", input=["myInput"])
    nodes.add(name="two words", op="NoOp")
    nodes.add(name="call", op="PartitionedCall").attr["f"].func.name = "gone"
    for _ in range(2):
        nodes.add(name="twice", op="NoOp")
    function = meta.graph_def.library.function.add()
    function.signature.name = "unused"
    function.node_def.add(name="n", op="Tanh", input=["nothing:0"])


def test_what_is_pruned_stops_nothing(tmp_path: Path) -> None:
    path = edited(tmp_path, add_unused)
    assert len({finding.code for finding in sound.errors(open_model(path).meta)}) >= 6
    draft, findings = joined(path)
    assert draft is not None, findings
    assert sound.errors(draft.meta) == []


@pytest.mark.parametrize("sample", ["digits", "digits_tf2"])
@pytest.mark.parametrize("form", ["tf1", "tf2"])
def test_results_are_sound(
    tmp_path: Path, sample: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    net = DIGITS.parent / sample
    done = call(capsys, "merge", IMAGE, net, "--wire", WIRE, "--format", form, "--no-verify", "-o", out)
    assert done.code == 0
    assert call(capsys, "check", out, "--strict").out.startswith(f"{out}  nothing found")


def test_our_own_mistake_is_said_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sources are sound and the result is not: no finding, no `WorkbenchError`."""
    original = builder.Builder._compact

    def lose(self: builder.Builder) -> None:
        original(self)
        del self.graph.node[0]

    monkeypatch.setattr(builder.Builder, "_compact", lose)
    made = plan(doubler(tmp_path / "a").save(), doubler(tmp_path / "b").save())
    with pytest.raises(UnsoundDraft, match="This is a bug of workbench") as caught:
        build(made)
    assert "dangling-input" in {finding.code for finding in caught.value.errors}


def meddle(what: Callable[[Any], None]) -> Operation:
    """An operation that does something to the message under edit."""

    @dataclass(frozen=True, slots=True)
    class Meddle(Operation):
        NAME = "meddle"

        def apply(self, workspace: Workspace) -> None:
            what(workspace.meta_graph)

    return Meddle()


def test_a_change_of_one_model_carries_over(tmp_path: Path) -> None:
    model = open_model(CASES["function-return"](tmp_path))
    assert codes(changed(model).findings) == ["function-return"]


def test_a_change_that_breaks_something(tmp_path: Path) -> None:
    def lose(meta_graph: Any) -> None:
        del library(meta_graph, "__call__").node_def[0]

    with pytest.raises(UnsoundDraft, match="function-input"):
        changed(open_model(copy(tmp_path, "digits_tf2")), meddle(lose))


def test_a_change_that_mends_something(tmp_path: Path) -> None:
    def mend(meta_graph: Any) -> None:
        named(meta_graph, "myOutput").input[0] = "add"

    assert commit(
        made(open_model(CASES["output-index"](tmp_path)), meddle(mend)), tmp_path / "out", verify=False
    ).published


def test_looking_writes_nothing_into_the_draft(tmp_path: Path) -> None:
    for sample in ("digits", "digits_tf2"):
        model = open_model(copy(tmp_path / sample, sample))
        before = model.proto.SerializeToString(deterministic=True)
        assert sound.errors(MetaGraph(model.proto.meta_graphs[0])) == []
        assert model.proto.SerializeToString(deterministic=True) == before


def test_a_lying_output_shape_is_corrected(tmp_path: Path) -> None:
    """The source says `[?,9]` of what is `[?,10]`; tf.saved_model.load would refuse a result that says so, too."""
    path = CASES["output-shape"](tmp_path)
    draft, findings = joined(path)
    assert draft is not None
    (found,) = (finding for finding in findings if finding.code == "R4-output-shape")
    assert (found.severity, found.where) == ("warning", "model@myOutput")
    assert "[?,9]" in found.message and "[?,10]" in found.message
    port = draft.meta.signatures["serving_default"].outputs["myOutput"]
    assert port.shape == (None, 10)


def test_a_function_that_is_named_but_not_listed_stays_in_the_library(tmp_path: Path) -> None:
    """Keras 2 saves the activations of EfficientNet like that, and TensorFlow loads them."""

    def unlisted(meta: Any) -> None:
        copied = meta.graph_def.library.function.add()
        copied.CopyFrom(library(meta, "__inference___call__"))
        copied.signature.name = "__inference_unlisted"
        found = next(one for one in meta.object_graph_def.nodes if one.HasField("function"))
        found.function.concrete_functions.append("__inference_unlisted")

    draft, findings = joined(edited(tmp_path, unlisted, "digits_tf2"), format="tf2")
    assert draft is not None, findings
    graph = draft.meta.proto.object_graph_def
    wanted = {name for node in graph.nodes for name in node.function.concrete_functions}
    assert wanted - set(graph.concrete_functions)
    assert wanted <= set(draft.meta.functions)
