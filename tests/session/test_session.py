"""A session without any user interface: models, wires, undo, verdicts, and the command that does the same."""

from __future__ import annotations

import argparse
import shlex
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.cli.commands import merge
from workbench.disk import schema
from workbench.errors import UsageError
from workbench.model import open_model
from workbench.session.command import command_line, commit_words
from workbench.session.lists.picking import resolve
from workbench.session.lists.viewer import Viewer
from workbench.session.options import CommitOptions, suggested_target
from workbench.session.session import Session
from workbench.session.wiring import write_wire
from workbench.surgery.operations.adapt import Adapt
from workbench.surgery.operations.connect import Connect
from workbench.surgery.operations.set import Set
from workbench.surgery.operations.signature import ChangeSignature
from workbench.surgery.plan import Plan, Source
from workbench.surgery.resolve.endpoints import Endpoint
from workbench.surgery.signatures.changes import Added


@pytest.fixture
def pair(sample_models: Path) -> Session:
    session = Session()
    for name in ("image_base64", "digits"):
        session.load(sample_models / name)
        session.add(sample_models / name)
    return session


def end(session: Session, handle: str, key: str, side: str) -> Endpoint:
    found = session.judging.port(handle, "serving_default", key, side)  # type: ignore[arg-type]
    assert isinstance(found, Endpoint), found
    return found


def wire(session: Session) -> Connect:
    return session.wire(
        end(session, "image_base64", "pixels", "source"), end(session, "digits", "myInput", "target")
    )


def test_what_was_found_while_a_model_was_not_open_is_looked_for_again(sample_models: Path) -> None:
    first, second = sample_models / "image_base64", sample_models / "digits"
    session = Session(Plan((Source("a", first), Source("b", second)), (Connect("pixels", "myInput"),)))
    session.load(first)
    assert session.compute().draft is None and session.outcome is not None
    session.load(second)
    assert session.outcome is None
    found = session.compute()
    assert found.draft is not None and session.outcome is found


def test_a_wire_is_a_plan_that_can_be_built(pair: Session) -> None:
    assert wire(pair) == Connect("pixels", "myInput")
    outcome = pair.compute()
    assert outcome.draft is not None and outcome.errors == 0
    assert list(outcome.draft.meta.signatures["serving_default"].inputs) == ["base64_input"]


def test_undo_goes_back_through_everything_and_redo_forth(pair: Session) -> None:
    states = [pair.state]
    wire(pair)
    states.append(pair.state)
    pair.swap()
    states.append(pair.state)
    pair.set_plan("freeze", freeze=True)
    states.append(pair.state)
    pair.close("digits")
    for state in reversed(states):
        assert pair.undo() is not None
        assert pair.state == state
    for state in states[1:]:
        pair.redo()
        assert pair.state == state
    assert pair.redo() == "close digits"
    assert pair.redo() is None


def test_typing_a_word_is_one_step(pair: Session) -> None:
    for text in ("a", "ab", "abc"):
        pair.set_commit("target", target=text)
    assert pair.undo() == "target"
    assert pair.commit.target == ""


def test_swapping_keeps_what_the_wires_mean(pair: Session) -> None:
    wire(pair)
    before = {str(link) for link in pair.links().values()}
    pair.swap()
    assert pair.handles == ("digits", "image_base64")
    assert {str(link) for link in pair.links().values()} == before
    assert pair.plan.wires == (Connect("image_base64@pixels", "digits@myInput"),)


def test_closing_a_model_takes_its_wires(pair: Session) -> None:
    wire(pair)
    pair.close("digits")
    assert pair.plan.wires == () and pair.handles == ("image_base64",)


def test_another_model_in_its_place_keeps_wires_that_hold(pair: Session, sample_models: Path) -> None:
    wire(pair)
    pair.load(sample_models / "digits_tf2")
    pair.swap_in("digits", sample_models / "digits_tf2")
    assert pair.handles == ("image_base64", "digits_tf2")
    assert len(pair.links()) == 1


def test_a_handle_is_renamed_in_wires_too(pair: Session) -> None:
    wire(pair)
    pair.swap()
    pair.rename("digits", "net")
    assert pair.plan.wires == (Connect("image_base64@pixels", "net@myInput"),)
    with pytest.raises(UsageError, match="twice"):
        pair.rename("net", "image_base64")


def test_a_handle_is_renamed_in_steps_too(pair: Session) -> None:
    """Endpoints of sources and nodes of the result; constants, adapters and keys that look alike stay."""
    pair.add_wire(Connect("pixels", "myInput", "clamp 0 1"))
    add = Added("new", {"digits/x": "digits@Placeholder:0"}, {"y": "digits/MatMul:0", "z": "digitsy/z:0"})
    pair.add_step(ChangeSignature(rename={"digits/a": "b"}, add=[add]))
    pair.add_step(Set("digits@myInput", "digits@x"))
    pair.add_step(Adapt(after={"digits@y": "regex-replace digits@ x"}))
    pair.rename("digits", "net")
    wire_, *steps = pair.plan.steps
    assert wire_ == Connect("pixels", "myInput", "clamp 0 1")
    renamed = Added("new", {"digits/x": "net@Placeholder:0"}, {"y": "net/MatMul:0", "z": "digitsy/z:0"})
    assert steps == [
        ChangeSignature(rename={"digits/a": "b"}, add=[renamed]),
        Set("net@myInput", "digits@x"),
        Adapt(after={"net@y": "regex-replace digits@ x"}),
    ]
    pair.undo()
    assert pair.plan.steps[-1] == Adapt(after={"digits@y": "regex-replace digits@ x"})


def test_the_same_model_may_be_there_twice(sample_models: Path) -> None:
    session = Session()
    session.load(sample_models / "digits")
    first, second = session.add(sample_models / "digits"), session.add(sample_models / "digits")
    assert (first.handle, second.handle) == ("digits", "digits_2")
    assert session.model("digits") is session.model("digits_2")


def test_verdicts_say_why_and_what_helps(pair: Session) -> None:
    pixels = end(pair, "image_base64", "pixels", "source")
    fits = pair.judge(pixels, end(pair, "digits", "myInput", "target"))
    assert fits.state == "fits" and "float32" in fits.reason
    no = pair.judge(
        end(pair, "digits", "myOutput", "source"), end(pair, "image_base64", "base64_input", "target")
    )
    assert no.state == "no" and no.code == "R3-dtype" and "string" in no.reason and no.hint
    wire(pair)
    taken = pair.judge(pixels, end(pair, "digits", "myInput", "target"))
    assert taken.state == "no" and taken.code == "R2-twice" and "image_base64@pixels" in taken.reason
    circle = pair.judge(
        end(pair, "digits", "myOutput", "source"), end(pair, "image_base64", "base64_input", "target")
    )
    assert circle.state == "no"


def test_what_does_not_fit_is_not_wired(pair: Session) -> None:
    with pytest.raises(UsageError, match="float32"):
        pair.wire(
            end(pair, "digits", "myOutput", "source"), end(pair, "image_base64", "base64_input", "target")
        )
    assert pair.plan.wires == () and pair.can_undo == "open digits"


def test_suggestions_leave_out_what_is_wired(pair: Session) -> None:
    assert pair.suggestions() == [Connect("pixels", "myInput")]
    wire(pair)
    assert pair.suggestions() == []


def test_findings_of_models_and_plan_are_together(pair: Session) -> None:
    wire(pair)
    pair.add_wire(Connect("pixels", "nowhere"))
    outcome = pair.compute()
    assert outcome.draft is None and outcome.errors == 1
    assert outcome.findings[0].code == "R1-unknown"


def test_a_finding_leads_to_its_place(pair: Session) -> None:
    wire(pair)
    viewers = {handle: Viewer(model) for handle, model in pair.models.items()}
    port = ("port", "serving_default", "input", "myInput")
    assert resolve(pair, "image_base64@pixels=digits@myInput", viewers) == ("digits", port)
    assert resolve(pair, "digits@myInput", viewers) == ("digits", port)
    assert resolve(pair, "image_base64@pixels", viewers, "source") == (
        "image_base64",
        ("port", "serving_default", "output", "pixels"),
    )
    assert resolve(pair, "digits@MatMul", viewers) == ("digits", ("node", "", "MatMul"))
    assert resolve(pair, "digits", viewers) == ("digits", None)
    assert resolve(pair, "digits@no such thing", viewers) == ("digits", None)
    assert resolve(pair, "elsewhere", viewers) is None


def test_saved_and_unsaved(pair: Session) -> None:
    assert not pair.unsaved
    wire(pair)
    assert pair.unsaved
    pair.mark_saved()
    assert not pair.unsaved


# -- the command line


def parsed(words: list[str]) -> tuple[Plan, argparse.Namespace]:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    merge.configure(parser)
    args = parser.parse_args(words[2:])
    plan, wires = merge.make_plan(args)
    models = {source.handle: open_model(source.path, source.tags) for source in plan.sources}
    return merge.with_renames(merge.with_wires(plan, wires, models), args, models), args


def test_the_line_makes_the_same_plan(pair: Session) -> None:
    wire(pair)
    pair.set_plan("options", keep_outputs=True, freeze=True, signature="classify")
    options = CommitOptions(
        target="out dir", serving=True, verify=False, inputs=('base64_input="a b"',), tolerance=1e-4
    )
    words = shlex.split(command_line(pair.plan, options))
    plan, args = parsed(words)
    assert plan == pair.plan
    assert (str(args.output), args.serving, args.no_verify, args.tolerance) == ("out dir", True, True, 1e-4)
    assert args.inputs == ['base64_input="a b"']


def test_handles_are_in_the_line_where_they_are_needed(sample_models: Path) -> None:
    digits = sample_models / "digits"
    session = Session()
    session.load(digits)
    session.add(digits)
    session.add(digits)
    session.add(digits, handle="third")
    assert commit_words(session.plan)[2:] == [str(digits), str(digits), f"third={digits}"]
    assert parsed(commit_words(session.plan))[0] == session.plan


def test_tags_and_signatures_are_in_the_line(sample_models: Path) -> None:
    sources = (
        Source("image", sample_models / "image_base64", ("serve",), "serving_default"),
        Source("digits", sample_models / "digits"),
    )
    plan, _ = parsed(commit_words(Plan(sources)))
    assert plan.sources == sources


def test_a_target_that_is_free_is_suggested() -> None:
    plan = Plan((Source("a", Path("a")), Source("b", Path("b"))))
    assert suggested_target(plan, lambda path: False) == "./a-b"
    assert suggested_target(plan, {"a-b", "a-b-2"}.__contains__) == "./a-b-3"


ENDS = st.text(st.sampled_from("ab@/:=#"), min_size=1, max_size=6)


@given(ENDS, ENDS, st.sampled_from(["a", "b"]), st.sampled_from(["a", "b"]))
def test_a_wire_means_the_ends_it_was_written_for(source: str, target: str, left: str, right: str) -> None:
    written = write_wire(("a", "b"), (left, source), (right, target))
    session = Session(Plan((Source("a", Path("a")), Source("b", Path("b"))), (written,)))
    assert session.ends_of(written) == (left, right)


def test_wiring_a_key_of_a_signature_chooses_it_where_none_is(sample_models: Path, tmp_path: Path) -> None:
    """Of several signatures, none of them `serving_default`: the result takes its outputs from the wired one."""
    path = tmp_path / "two"
    shutil.copytree(sample_models / "digits", path)
    proto = schema.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    signatures = proto.meta_graphs[0].signature_def
    for key in ("first", "second"):
        signatures[key].CopyFrom(signatures["serving_default"])
    del signatures["serving_default"]
    (path / "saved_model.pb").write_bytes(proto.SerializeToString())
    session = Session()
    for source in (sample_models / "image_base64", path):
        session.load(session.add(source).path)
    assert session.chosen("two") is None and session.suggestions() == []
    pixels = session.judging.port("image_base64", "serving_default", "pixels", "source")
    target = session.judging.port("two", "second", "myInput", "target")
    assert isinstance(pixels, Endpoint) and isinstance(target, Endpoint)
    session.wire(pixels, target)
    assert session.chosen("two") == "second" and session.compute().draft is not None
    assert session.suggestions() == [], "its only input is wired, however the wire is written"
    session.undo()
    assert session.chosen("two") is None
