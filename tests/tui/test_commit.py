"""Committing by keys alone: the whole story, cancelling, and what can go wrong."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.cli.test_unsafe import reads_a_file
from tests.surgery.tiny import doubler
from tests.timing import HANG
from tests.tui.driving import drive, press, screen_text, settle, type_text, until
from tests.tui.test_browse import pane
from tests.tui.test_wire import PAIR, command
from workbench.errors import Cancelled, TargetExists
from workbench.session.texts.progress import Progress
from workbench.tui.app import WorkbenchApp
from workbench.tui.pictures.canvas import CanvasView
from workbench.tui.screens.commit import CommitScreen
from workbench.tui.screens.dialog import AskScreen
from workbench.tui.widgets.checkbox import Tick


def commit_screen(app: WorkbenchApp) -> CommitScreen:
    assert isinstance(app.screen, CommitScreen)
    return app.screen


def said(app: WorkbenchApp) -> str:
    """What the right side says, before it is broken into lines."""
    detail = commit_screen(app).board.detail
    assert detail is not None
    return "\n".join("".join(span.text for span in line) for line in detail.lines)


async def done(app: WorkbenchApp, pilot: Pilot[int]) -> None:
    await until(pilot, lambda: not app.screen.has_class("-running"))
    await pilot.pause()


@pytest.mark.needs_tf
def test_the_story_takes_fourteen_presses_at_most(
    sample_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    keys = ["space", "space", "c", *"merged", "enter"]
    assert len(keys) <= 14

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        for key in keys:
            await press(app, pilot, key)
        await done(app, pilot)
        report = commit_screen(app).report
        assert report is not None and report.verdict == "verified", screen_text(app)
        text = screen_text(app)
        assert "verified" in text and "merged" in text and "tf.saved_model.load" in text
        assert command(app).endswith("-o merged")
        assert app.committer.child_pid is not None, "the child stays for the next commit"
        await press(app, pilot, "ctrl+r")
        assert app.clipboard.startswith("workbench run merged")
        assert "--input base64_input=base64url:@" in app.clipboard
        await press(app, pilot, "escape", "q")
        assert app.return_code == 0, "what was committed is not asked about"

    app = drive(story, [sample_models / name for name in PAIR], state=tmp_path / "state")
    assert app.committer.child_pid is None, "no child outlives the application"
    proof = json.loads((tmp_path / "merged/assets.extra/workbench-proof.json").read_text())
    assert proof["verdict"] == "verified"

    from workbench.model import open_model
    from workbench.probing.run import run

    png = (sample_models / "digits_png/sample-3.png").read_bytes()
    import base64

    answer = run(open_model(tmp_path / "merged"), {"base64_input": base64.urlsafe_b64encode(png)})
    assert answer["myOutput"].argmax() == 3


@pytest.mark.needs_tf
@pytest.mark.parametrize("phase", ["reference", "verify"])
def test_cancelling_leaves_nothing_behind(
    sample_models: Path, tmp_path: Path, phase: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out" / "merged"
    target.parent.mkdir()
    pressed = threading.Event()
    tell = Progress.tell

    def wait(progress: Progress, now: str, text: str) -> None:
        """The phase begins when the key was pressed: it may be shorter than a busy machine takes for a key."""
        tell(progress, now, text)
        if now == phase:
            assert pressed.wait(HANG)

    monkeypatch.setattr(Progress, "tell", wait)

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "space", "space", "c")
        await type_text(app, pilot, [*str(target), "enter"])
        await until(pilot, lambda: commit_screen(app).progress.phase == phase)
        await type_text(app, pilot, ["escape"])
        pressed.set()
        await done(app, pilot)
        assert "cancelled" in said(app), said(app)
        assert not app.committer.running
        assert list(target.parent.iterdir()) == []
        await press(app, pilot, "ctrl+s")
        await done(app, pilot)
        assert target.exists(), screen_text(app)

    drive(story, [sample_models / name for name in PAIR], state=tmp_path / "state")


@pytest.mark.needs_tf
def test_a_model_that_reads_files_is_run_only_after_a_yes(tmp_path: Path) -> None:
    from textual.widgets import Button

    from workbench.tui.screens.dialog import AskScreen

    read, target = tmp_path / "read.txt", tmp_path / "merged"
    read.write_text("x")
    pair = [reads_a_file(tmp_path / "a", str(read)).save(), doubler(tmp_path / "b").save()]

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "space", "space", "c")
        await type_text(app, pilot, [*str(target), "enter"])
        await until(pilot, lambda: isinstance(app.screen, AskScreen) and app.focused is not None)
        await settle(app, pilot)
        text = " ".join(screen_text(app).split())
        assert "ReadFile" in text and "Run it" in text
        assert isinstance(app.focused, Button) and app.focused.name == "leave", (
            "the harmless answer has the focus"
        )
        await press(app, pilot, "enter")
        assert "Nothing was published" in said(app) and not target.exists()
        assert "--allow-unsafe" not in command(app)
        await press(app, pilot, "ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, AskScreen) and app.focused is not None)
        await press(app, pilot, "left", "enter")
        await done(app, pilot)
        report = commit_screen(app).report
        assert report is not None and report.verdict == "verified", screen_text(app)
        assert "--allow-unsafe" in command(app)
        assert next(box for box in app.screen.query(Tick) if box.name == "allow_unsafe").value

    drive(story, pair, state=tmp_path / "state")
    assert target.exists()


def test_without_proving_nothing_is_run(sample_models: Path, tmp_path: Path) -> None:
    target = tmp_path / "merged"

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        app.session.set_commit("prove", verify=False)
        await press(app, pilot, "space", "space", "c")
        assert app.committer.child_pid is None, "TensorFlow is not started for what needs none"
        await type_text(app, pilot, str(target))
        await press(app, pilot, "enter")
        await done(app, pilot)
        assert "unverified" in said(app)
        assert "--no-verify" in command(app)

    drive(story, [sample_models / name for name in PAIR], state=tmp_path / "state")
    assert (target / "saved_model.pb").exists()


@pytest.mark.exhaustive  # the commit itself refuses it, for a command as well
def test_a_target_that_is_there_is_never_overwritten(sample_models: Path, tmp_path: Path) -> None:
    target = tmp_path / "there"
    target.mkdir()

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        app.session.set_commit("prove", verify=False)
        await press(app, pilot, "space", "space", "c")
        await type_text(app, pilot, str(target))
        await press(app, pilot, "enter")
        await done(app, pilot)
        assert "not overwritten" in said(app)
        assert commit_screen(app).query_one("#field-target").has_focus

    drive(story, [sample_models / name for name in PAIR], state=tmp_path / "state")
    assert list(target.iterdir()) == []


def test_options_are_in_the_command_and_can_be_undone(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        app.session.set_commit("prove", verify=False)
        await press(app, pilot, "space", "space", "c")
        screen = commit_screen(app)
        for box in screen.query(Tick):
            if box.name in ("freeze", "serving"):
                box.toggle()
        await settle(app, pilot)
        screen.query_one("#field-handle-1").focus()
        await press(app, pilot, "end", *"x", "enter")
        line = command(app)
        assert "--freeze" in line and "--serving" in line and "digitsx=" in line
        assert "converted to constants" in said(app)
        screen.query_one("#field-handle-1").focus()
        await press(app, pilot, "end", *"!", "enter")
        assert app.session.handles == ("image_base64", "digitsx"), "a handle that can't be one is not taken"
        await press(app, pilot, "escape", "u", "u", "u")
        assert app.session.handles == PAIR and not app.session.plan.result.freeze

    drive(story, [sample_models / name for name in PAIR], state=tmp_path / "state")


@pytest.mark.exhaustive
def test_a_file_is_picked_for_an_input(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        app.session.set_commit("prove", verify=False)
        await press(app, pilot, "space", "space", "c")
        line = commit_screen(app).query_one("#inputs Input")
        line.focus()
        await press(app, pilot, "ctrl+o")
        from workbench.tui.widgets.chooser import Chooser

        chooser = app.screen.query_one(Chooser)
        for missing in (
            "no-such-file.png",
            f"{sample_models}/digits_png/sample-77.png",
            f"{sample_models}/x/y.png",
        ):
            chooser.line.value = missing
            await press(app, pilot, "enter")
            assert chooser.is_attached and app.session.commit.inputs == (), "what does not exist is not taken"
        chooser.line.value = f"./{sample_models / 'digits_png' / 'sample-7.png'}"
        await press(app, pilot, "enter")
        assert app.session.commit.inputs == (
            f"base64_input=base64url:@{sample_models}/digits_png/sample-7.png",
        )
        assert "--input" in command(app)

    drive(story, [sample_models / name for name in PAIR], state=tmp_path / "state")


@pytest.mark.fresh_tensorflow
def test_a_cancelled_commit_ends_after_its_child(
    sample_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next commit would take over a child that is about to be killed."""
    from workbench.runtime.child_process.child import Child
    from workbench.session.committing import Committer
    from workbench.session.options import CommitOptions
    from workbench.surgery.draft import apply
    from workbench.surgery.plan import Plan

    class Slow(Child):
        """A child whose end takes a while, as on a busy machine."""

        def kill(self) -> None:
            time.sleep(0.2)
            super().kill()

    draft = apply(Plan.join(*(sample_models / name for name in PAIR), wires="pixels=myInput"))
    monkeypatch.setattr("workbench.runtime.child_process.child.Child", Slow)
    committer = Committer()
    committer.warm(CommitOptions())
    assert isinstance(committer._child, Slow)

    def cancel(phase: str, text: str) -> None:
        committer.cancel()

    with pytest.raises(Cancelled):
        committer.commit(draft, str(tmp_path / "out"), CommitOptions(), cancel)
    assert committer.child_pid is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.needs_tf
def test_an_idle_child_is_ended(sample_models: Path) -> None:
    from workbench.session.committing import Committer
    from workbench.session.options import CommitOptions

    now = [0.0]
    committer = Committer(clock=lambda: now[0])
    committer.warm(CommitOptions())
    first = committer.child_pid
    assert first is not None
    now[0] = 119.0
    committer.tick()
    assert committer.child_pid == first
    committer.warm(CommitOptions())
    now[0] = 200.0
    committer.tick()
    assert committer.child_pid == first, "it was used meanwhile"
    now[0] = 240.0
    committer.tick()
    assert committer.child_pid is None
    committer.close()


@pytest.mark.exhaustive
def test_a_model_is_merged_by_mouse_alone(
    sample_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def click(app: WorkbenchApp, pilot: Pilot[int], text: str, line: int | None = None) -> None:
        lines = screen_text(app).splitlines()
        y = next(y for y, one in enumerate(lines) if text in one) if line is None else line % len(lines)
        await pilot.click(offset=(lines[y].index(text) + 1, y))
        await settle(app, pilot)

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        app.session.set_commit("prove", verify=False)
        for position, name in enumerate(("pixels", "myInput")):
            rows = pane(app, position).rows
            at = next(i for i in range(rows.count()) if rows.listing[i].text == name)
            await pilot.click(rows, offset=(rows.scrollable_content_region.width - 2, at))
            await settle(app, pilot)
        assert [str(wire) for wire in app.session.plan.wires] == ["pixels=myInput"]
        await click(app, pilot, "v Preview", -1)
        await until(pilot, lambda: app.screen.query_one(CanvasView).canvas is not None)
        await settle(app, pilot)
        await click(app, pilot, "MatMul")
        item = app.screen.query_one(CanvasView).item
        assert item is not None and item.title == "MatMul"
        await click(app, pilot, "c Commit", -1)
        await click(app, pilot, "Freeze")
        assert "--freeze" in command(app)
        await pilot.click("#go")
        await settle(app, pilot)
        await done(app, pilot)
        assert "unverified" in said(app)
        await click(app, pilot, "esc Back", -1)
        await click(app, pilot, "esc Back", -1)
        await click(app, pilot, "q Quit", -1)
        assert app.return_code == 0

    drive(story, [sample_models / name for name in PAIR], state=tmp_path / "state")
    assert (tmp_path / "image_base64-digits" / "saved_model.pb").exists()


@pytest.mark.exhaustive
def test_what_hid_the_form_or_asked_about_the_commit_goes_when_it_ends(
    sample_models: Path, tmp_path: Path
) -> None:
    """At 80 columns the form is hidden while a commit runs; then the focus belongs to the target again."""

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        app.session.set_commit("verify", verify=False)
        await press(app, pilot, "space", "space", "c")
        screen = commit_screen(app)
        assert screen.draft is not None
        with app.committer._running:  # as while a commit runs on its thread
            screen.add_class("-running")
            screen.board.focus()
            await press(app, pilot, "ctrl+q")
            assert isinstance(app.screen, AskScreen) and "A commit is running" in screen_text(app)
            assert not screen.form.display
        screen._done(screen.draft, TargetExists("The target exists."))
        await settle(app, pilot)
        assert app.screen is screen and "The target exists." in said(app)
        assert screen.form.target_line.has_focus
        await press(app, pilot, "escape", "q")
        assert isinstance(app.screen, AskScreen) and "neither committed nor saved" in screen_text(app)
        screen.app.commit_ended()
        assert isinstance(app.screen, AskScreen), "a question about something else stays"

    drive(story, [sample_models / name for name in PAIR], state=tmp_path / "state", size=(80, 24))
