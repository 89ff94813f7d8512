"""Operations as data: found by name, to JSON and words and back; several steps compose."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.surgery.tiny import doubler, plan
from tests.surgery.tools import changed, codes, draft_of, made
from workbench.errors import DamagedFile, UsageError
from workbench.model import open_model
from workbench.publishing.commit import commit
from workbench.publishing.reference import chain
from workbench.surgery import recipe
from workbench.surgery.draft import check
from workbench.surgery.operations.connect import Connect
from workbench.surgery.operations.flatten import Flatten
from workbench.surgery.operations.freeze import Freeze
from workbench.surgery.operations.signature import ChangeSignature
from workbench.surgery.plan import Plan
from workbench.surgery.signatures.changes import Added
from workbench.surgery.step import (
    Step,
    from_json,
    operation,
    operation_names,
    parse_step,
    print_step,
    to_json,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
ODD = TEXT | st.sampled_from(["", "[]", '["a"]', '{"a": "b"}', "a=b", "true", "null", "7", "'", '"', " "])
PAIRS = st.dictionaries(ODD, ODD, max_size=3)
STEPS = st.one_of(
    st.builds(Connect, ODD, ODD),
    st.builds(Freeze),
    st.builds(Flatten, st.sampled_from(["auto", "tf1", "tf2"])),
    st.builds(
        ChangeSignature,
        rename=PAIRS,
        rename_inputs=PAIRS,
        drop=st.lists(ODD, max_size=3),
        add=st.lists(st.builds(Added, ODD, PAIRS, PAIRS), max_size=2),
        method=st.none() | ODD,
    ),
)


@given(STEPS)
def test_words_and_json_are_inverse(step: Step) -> None:
    assert parse_step(print_step(step)) == step
    assert from_json(json.loads(json.dumps(to_json(step))), "step 1", "recipe") == step
    assert hash(step) == hash(parse_step(print_step(step)))


def test_every_operation_is_found_by_the_name_of_its_file() -> None:
    for name in operation_names():
        found = operation(name)
        assert found is not None and name == found.NAME and found.__doc__
        assert all({"kind", "help", "metavar"} <= set(field.metadata) for field in fields(found))
    assert operation("../plan") is None and operation("__init__") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        ("freeze 'x", "no closing quotation"),
        ("freez", "no operation 'freez'"),
        ("freeze now", "is not field=value"),
        ("flatten form=tf1", "has no field 'form'"),
        ("flatten format=tf3", "it has to be one of auto, tf1, tf2"),
        ("flatten format=tf1 format=tf2", "it has to be one value"),
        ("connect source=a", "needs target=IN"),
        ("signature rename=a", "it has to be OLD=NEW"),
        ("adapt before=x", "it has to be KEY=CHAIN"),
        ("expose tensors=x tensors=y", "it has to be KEY=TENSOR"),
        ("reshape shape=4", "it has to be KEY=SHAPE"),
        ("signature rename=a=b rename=a=c", "only once"),
        ("signature drop=[1]", "a list of texts"),
    ],
)
def test_words_that_mean_nothing(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_step(text)
    assert said in caught.value.message


def test_several_steps_are_compared_with_the_source(tmp_path: Path) -> None:
    model = open_model(doubler(tmp_path / "m").save())
    step = ChangeSignature(rename={"serving_default": "predict"}, rename_inputs={"x": "first"})
    again = ChangeSignature(
        rename={"predict": "last"}, rename_inputs={"first": "second"}, signature="predict"
    )
    draft = made(model, step, Flatten(), again, Freeze())
    assert list(draft.references) == ["last"] and list(draft.meta.signatures) == ["last"]
    (stage,) = chain(draft, "last").stages
    assert stage.name == "the original" and [str(one) for one in stage.feeds] == ["x:0"]
    assert draft.references["last"].inputs["second"][0].tensors == ("x:0",)


def test_steps_after_a_join(tmp_path: Path) -> None:
    a, b = doubler(tmp_path / "a").save(), doubler(tmp_path / "b").save()
    joined = plan(a, b)
    more = ChangeSignature(
        rename={"serving_default": "whole"}, add=[Added("half", {"x": "a/x:0"}, {"y": "a/y:0"})]
    )
    draft = draft_of(Plan(joined.sources, (*joined.steps, more, Freeze())))
    assert sorted(draft.meta.signatures) == ["half", "whole"] and list(draft.references) == ["whole", "half"]
    assert [stage.name for stage in chain(draft, "whole").stages] == ["a", "b"]
    assert [stage.name for stage in chain(draft, "half").stages] == ["a"]
    late = Plan(joined.sources, (Freeze(), *joined.steps))
    assert codes(check(late), "error") == ["step-order"]


def test_what_was_joined_is_frozen_from_the_checkpoints_of_its_sources(sample_models: Path) -> None:
    joined = Plan.join(
        image=sample_models / "image_base64", net=sample_models / "digits", wires=["pixels=myInput"]
    )
    draft = draft_of(Plan(joined.sources, (*joined.steps, Freeze())))
    assert "freeze-done" in codes(draft.findings) and not draft.checkpoints
    assert not {"VarHandleOp", "VariableV2"} & {node.op for node in draft.meta.nodes.values()}


def test_what_an_earlier_step_made_has_no_reference(tmp_path: Path) -> None:
    a, b = doubler(tmp_path / "a").save(), doubler(tmp_path / "b").save()
    joined = plan(a, b)
    wired = ChangeSignature(add=[Added("late", {"x": "b/x:0"}, {"y": "b/y:0"})])
    found = check(Plan(joined.sources, (*joined.steps, wired)))
    assert codes(found, "error") == ["step-lineage"]


def test_a_recipe_of_steps_replays_to_the_same_bytes(tmp_path: Path) -> None:
    model = open_model(doubler(tmp_path / "m").save())
    draft = made(model, ChangeSignature(rename={"serving_default": "predict"}), Freeze())
    recipe.save(draft.plan, draft.join, tmp_path / "recipe.json")
    read = recipe.load(tmp_path / "recipe.json")
    assert read.steps == draft.plan.steps and not read.joins
    assert draft_of(read).serialize() == draft.serialize()
    elsewhere = doubler(tmp_path / "other").const("more", 1.0).save()
    assert recipe.load(tmp_path / "recipe.json", {"m": elsewhere}).sources[0].path == elsewhere
    with pytest.raises(UsageError, match="no source 'n'"):
        recipe.load(tmp_path / "recipe.json", {"n": elsewhere})


VERSION_1: list[tuple[dict[str, Any], Step]] = [
    ({"edit": "freeze", "options": {}}, Freeze()),
    ({"edit": "flatten", "options": {"format": "tf1"}}, Flatten("tf1")),
    ({"edit": "signature", "options": {"drop": ["a"]}}, ChangeSignature(drop=["a"])),
]


@pytest.mark.parametrize(("old", "step"), VERSION_1)
def test_recipes_of_version_1_are_read(old: dict[str, Any], step: Step, tmp_path: Path) -> None:
    file = tmp_path / "recipe.json"
    source = {"handle": "my model", "path": "m", "tag_set": "serve"}
    file.write_text(json.dumps({"schema_version": 1, "sources": [source], **old}))
    assert recipe.load(file).steps == (step,) and recipe.load(file).handles == ("my model",)


def test_a_later_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text('{"schema_version": 3, "sources": []}')
    with pytest.raises(DamagedFile, match="recipe of version 3"):
        recipe.load(tmp_path / "recipe.json")


def test_a_joined_model_can_be_written_after_more_steps(tmp_path: Path) -> None:
    a, b = doubler(tmp_path / "a").save(), doubler(tmp_path / "b").save()
    joined = plan(a, b)
    draft = draft_of(Plan(joined.sources, (*joined.steps, Flatten())))
    assert commit(draft, tmp_path / "out", verify=False).published
    assert sorted(open_model(tmp_path / "out").meta.signatures) == ["serving_default"]
    assert changed(open_model(tmp_path / "out"), Freeze()).meta
