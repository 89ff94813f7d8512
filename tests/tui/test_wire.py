"""Picking, verdicts, wiring, undo, findings."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from tests.session.test_callables import with_two_outputs
from tests.tui.driving import drive, press, screen_text, settle, type_text
from tests.tui.test_browse import pane, row
from workbench.findings import Finding
from workbench.session.session import Session
from workbench.surgery.operations.connect import Connect
from workbench.tui.app import WorkbenchApp
from workbench.tui.screens.suggest import Suggestions
from workbench.tui.screens.work import WorkScreen
from workbench.tui.status import models
from workbench.tui.widgets.bars import CommandLine
from workbench.tui.widgets.findings import Findings
from workbench.tui.widgets.wires import Wires

PAIR = ("image_base64", "digits")


def command(app: WorkbenchApp) -> str:
    return app.screen.query_one(CommandLine).command


def wires(app: WorkbenchApp) -> list[str]:
    return [str(wire) for wire in app.session.plan.wires]


def work(app: WorkbenchApp) -> WorkScreen:
    assert isinstance(app.screen, WorkScreen)
    return app.screen


def test_two_presses_wire_the_sample_pair(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "space")
        assert work(app).picked is not None
        assert row(app, 1) == "myInput", "the cursor goes to what fits"
        viewer = pane(app, 1).viewer
        assert viewer is not None
        rows = map(viewer.index.row, viewer.index.search("m"))
        judged = {
            item.text: work(app)._verdict(pane(app, 1), item).state  # type: ignore[union-attr]
            for item in rows
            if item.kind in ("input", "node")
        }
        assert judged["myInput"] == "fits" and judged["softmax/weights"] == "no" and judged["MatMul"] == "no"
        assert "compatible  Output `pixels` is float32 [1,784];" in screen_text(app)
        await press(app, pilot, "space")
        assert wires(app) == ["pixels=myInput"] and work(app).picked is None
        assert "can be committed" in screen_text(app)
        assert "merge" in command(app) and "--wire pixels=myInput" in command(app)

    drive(story, [sample_models / name for name in PAIR], state=tmp_path)


def test_what_does_not_fit_says_why_and_is_not_wired(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2", "j", "space")
        assert work(app).picked is not None and row(app) == "base64_input"
        assert "incompatible" in screen_text(app) and "float32" in screen_text(app)
        await press(app, pilot, "space")
        assert wires(app) == []
        assert "No adapters make them fit" in screen_text(app), "what would help is told"
        await press(app, pilot, "escape")
        assert work(app).picked is None

    drive(story, [sample_models / name for name in PAIR], state=tmp_path)


def test_an_input_can_be_picked_first(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "2", "space")
        assert row(app) == "pixels"
        await press(app, pilot, "space")
        assert wires(app) == ["pixels=myInput"]

    drive(story, [sample_models / name for name in PAIR], state=tmp_path)


def test_fan_out_unwire_undo_and_redo(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "space", "space", "1", "space")
        pane(app, 1).reveal(("node", "", "MatMul"))
        await press(app, pilot, "space")
        assert wires(app) == ["pixels=myInput"], "a product of other shape takes no pixels"
        await press(app, pilot, "escape", "w", "d")
        assert wires(app) == []
        await press(app, pilot, "u")
        assert wires(app) == ["pixels=myInput"]
        await press(app, pilot, "u")
        assert wires(app) == []
        await press(app, pilot, "U", "U")
        assert wires(app) == []
        await press(app, pilot, "u", "u", "u", "u", "u", "u")
        assert app.session.handles == PAIR[:1] or app.session.handles == PAIR

    drive(story, [sample_models / name for name in PAIR], state=tmp_path)


def test_suggestions_are_wired_by_enter(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "s")
        assert app.screen.query_one(Suggestions).wires == [Connect("pixels", "myInput")]
        await press(app, pilot, "enter")
        assert wires(app) == ["pixels=myInput"]
        await press(app, pilot, "s")
        assert "No output" in screen_text(app)

    drive(story, [sample_models / name for name in PAIR], state=tmp_path)


def test_a_finding_goes_to_its_place(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        app.session.add_wire(Connect("pixels", "myInputt"))
        work(app).changed()
        await settle(app, pilot)
        await press(app, pilot, "f")
        findings = app.screen.query_one(Findings)
        assert findings.has_focus and findings.finding is not None and findings.finding.severity == "error"
        assert "myInput" in (findings.finding.hint or "")
        assert "invalid" in screen_text(app)
        findings.show_findings([Finding("x", "warning", "digits@softmax/bias", "look here")])
        await press(app, pilot, "enter")
        assert row(app, 1) == "softmax/bias" and pane(app, 1).rows.has_focus
        await press(app, pilot, "w")
        await press(app, pilot, "enter")
        assert row(app) == "pixels" and pane(app).rows.has_focus

    drive(story, [sample_models / name for name in PAIR], state=tmp_path)


def test_a_tensor_inside_calls_is_picked_and_wired(sample_models: Path, tmp_path: Path) -> None:
    inner = "PartitionedCall::PartitionedCall::Reshape"

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "slash")
        await type_text(app, pilot, "in:call op:reshape")
        await settle(app, pilot)
        await press(app, pilot, "enter", "y", "space")
        assert app.clipboard == inner
        assert row(app, 1) == "myInput" and "compatible  Output" in screen_text(app)
        await press(app, pilot, "space")
        assert wires(app) == [f"{inner}:0=myInput"] and f"{inner}:0=myInput" in command(app)
        assert app.session.outcome is not None and app.session.outcome.draft is not None
        assert pane(app).rows.state(pane(app).rows.row) == "wired"  # type: ignore[arg-type]

    drive(story, [sample_models / "image_base64_tf2", sample_models / "digits_tf2"], state=tmp_path)


def test_an_argument_of_a_body_stands_for_what_its_call_is_given(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "space")
        call = "StatefulPartitionedCall::StatefulPartitionedCall"
        pane(app, 1).reveal(("argument", call, "matmul_readvariableop_resource"))
        await press(app, pilot, "space")
        assert wires(app) == [] and "never cross" in screen_text(app)
        pane(app, 1).reveal(("argument", call, "myinput"))
        await press(app, pilot, "space")
        assert wires(app) == ["pixels=serving_default_myInput"]

    drive(story, [sample_models / "image_base64_tf2", sample_models / "digits_tf2"], state=tmp_path)


def test_the_wires_pane_copies_a_wire(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "space", "space", "w", "y")
        assert app.screen.query_one(Wires).has_focus
        assert app.clipboard == "pixels=myInput"
        await press(app, pilot, "Y")
        assert app.clipboard == command(app)
        await press(app, pilot, "1", "y")
        assert app.clipboard == "pixels"

    drive(story, [sample_models / name for name in PAIR], state=tmp_path)


def test_three_models_stand_in_tabs(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        assert len(work(app).panes) == 3 and work(app).has_class("-narrow")
        await press(app, pilot, "tab", "tab")
        assert pane(app, 2).rows.has_focus and pane(app, 2).handle == "digits_2"

    drive(story, [sample_models / name for name in (*PAIR, "digits")], state=tmp_path)


def test_the_arrow_in_the_head_goes_the_way_of_the_wires(sample_models: Path) -> None:
    session = Session()
    for name in (*PAIR, "image_base64_tf2"):
        session.load(session.add(sample_models / name).path)

    def head() -> str:
        return " ".join("".join(text for text, _ in models(session, "")).split())

    first, second, third = session.handles
    assert head() == f"● {first} ▲ {second} ■ {third}"
    session.add_wire(Connect(f"{first}@pixels", f"{second}@myInput"))
    assert head() == f"● {first} ─▶ ▲ {second} ■ {third}"
    session.swap()
    assert head() == f"● {third} ▲ {second} ◀─ ■ {first}"
    session.add_wire(Connect(f"{third}@pixels", f"{first}@base64_input"))
    assert head() == f"● {third} ▲ {second} ◀─ ■ {first}", "no arrow between two models without a wire"


def test_of_several_outputs_one_is_chosen(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        pane(app).reveal(("node", "", "split"))
        await press(app, pilot, "space")
        assert "Which output?" in screen_text(app) and "split:1" in screen_text(app)
        await press(app, pilot, "escape")
        assert work(app).picked is None
        await press(app, pilot, "space", "down", "enter")
        assert work(app).picked is not None and work(app).picked.endpoint.written == "split:1"  # type: ignore[union-attr]

    drive(story, [with_two_outputs(tmp_path / "two"), sample_models / "digits"], state=tmp_path / "state")
