"""What fields of steps can be filled with, from the models of a session."""

from __future__ import annotations

from pathlib import Path

from workbench.session.choices import Choices
from workbench.session.session import Session
from workbench.surgery.step import parse_step


def opened(*paths: Path) -> Session:
    session = Session()
    for path in paths:
        session.add(path)
    session.begin().join()
    return session


def test_keys_signatures_and_tensors(sample_models: Path) -> None:
    session = opened(sample_models / "digits")
    assert Choices(session, "set").of("input") == ["myInput"]
    assert Choices(session, "set").of("input", "myInput") == [], "it is complete"
    assert Choices(session, "set").of("signature", "SERV") == ["serving_default"]
    assert Choices(session, "set").of("value") == []
    assert Choices(session, "signature").of("rename_outputs") == ["myOutput="]
    tensors = Choices(session, "expose").of("tensors", "a=b:0 matmul")
    assert tensors[0] == "a=b:0 MatMul=MatMul:0"
    assert Choices(session, "expose").of("tensors", "logits=add")[0] == "logits=add:0"


def test_of_a_join_tensors_have_their_handle(sample_models: Path) -> None:
    session = opened(sample_models / "image_base64", sample_models / "digits")
    assert "MatMul=digits@MatMul:0" in Choices(session, "expose").of("tensors", "MatMul")
    assert Choices(session, "set").of("input") == ["base64_input", "myInput"]


def test_a_step_is_tried_without_being_added(sample_models: Path) -> None:
    session = opened(sample_models / "digits")
    session.compute()
    found = session.try_step(parse_step("expose tensors=logits=nothing"))
    assert found[0].severity == "error" and not session.plan.steps
    fine = session.try_step(parse_step("expose tensors=logits=add"))
    assert not [one for one in fine if one.severity == "error"]
    session.add_step(parse_step("freeze"))
    assert session.try_step(parse_step("expose tensors=logits=nothing"), 0)[0].severity == "error"
    assert [step.NAME for step in session.plan.steps] == ["freeze"]
