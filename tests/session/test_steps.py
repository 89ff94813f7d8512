"""Steps other than wires in a session: the form of any operation, undo, the result, the command that does the same."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

import pytest

from tests.session.test_session import parsed
from tests.surgery.tiny import doubler
from workbench.cli import editing
from workbench.cli.commands import edit
from workbench.session.command import command_line
from workbench.session.options import CommitOptions
from workbench.session.session import Session
from workbench.session.steps import choices, counted, fill, form_fields
from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import Plan
from workbench.surgery.step import operation_names, parse_step, print_step


@pytest.fixture
def alone(tmp_path: Path) -> Session:
    """One opened model: x -> y."""
    session = Session()
    session.load(session.add(doubler(tmp_path / "m").save()).path)
    return session


def test_every_operation_but_that_of_wires_is_offered() -> None:
    offered = choices()
    assert [name for name, _ in offered] == [name for name in operation_names() if name != Connect.NAME]
    assert all(help and "\n" not in help for _, help in offered)
    for name, _ in offered:
        assert all(field.help and field.metavar for field in form_fields(name))


def test_a_form_is_read_as_step_reads_its_words() -> None:
    typed = {"rename": "a=b 'c d=e'", "drop": '["f g"]', "method": "x y", "signature": " "}
    filled = fill("signature", typed)
    assert filled.step == parse_step("signature rename=a=b 'rename=c d=e' 'drop=f g' 'method=x y'")
    assert filled.problems == {}
    assert fill("set", {"input": "x", "value": "[1, 2]"}).step == parse_step("set input=x 'value=[1, 2]'")


def test_what_is_wrong_is_said_of_each_field() -> None:
    filled = fill("signature", {"rename": "a", "drop": "'b", "rename_inputs": "x=y"})
    assert filled.step is None and sorted(filled.problems) == ["drop", "rename"]
    assert "OLD=NEW" in filled.problems["rename"] and "quotation" in filled.problems["drop"]
    assert fill("set", {"value": "7"}).problems == {"input": "The operation set needs input=KEY."}


def test_steps_on_one_model_make_a_result_and_are_undone(alone: Session) -> None:
    assert not alone.plan.has_result and alone.compute().draft is None
    assert command_line(alone.plan).startswith("workbench inspect ")
    alone.add_step(parse_step("signature rename_inputs=x=image"))
    assert alone.unsaved
    draft = alone.compute().draft
    assert draft is not None and list(draft.signature.inputs) == ["image"]
    alone.add_step(parse_step("freeze"))
    assert [print_step(step) for step in alone.plan.steps] == ["signature rename_inputs=x=image", "freeze"]
    alone.remove_step(0)
    assert [step.NAME for step in alone.plan.steps] == ["freeze"]
    assert alone.undo() == "remove signature" and alone.undo() == "add freeze"
    assert len(alone.plan.steps) == 1
    assert alone.redo() == "add freeze" and len(alone.plan.steps) == 2


def test_the_last_model_takes_the_steps_with_it(alone: Session) -> None:
    alone.add_step(parse_step("freeze"))
    alone.close(alone.handles[0])
    assert alone.plan == Plan(())


def test_the_line_of_one_model_is_an_edit(alone: Session) -> None:
    for text in ("signature rename=serving_default=predict 'method=a b'", "freeze"):
        alone.add_step(parse_step(text))
    options = CommitOptions(target="out dir", verify=False)
    words = shlex.split(command_line(alone.plan, options))
    assert words[:2] == ["workbench", "edit"]
    parser = argparse.ArgumentParser()
    edit.configure(parser)
    args = parser.parse_args(words[2:])
    assert editing.edit_plan(args, *map(parse_step, args.steps)) == alone.plan
    assert (str(args.output), args.no_verify) == ("out dir", True)


def test_the_line_of_a_join_has_the_steps_after_the_wires(tmp_path: Path) -> None:
    session = Session()
    for name in ("a", "b"):
        session.load(session.add(doubler(tmp_path / name).save()).path)
    session.add_step(parse_step("signature rename=serving_default=whole"))
    assert not session.plan.has_result, "two models need a wire"
    session.add_wire(Connect("y", "x"))
    assert isinstance(session.plan.steps[0], Connect), "steps follow the wires"
    draft = session.compute().draft
    assert draft is not None and list(draft.meta.signatures) == ["whole"]
    assert parsed(shlex.split(command_line(session.plan)))[0] == session.plan
    session.remove_step(0)
    assert session.plan.steps == session.plan.wires


def test_wires_and_steps_are_counted() -> None:
    assert (counted(1, 2), counted(0, 1), counted(2, 0)) == ("1 wire and 2 steps", "1 step", "2 wires")
