"""Wires that end inside function calls: opened in a copy, which is compared with the original before it is trusted."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from tests.sampling import plainly
from tests.surgery.tools import Models, changed, draft_of, findings_of, plan_of, the
from tests.zoo import Example
from tests.zoo.example import numbers
from workbench.graph.level import Level
from workbench.model import MetaGraph, open_model
from workbench.model.op_classes import CALLS
from workbench.names import input_node
from workbench.publishing.commit import commit
from workbench.publishing.running import Proving
from workbench.runtime.child_process.child import Child
from workbench.surgery.operations.connect import Connect
from workbench.surgery.operations.signature import ChangeSignature
from workbench.surgery.plan import handle_base
from workbench.surgery.recipe import RECIPE
from workbench.surgery.resolve.endpoints import Lookup
from workbench.surgery.resolve.inside_calls import inline_for_endpoints
from workbench.surgery.signatures.changes import Added
from workbench.verification.api import verify

Zoo = Callable[[str], Example]


def find_op(meta: MetaGraph, op: str) -> str:
    """The written place of the first node of an op in the call that the default signature names, at any depth."""
    call = input_node(next(iter(meta.signatures["serving_default"].outputs.values())).tensor)
    while meta.nodes[call].op == "Identity":
        call = input_node(meta.nodes[call].input[0])
    for level in Level.of(meta).levels():
        if not level.calls or (meta.nodes[call].op in CALLS and level.calls[0].node != call):
            continue
        for node in level.nodes.values():
            if node.op == op:
                return level.full_name(node.name)
    raise AssertionError(op)


# handle a's end, handle b's end: a place is found by its op
WIRES = {
    "from four calls deep": ("tf2_nested_functions", "MatMul", "tf2_module", None),
    "into four calls deep": ("v1_simple_save", None, "tf2_nested_functions", "Sin"),
    "on both sides": ("tf2_nested_functions", "MatMul", "tf2_module_twin", "MatMul"),
    "out of Keras": ("keras_conv", "Relu", "keras_conv", "Relu"),
    "out of a call with a table": ("tf2_hash_table", "ResourceGather", "v1_simple_save", None),
    "a call of a v1 function": ("v1_functions", "Mul", "v1_simple_save", None),
}


@pytest.mark.parametrize(
    ("name", "format"),
    plainly(
        list(product(WIRES, ["auto", "tf1"])),
        ("from four calls deep", "tf1"),
        ("into four calls deep", "auto"),
        ("on both sides", "tf1"),
        ("on both sides", "auto"),
        ("out of a call with a table", "auto"),
        ("a call of a v1 function", "auto"),
    ),
)
def test_a_join_inside_calls_is_verified(
    models: Models, child: Child, tmp_path: Path, name: str, format: str
) -> None:
    a, source, b, target = WIRES[name]
    ends = []
    for name, op, key in ((a, source, "y"), (b, target, "x")):
        ends.append(key if op is None else find_op(open_model(models(name).path).meta, op))
    wire = f"{ends[0]} = {ends[1]}"
    draft = draft_of(plan_of(models, {"a": a, "b": b}, [wire], format=format))
    assert "::" in ends[0] + ends[1]
    report = commit(draft, tmp_path / "joined", proving=Proving(), child=child)
    assert report.verdict == "verified", report.reason
    assert report.path is not None
    assert not [name for name in os.listdir(report.path) if name.startswith(".")]
    assert not [name for name in os.listdir(tmp_path) if name != "joined"]
    text = (report.path / "assets.extra" / RECIPE).read_text()
    assert all(end in text for end in ends if "::" in end)
    if source is not None:
        assert f"a/{ends[0].replace('::', '/')}" in open_model(report.path).meta.nodes


@pytest.mark.parametrize(
    "options", [{"freeze": True}, {"keep_outputs": True}, {"keep_signatures": True}], ids=str
)
def test_a_join_inside_calls_with_options(
    models: Models, child: Child, tmp_path: Path, options: dict[str, bool]
) -> None:
    end = find_op(open_model(models("tf2_nested_functions").path).meta, "MatMul")
    draft = draft_of(
        plan_of(models, {"a": "tf2_nested_functions", "b": "tf2_while"}, [f"{end} = x"], **options)
    )
    report = commit(draft, tmp_path / "joined", proving=Proving(), child=child)
    assert report.verdict == "verified", report.reason


def test_given_values_serve_the_opened_source_too(models: Models, child: Child, tmp_path: Path) -> None:
    from workbench.publishing import reference
    from workbench.publishing.work import Work

    end = find_op(open_model(models("tf2_nested_functions").path).meta, "MatMul")
    draft = draft_of(plan_of(models, {"a": "tf2_nested_functions", "b": "tf2_module"}, [f"{end} = x"]))
    values = {"x": numbers("given", (2, 4))}
    part = draft.parts["a"]
    assert part.chosen is not None
    work = Work(draft, Proving(inputs=values))
    assert [list(sample) for sample in work._given_to(part, part.chosen)] == [["x"]]
    assert reference.own_chain(part, part.chosen).stages[0].model.path == models("tf2_nested_functions").path
    report = commit(draft, tmp_path / "joined", proving=Proving(inputs=values), child=child)
    assert report.verdict == "verified", report.reason


def test_an_opened_source_that_is_another_model_is_found_out(
    models: Models, child: Child, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.surgery.resolve import inside_calls as prepare

    honest = prepare.inline_calls

    def wrong(graph_def, **options):  # type: ignore[no-untyped-def]
        done = honest(graph_def, **options)
        for node in graph_def.node:
            if node.op == "Sub":
                node.op = "AddV2"
        return done

    monkeypatch.setattr(prepare, "inline_calls", wrong)
    end = find_op(open_model(models("tf2_nested_functions").path).meta, "MatMul")
    draft = draft_of(plan_of(models, {"a": "tf2_nested_functions", "b": "tf2_module"}, [f"{end}=x"]))
    report = commit(draft, tmp_path / "joined", proving=Proving(), child=child)
    assert report.verdict == "inconclusive"
    assert "compared with the original" in report.reason
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("name", "op"), [("tf2_while", "While"), ("tf2_cond", "If")])
def test_a_body_of_a_loop_or_branch_offers_the_nearest(models: Models, name: str, op: str) -> None:
    meta = open_model(models(name).path).meta
    places = [
        (level, node)
        for level in Level.of(meta).levels()
        for node in level.nodes.values()
        if node.op in (op, f"Stateless{op}")
    ]
    level, node = places[0]
    body = level.under(level.calls_under(node)[0])
    inside = f"{body.path}::{next(iter(body.nodes))}:0"
    found = the(
        findings_of(plan_of(models, {"a": name, "b": "v1_simple_save"}, [f"{inside} = x"])), "R1-inside-body"
    )
    assert found.hint is not None
    assert level.full_name(f"{node.name}:0") in found.hint
    assert "(its input)" in found.hint


def test_a_wrong_place_offers_the_nearest_names(zoo: Zoo) -> None:
    model = open_model(zoo("tf2_nested_functions").path)
    place = find_op(model.meta, "MatMul")
    path = place.rpartition("::")[0]
    ends = [f"{path}::matmal", "Statefulcall::x", f"{place}:3", "weights::x", f"{path}::x"]
    opened = inline_for_endpoints(model, "a", [*ends, place])
    codes = [getattr(opened.inside[end], "code", opened.inside[end]) for end in ends]
    assert codes[:2] == ["R1-tensor", "R1-call"]
    assert "Did you mean matmul" in opened.inside[ends[0]].hint  # type: ignore[union-attr, operator]
    assert codes[3] == "R1-call"
    assert codes[4] == "R1-argument"
    plan = plan_of(lambda name: model_source(model.path), {"a": "x", "b": "x"}, [])
    wires = (Connect(f"a@{ends[2]}", "b@x"),)

    found = the(findings_of(plan.with_wires(wires)), "R1-output")
    assert "one output, 0" in found.message


def model_source(path: Path):  # type: ignore[no-untyped-def]
    from workbench.surgery.plan import Source

    return Source("x", path)


@pytest.mark.parametrize("name", ["tf2_nested_functions", "keras_conv"])
def test_judging_before_opening_finds_the_same_ends(zoo: Zoo, name: str) -> None:
    model = open_model(zoo(name).path)
    ends = [find_op(model.meta, op) for op in (("MatMul", "Sin") if name.startswith("tf2") else ("Relu",))]
    opened = inline_for_endpoints(model, "a", ends)
    before, after = Lookup(model.meta, "a", None, judging=True), Lookup(opened.meta, "a", None, opened.inside)
    for end in ends:
        assert before.find(end, "source") == after.find(end, "source")
    wrong = f"{ends[0]}:5"
    found = before.find(wrong, "source")
    assert getattr(found, "code", None) == "R1-output"
    handle = before.find(f"{ends[0].rpartition('::')[0]}::nothing", "source")
    assert getattr(handle, "code", None) == "R1-tensor"


def test_a_signature_that_is_added_inside_calls_is_verified(
    models: Models, child: Child, tmp_path: Path
) -> None:
    model = open_model(models("tf2_nested_functions").path)
    place = find_op(model.meta, "MatMul")
    change = ChangeSignature(add=(Added("inner", {"x": "serving_default#x"}, {"product": place}),))
    report = commit(changed(model, change), tmp_path / "added", child=child)
    assert report.verdict == "verified", report.reason
    proof = verify(tmp_path / "added", {handle_base(model.path): model.path}, child=child)
    assert proof.verdict == "verified" and sorted(proof.signatures) == ["inner", "serving_default"]
