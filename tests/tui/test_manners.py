"""Sizes, themes, help, palette, copying, quitting, taking up a lost plan."""

from __future__ import annotations

import base64
import importlib
import json
import pkgutil
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.color import Color
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, OptionList

import workbench.tui
from tests.sampling import plainly
from tests.tui.driving import drive, press, screen_text, settle, until
from tests.tui.test_browse import pane
from tests.tui.test_wire import PAIR, wires, work
from workbench.tui import clipboard
from workbench.tui.actions import ACTIONS, key_text
from workbench.tui.app import WorkbenchApp
from workbench.tui.host import Look
from workbench.tui.learning.lesson import LessonScreen
from workbench.tui.learning.lessons import LessonsScreen
from workbench.tui.palette import available, holders
from workbench.tui.screens.dialog import AskScreen, PromptScreen
from workbench.tui.screens.start import StartScreen
from workbench.tui.screens.suggest import SuggestScreen
from workbench.tui.screens.work import WorkScreen
from workbench.tui.widgets.bars import Keys


def pair(sample_models: Path) -> list[Path]:
    return [sample_models / name for name in PAIR]


SIZES = [(80, 24), (109, 30), (110, 30), (200, 60), (40, 10)]


@pytest.mark.parametrize("size", plainly([(size,) for size in SIZES], ((80, 24),)))
def test_every_size_can_be_used(sample_models: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        narrow = size[0] < 110
        assert work(app).has_class("-narrow") == narrow
        assert pane(app, 1).display != narrow or pane(app).region.width == 0
        await press(app, pilot, "space", "space")
        assert wires(app) == ["pixels=myInput"]
        await press(app, pilot, "3")
        assert work(app).focused is not None and work(app).focused.id == "wires"  # type: ignore[union-attr]
        primary = Color.parse(app.theme_variables["primary"])
        panels = [panel for panel in app.screen.query(".panel") if panel.styles.border_top[1] == primary]
        assert panels == [app.screen.focused]
        for region in ("#wires", "#findings"):
            assert bool(app.screen.query_one(region).region.width) == (not narrow or region == "#wires")
        await press(app, pilot, "tab", "tab")
        assert pane(app).rows.has_focus and pane(app).rows.size.height > 0

    drive(story, pair(sample_models), state=tmp_path, size=size)


@pytest.mark.exhaustive
def test_it_resizes_live(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        for width, height in ((60, 20), (200, 50), (80, 24), (120, 40)):
            await pilot.resize_terminal(width, height)
            await settle(app, pilot)
            assert work(app).has_class("-narrow") == (width < 110)
            assert len(screen_text(app).splitlines()[0]) == width
        assert pane(app).rows.has_focus

    drive(story, pair(sample_models), state=tmp_path)


def test_without_box_glyphs_everything_is_ascii(sample_models: Path, tmp_path: Path) -> None:
    from workbench.tui.glyphs import AsciiFilter

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        (ascii_filter,) = (one for one in app._filters if isinstance(one, AsciiFilter))
        for keys in (
            ("space", "space"),
            ("enter",),
            ("escape", "question_mark"),
            ("escape", "s"),
            ("escape", "v"),
        ):
            await press(app, pilot, *keys)
            assert (app.screen.styles.background.a < 1) == app.screen.is_modal  # the first of its kind, too
            for strip in app.screen._compositor.render_strips(app.size):
                text = "".join(segment.text for segment in ascii_filter.apply(list(strip), Color(0, 0, 0)))
                assert text.isascii(), text

    drive(story, pair(sample_models), state=tmp_path, look=Look("workbench-dark", ascii=True))


@pytest.mark.exhaustive
def test_with_sixteen_colours_only_the_terminal_s_own_are_used(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        for keys in (
            ("space", "space"),
            ("enter",),
            ("escape", "question_mark"),
            ("escape", "v"),
            ("escape",),
        ):
            await press(app, pilot, *keys)
            for strip in app.screen._compositor.render_strips(app.size):
                segments = list(strip)
                for one in app._filters:
                    segments = one.apply(segments, Color(0, 0, 0)) if one.enabled else segments
                for style in (segment.style for segment in segments if segment.style is not None):
                    for color in (style.color, style.bgcolor):
                        assert color is None or color.triplet is None, (keys, style)

    drive(story, pair(sample_models), state=tmp_path, look=Look("workbench-16"))


def test_light_and_dark(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        before = pane(app).rows.rich_style.color
        assert (
            app.theme_variables["primary"].lower() == "#7aa2f7"
            and app.screen.styles.background.hex == "#14161D"
        )
        await press(app, pilot, "t")
        assert app.theme == "workbench-light" and pane(app).rows.rich_style.color != before
        await press(app, pilot, "t")
        assert app.theme == "workbench-dark"

    drive(story, pair(sample_models), state=tmp_path)


def test_the_help_lists_actions_of_the_focus(tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "f1")
        text = screen_text(app)
        assert "Start screen" in text and "Open the marked row, or enter the marked folder" in text

    drive(story, state=tmp_path, size=(120, 60))


def test_every_action_has_a_method() -> None:
    for module in pkgutil.walk_packages(workbench.tui.__path__, "workbench.tui."):
        importlib.import_module(module.name)
    kinds = list(_below(MessagePump))
    for scope, actions in ACTIONS.items():
        of_scope = [kind for kind in kinds if getattr(kind, "SCOPE", None) == scope]
        assert of_scope or scope == "modal", scope
        for action in actions if of_scope else ():
            names = {f"{start}{action.name.partition('(')[0]}" for start in ("action_", "_action_")}
            assert any(names & set(dir(kind)) for kind in of_scope), (scope, names)


def _below(kind: type[Any]) -> Iterator[type[Any]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


@pytest.mark.exhaustive
def test_every_action_is_reached_and_has_a_method(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        seen: set[str] = set()
        for keys in (
            (),
            ("E",),
            ("E", "slash"),
            ("escape", "space", "space", "v"),
            ("escape", "c"),
            ("escape", "R"),
            ("escape",),
        ):
            await press(app, pilot, *keys)
            for scope, node in holders(app.screen).items():
                seen.add(scope)
                for action in ACTIONS[scope]:
                    name = action.name.partition("(")[0]
                    assert hasattr(node, f"action_{name}") or hasattr(node, f"_action_{name}"), (scope, name)
        for screen in (LessonsScreen(), LessonScreen("no-lesson"), StartScreen()):
            app.push_screen(screen)
            await settle(app, pilot)
            for focus in screen.focus_chain:
                focus.focus()
                await settle(app, pilot)
                seen |= set(holders(app.screen))
        assert seen >= ACTIONS.keys() - {"modal", "model-findings"}

    drive(story, pair(sample_models), state=tmp_path, size=(120, 60))


def test_no_two_actions_of_a_scope_share_a_key() -> None:
    for scope, actions in ACTIONS.items():
        keys = [key for action in actions for key in action.keys.split(",") if key]
        assert len(keys) == len(set(keys)), scope
    assert key_text("ctrl+p") == "^p" and key_text("slash") == "/"


def test_the_palette_does_every_action(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        assert {"suggest", "pick", "remove", "place", "ask_quit"} <= {
            a.name for _, a, _ in available(app.screen)
        }
        await press(app, pilot, "ctrl+p", *"compatible wires")
        await until(pilot, lambda: bool(app.screen.query_one(OptionList).option_count))
        await press(app, pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, SuggestScreen))
        assert "Compatible wires" in screen_text(app)

    drive(story, pair(sample_models), state=tmp_path)


# -- copying


def test_osc_52_outside_and_inside_tmux(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    encoded = base64.b64encode("pixels ✓".encode()).decode()
    clipboard.copy("pixels ✓", written.append, {})
    assert written == [f"\x1b]52;c;{encoded}\x07"]
    monkeypatch.setattr(clipboard, "_by_tmux", lambda text: True)
    clipboard.copy("pixels ✓", written.append, {"TMUX": "x"})
    assert written[1] == written[0]
    monkeypatch.setattr(clipboard, "_by_tmux", lambda text: False)
    clipboard.copy("pixels ✓", written.append, {"TMUX": "x"})
    assert written[2] == f"\x1bPtmux;\x1b\x1b]52;c;{encoded}\x07\x1b\\"


# -- quitting, and coming back


def test_quitting_asks_only_when_wires_would_be_lost(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "space", "space", "q")
        assert isinstance(app.screen, AskScreen) and "neither committed nor saved" in screen_text(app)
        await press(app, pilot, "enter")
        assert not isinstance(app.screen, AskScreen), "the harmless answer is the first"
        await press(app, pilot, "q", "left", "left", "enter")
        assert app.return_code == 0

    drive(story, pair(sample_models), state=tmp_path)
    assert list((tmp_path / "plans").iterdir()) == [], "what was given up is not offered again"


def test_a_recipe_is_saved_and_opened_again(sample_models: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    for one in pair(sample_models):
        shutil.copytree(one, models / one.name)
    file, linked = tmp_path / "plan.json", tmp_path / "linked"
    file.write_text("something else")
    linked.symlink_to(models / "digits" / "saved_model.pb")
    model = linked.read_bytes()

    async def asked(app: WorkbenchApp, pilot: Pilot[int], kind: type[Screen[Any]]) -> None:
        await until(pilot, lambda: isinstance(app.screen, kind) and app.focused is not None)

    async def name(app: WorkbenchApp, pilot: Pilot[int], path: Path) -> None:
        await press(app, pilot, "e")
        await asked(app, pilot, PromptScreen)
        app.screen.query_one(Input).value = str(path)
        await press(app, pilot, "enter")
        await asked(app, pilot, AskScreen)

    async def answer(app: WorkbenchApp, pilot: Pilot[int], *keys: str) -> None:
        await press(app, pilot, *keys)
        await asked(app, pilot, WorkScreen)

    async def save(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "space", "space")
        await name(app, pilot, file)
        await answer(app, pilot, "enter")  # "Keep it" is the first answer
        assert file.read_text() == "something else"
        await name(app, pilot, linked)
        await answer(app, pilot, "left", "enter")
        assert linked.is_symlink() and linked.read_bytes() == model, (
            "a source is not changed, whatever is answered"
        )
        await name(app, pilot, file)
        await answer(app, pilot, "left", "enter")
        assert json.loads(file.read_text())["sources"]
        await press(app, pilot, "q")
        assert app.return_code == 0, "a saved plan is not asked about"

    async def read(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await until(pilot, lambda: app.session.outcome is not None and app.session.complete)
        assert wires(app) == ["image_base64@pixels=digits@myInput"]
        assert app.session.outcome is not None and app.session.outcome.draft is not None

    drive(save, pair(models), state=tmp_path / "state")
    drive(read, [file], state=tmp_path / "state")


def test_a_lost_plan_is_offered_and_taken_up(sample_models: Path, tmp_path: Path) -> None:
    async def lost(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "space", "space")

    async def found(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        text = screen_text(app)
        assert "Not finished" in text and "image_base64 + digits, 1 wire" in text
        await press(app, pilot, "enter")
        assert len(wires(app)) == 1 and app.session.complete and app.session.unsaved

    drive(lost, pair(sample_models), state=tmp_path)
    (file,) = (tmp_path / "plans").glob("*.json")
    entry = json.loads(file.read_text())
    file.write_text(json.dumps({**entry, "born": "another"}))
    drive(found, state=tmp_path)
    files = list((tmp_path / "plans").glob("*.json"))
    assert file not in files and len(files) == 1, "it is this session's plan now"


def test_a_key_that_does_nothing_says_why_in_the_last_line(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        def last() -> str:
            return screen_text(app).splitlines()[-1].strip()

        for keys, said in (
            ("3 space", "space does nothing here. Keys that do: d remove, enter go to, change, | adapters."),
            ("enter", "There is no wire yet; space on an output of a model picks it."),
            ("d", "There is no wire or step to remove."),
            ("u U", "There is nothing to redo."),
            ("4 space", "space does nothing here. Keys that do: enter go to cause, a follow hint."),
            ("1 g space", "Put the cursor on an output, an input or a node, then press space."),
            ("n", "There is no match to go to; / filters."),
            ("backspace", "There is no link to go back along."),
            ("h", "There is nothing to fold here."),
            ("slash z z z enter space", "Nothing matches the filter; esc clears it."),
            ("enter", "Nothing matches the filter; esc clears it."),
            ("escape g enter enter", "There is no link in this line; tab moves to the next one."),
            ("escape j j j enter enter", "There is no link in this line; tab moves to the next one."),
        ):
            await press(app, pilot, *keys.split())
            assert last() == said, keys
        await press(app, pilot, "escape", "3")
        assert "does nothing" not in last() and last().startswith("s Suggest"), (
            "moving on shows the keys again"
        )
        app.say("why")
        assert app.screen.query_one(Keys)._until is not None, "it goes by itself, too"
        await press(app, pilot, "v")
        for keys, said in (
            ("]", "f shows the neighbourhood of a box; [ and ] then change its size."),
            ("s", "This picture has no boundary between models: no wire ends in it."),
            ("n", "There is no match to go to; / finds boxes."),
            ("plus", "The picture cannot be zoomed in further."),
        ):
            await press(app, pilot, "right_square_bracket" if keys == "]" else keys)
            assert last() == said, keys

    drive(story, pair(sample_models), state=tmp_path)
