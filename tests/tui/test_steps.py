"""Adding operations as steps: the dialog made from the registry, the list, the preview and the commit of one model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from tests.sampling import plainly
from tests.surgery.tiny import Tiny, doubler
from tests.tui.driving import drive, press, screen_text, settle, type_text, until
from workbench.model import open_model
from workbench.surgery import step as registry
from workbench.surgery import values
from workbench.surgery.operation import Operation
from workbench.surgery.step import option, print_step, register
from workbench.surgery.workspace import Workspace
from workbench.tui.app import WorkbenchApp
from workbench.tui.guidance.offers import Offers
from workbench.tui.pictures.preview import PreviewScreen
from workbench.tui.screens.commit import CommitScreen
from workbench.tui.screens.steps import Operations, OperationsScreen, StepScreen
from workbench.tui.screens.work import WorkScreen
from workbench.tui.widgets.bars import CommandLine
from workbench.tui.widgets.findings import Findings
from workbench.tui.widgets.wires import Wires


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """x -> y; one for all stories, so that they can share an application."""
    return doubler(tmp_path_factory.mktemp("models") / "m").save()


def steps(app: WorkbenchApp) -> list[str]:
    return [print_step(step) for step in app.session.plan.steps]


def command(app: WorkbenchApp) -> str:
    return app.screen.query_one(CommandLine).command


async def choose(app: WorkbenchApp, pilot: Pilot[int], name: str) -> None:
    """Opens the dialog and the form of an operation, by keys."""
    await press(app, pilot, "A")
    operations = app.screen.query_one(Operations)
    at = [known for known, _ in operations.choices].index(name)
    await press(app, pilot, *["down"] * (at - operations.cursor), "enter")


def line(app: WorkbenchApp, name: str) -> Input:
    return next(one for one in app.screen.query(Input) if one.name == name)


def problem(app: WorkbenchApp, name: str) -> str:
    found = app.screen.query_one(f"#problem-{name}", Static)
    return str(found.content) if found.display else ""


@pytest.mark.parametrize("size", plainly([((80, 24),), ((120, 40),)], ((80, 24),)))
def test_a_step_on_one_model(model: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        assert command(app).startswith("workbench inspect ")
        await go_to_row(app, pilot, "output")
        await choose(app, pilot, "signature")
        assert isinstance(app.screen, StepScreen) and line(app, "rename_outputs").value == "y="
        assert "rename an input of the chosen signature" in screen_text(app), "help stands in the empty line"
        await press(app, pilot, "shift+tab")
        assert "rename_inputs=OLD=NEW: rename an input of the chosen signature." in screen_text(app)
        await type_text(app, pilot, "x=image")
        await press(app, pilot, "enter")
        assert isinstance(app.screen, WorkScreen) and steps(app) == ["signature rename_inputs=x=image"]
        assert command(app) == f"workbench edit {model} --step 'signature rename_inputs=x=image' -o ./m"
        assert "1 step" in screen_text(app) and "can be committed" in screen_text(app)
        await press(app, pilot, "w")
        assert "step 1  signature rename_inputs=x=image" in screen_text(app)
        await press(app, pilot, "y")
        assert app.clipboard == "signature rename_inputs=x=image"
        await press(app, pilot, "enter")
        assert isinstance(app.screen, StepScreen) and "Change step 1: signature" in screen_text(app)
        await press(app, pilot, "escape", "right")
        assert "A step has no place in a model; enter changes it, d removes it." in screen_text(app)
        await press(app, pilot, "d")
        assert steps(app) == []
        await press(app, pilot, "u")
        assert len(steps(app)) == 1
        await press(app, pilot, "u", "U")
        assert len(steps(app)) == 1

    drive(story, [model], state=tmp_path / "state", size=size)


def test_what_is_wrong_stands_at_the_field(model: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await choose(app, pilot, "set")
        assert "input *" in screen_text(app) and "signature *" not in screen_text(app)
        await press(app, pilot, "enter")
        assert isinstance(app.screen, StepScreen) and app.focused is line(app, "input")
        assert problem(app, "input") == "The operation set needs input=KEY."
        assert problem(app, "value") and not problem(app, "signature")
        await type_text(app, pilot, "x")
        await press(app, pilot, "enter")
        assert not problem(app, "input") and app.focused is line(app, "value"), "the next wrong field"
        assert line(app, "input").value == "x"
        await type_text(app, pilot, "[[1, 2, 3, 4]]")
        await press(app, pilot, "enter")
        assert steps(app) == ["set input=x 'value=[[1, 2, 3, 4]]'"]

    drive(story, [model], state=tmp_path / "state")


def test_choices_from_the_model_and_findings_before_adding(model: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await choose(app, pilot, "set")
        offers = app.screen.query_one(Offers)
        assert [offers._offered, offers.marked] == [["x"], None]
        await press(app, pilot, "down", "enter")
        assert line(app, "input").value == "x" and isinstance(app.screen, StepScreen), (
            "a choice is no answer yet"
        )
        await press(app, pilot, "tab", *"[[1,2]]")
        await until(pilot, lambda: str(app.screen.query_one("#tried", Static).content) != "")
        assert "The plan can be committed" not in str(app.screen.query_one("#tried", Static).content)
        line(app, "value").value = "[[1,2,3,4]]"
        await until(
            pilot, lambda: "The plan can be committed" in str(app.screen.query_one("#tried", Static).content)
        )
        await press(app, pilot, "escape", "escape")
        await choose(app, pilot, "expose")
        await press(app, pilot, *"y")
        offers = app.screen.query_one(Offers)
        await pilot.click(offers, offset=(3, 0))
        await settle(app, pilot)
        assert line(app, "tensors").value in ("y=y:0", "y=y"), offers._offered
        assert steps(app) == []

    drive(story, [model], state=tmp_path / "state")


def test_every_operation_is_in_the_palette(model: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        from workbench.tui.palette import Actions

        lines = [text for text, _ in Actions(app.screen)._all()]
        for name in registry.commands():
            assert any(text.startswith(f"Add step {name}: ") for text in lines), name
        long = [text for text in lines if len(text) > 96 or "\n" in text]
        assert not long, "one line each"
        await press(app, pilot, "ctrl+p", *"freeze", "enter")
        assert isinstance(app.screen, StepScreen) and app.screen._operation == "freeze"

    drive(story, [model], state=tmp_path / "state")


def test_escape_goes_back_to_the_operations_then_to_the_models(model: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await choose(app, pilot, "set")
        await press(app, pilot, "escape")
        assert isinstance(app.screen, OperationsScreen)
        operations = app.screen.query_one(Operations)
        assert operations.choices[operations.cursor][0] == "set"
        await press(app, pilot, "escape")
        assert isinstance(app.screen, WorkScreen) and steps(app) == []

    drive(story, [model], state=tmp_path / "state")


def test_an_operation_of_ones_own_is_offered(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in registry.operation_names():  # one that is imported below would be forgotten with the patch
        registry.operation(name)
    monkeypatch.setattr(registry, "_REGISTERED", dict(registry._REGISTERED))

    @register
    @dataclass(frozen=True, slots=True)
    class Whistle(Operation):
        """Whistle a tune."""

        NAME: ClassVar[str] = "whistle"
        tune: str = option(values.Text("high", "low"), "which tune", metavar="high|low")
        loud: bool = option(values.Flag(), "so that all can hear it", default=False)

        def apply(self, workspace: Workspace) -> None:
            workspace.note("freeze-done", "info", "", f"A tune that is {self.tune}.")

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "A")
        assert "whistle" in screen_text(app) and "Whistle a tune" in screen_text(app)
        await press(app, pilot, "escape")
        await choose(app, pilot, "whistle")
        assert "tune *" in screen_text(app) and "[ ] loud" in screen_text(app)
        await type_text(app, pilot, "middle")
        await press(app, pilot, "tab", "space", "ctrl+s")
        assert "it has to be one of high, low" in problem(app, "tune")
        line(app, "tune").value = "low"
        await press(app, pilot, "enter")
        assert steps(app) == ["whistle tune=low loud=true"]
        assert "A tune that is low." in screen_text(app)

    drive(story, [model], state=tmp_path / "state")


@pytest.mark.exhaustive  # each of these screens has a story of its own
def test_one_model_with_a_step_is_previewed_and_committed(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "c")
        assert isinstance(app.screen, WorkScreen) and "There is no step yet." in screen_text(app)
        await go_to_row(app, pilot, "output")
        await choose(app, pilot, "signature")
        await press(app, pilot, "shift+tab")
        await type_text(app, pilot, "x=image")
        await press(app, pilot, "enter", "v")
        assert isinstance(app.screen, PreviewScreen)
        await until(pilot, lambda: app.screen.query_one("#canvas").canvas is not None)  # type: ignore[attr-defined]
        assert "signature rename_inputs=x=image" in screen_text(app)
        await press(app, pilot, "escape")
        app.session.set_commit("verify", verify=False)  # nothing here needs TensorFlow
        await press(app, pilot, "c")
        assert isinstance(app.screen, CommitScreen)
        await settle(app, pilot)
        assert "Keep outputs" not in screen_text(app) and "Handles" not in screen_text(app)
        app.screen.form.target_line.value = str(target)
        await press(app, pilot, "ctrl+s")
        await until(pilot, lambda: app.screen.report is not None)  # type: ignore[attr-defined]
        assert list(open_model(target).meta.signatures["serving_default"].inputs) == ["image"]
        assert not app.session.unsaved

    drive(story, [model], state=tmp_path / "state")


# -- steps on what is under the cursor; changing a step; history


async def go_to_row(app: WorkbenchApp, pilot: Pilot[int], kind: str) -> None:
    """Moves to the first row of a kind."""
    assert isinstance(app.screen, WorkScreen)
    rows = app.screen.panes[0].rows
    at = next(at for at in range(len(rows.listing)) if rows.listing[at].kind == kind)
    rows.cursor = at
    await settle(app, pilot)


def test_a_step_on_the_input_under_the_cursor(model: Path, tmp_path: Path) -> None:
    """Operations that take an input come first, and its key stands in the form."""

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await go_to_row(app, pilot, "input")
        await press(app, pilot, "A")
        assert "Add a step for the input x" in screen_text(app)
        operations = app.screen.query_one(Operations)
        assert {"set", "adapt", "signature"} <= operations.fitting
        first = [name for name, _ in operations.choices[: len(operations.fitting)]]
        assert set(first) == operations.fitting and "flatten" not in first
        await press(app, pilot, *["down"] * (first.index("set") - operations.cursor), "enter")
        assert line(app, "input").value == "x" and app.focused is line(app, "value")
        await type_text(app, pilot, "[[1, 2, 3, 4]]")
        await press(app, pilot, "enter")
        assert steps(app) == ["set input=x 'value=[[1, 2, 3, 4]]'"]

    drive(story, [model], state=tmp_path / "state")


@pytest.mark.exhaustive  # as on a wire
def test_a_chain_is_typed_without_quotes(model: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await go_to_row(app, pilot, "output")
        await press(app, pilot, "A")
        operations = app.screen.query_one(Operations)
        at = [name for name, _ in operations.choices].index("adapt")
        await press(app, pilot, *["down"] * (at - operations.cursor), "enter")
        assert line(app, "after").value == "y=" and app.focused is line(app, "after")
        await type_text(app, pilot, "softmax | top-k 2")
        await press(app, pilot, "enter")
        assert steps(app) == ["adapt 'after=y=softmax | top-k 2'"]

    drive(story, [model], state=tmp_path / "state")


def test_a_step_is_changed_in_its_form(model: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        for text in ("signature rename_inputs=x=image rename=serving_default=predict", "flatten format=tf1"):
            app.session.add_step(registry.parse_step(text))
        app.screen.query_one(Wires).rows_changed()
        await press(app, pilot, "w", "enter")
        assert "Change step 1: signature" in screen_text(app)
        assert line(app, "rename_inputs").value == "x=image"
        line(app, "rename_inputs").value = "x=picture"
        await press(app, pilot, "enter")
        assert steps(app) == [
            "signature rename=serving_default=predict rename_inputs=x=picture",
            "flatten format=tf1",
        ]
        await press(app, pilot, "enter", "escape")
        assert isinstance(app.screen, WorkScreen) and len(steps(app)) == 2

    drive(story, [model], state=tmp_path / "state")


def test_back_and_forward_to_any_change(model: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "H")
        assert isinstance(app.screen, WorkScreen) and "no changes yet" in screen_text(app)
        for text in ("freeze", "flatten", "flatten format=tf1"):
            app.session.add_step(registry.parse_step(text))
        await press(app, pilot, "H")
        shown = screen_text(app)
        assert "before all changes" in shown and shown.count("add flatten") == 2
        await press(app, pilot, "up", "up", "enter")
        assert steps(app) == ["freeze"]
        assert "the plan after: add freeze" in screen_text(app)
        await press(app, pilot, "H", "G", "enter")
        assert steps(app) == ["freeze", "flatten", "flatten format=tf1"]
        await press(app, pilot, "H", "g", "enter")
        assert steps(app) == []

    drive(story, [model], state=tmp_path / "state")


def test_a_step_after_a_join(model: Path, tmp_path: Path) -> None:
    other = doubler(tmp_path / "n").save()

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await choose(app, pilot, "freeze")
        await press(app, pilot, "enter")
        await press(app, pilot, "1", "s", "enter")
        assert steps(app) == ["connect source=y target=x", "freeze"]
        assert command(app) == f"workbench merge {model} {other} --wire y=x --step freeze -o ./m-n"
        assert "1 wire and 1 step" in screen_text(app)
        await press(app, pilot, "w", "G")
        assert app.screen.query_one(Wires).has_focus and "step 1  freeze" in screen_text(app)
        await press(app, pilot, "d")
        assert steps(app) == ["connect source=y target=x"]

    drive(story, [model, other], state=tmp_path / "state")


@pytest.mark.exhaustive  # as on a wire
def test_chains_to_choose_from_have_lines_of_their_own(tmp_path: Path) -> None:
    shape = (None, 8, 8, 3)
    made = Tiny(tmp_path / "m").placeholder("x", "float32", shape).node("y", "Neg", "x", T="float32")
    model = made.signature(x_in=("x:0", "float32", shape), y_out=("y:0", "float32", shape)).save()

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await choose(app, pilot, "adapt")
        line(app, "before").value = "x=auto"
        await press(app, pilot, "enter")
        assert steps(app) == ["adapt before=x=auto"]
        findings = app.screen.query_one(Findings)
        await settle(app, pilot)
        assert sum(text.startswith("  decode-image") for _, text, _ in findings._lines) == 8
        await press(app, pilot, "c")
        assert isinstance(app.screen, CommitScreen)
        await settle(app, pilot)
        lines = [text.strip(" │") for text in screen_text(app).splitlines()]
        assert any("decode-image | resize 8 8" in text and "in place of auto" not in text for text in lines)

    drive(story, [model], state=tmp_path / "state", size=(120, 40))
