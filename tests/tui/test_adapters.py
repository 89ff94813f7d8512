"""Adapters on wires in the terminal UI: one key takes the suggestion, another lets the user choose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.sampling import plainly
from tests.surgery.tiny import Tiny, typed
from tests.tui.driving import drive, press, screen_text, settle, type_text
from tests.tui.test_browse import row
from tests.tui.test_wire import command, wires, work
from workbench.surgery.operations.connect import Connect
from workbench.tui.app import WorkbenchApp
from workbench.tui.screens.adapters import AdaptersScreen
from workbench.tui.screens.suggest import Suggestions

N = None
SHRINK = "resize 28 28 | color RGB>GRAY"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Path]:
    """`img` gives uint8 [?,32,32,3], `net` takes float32 [?,28,28,1]."""
    folder = tmp_path_factory.mktemp("models")
    return typed(folder / "img", "uint8", (N, 32, 32, 3)), typed(folder / "net", "float32", (N, 28, 28, 1))


def dialog(app: WorkbenchApp) -> AdaptersScreen:
    assert isinstance(app.screen, AdaptersScreen)
    return app.screen


def test_one_key_takes_the_suggested_adapters(pair: Sequence[Path], tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "space")
        assert row(app, 1) == "x" and f"adapters `{SHRINK}`" in " ".join(screen_text(app).split())
        await press(app, pilot, "space")
        assert wires(app) == [], "space wires only what fits as it is"
        await press(app, pilot, "equals_sign")
        assert wires(app) == [f"y | {SHRINK} = x"] and work(app).picked is None
        assert f"--wire 'y | {SHRINK} = x'" in command(app) and "can be committed" in screen_text(app)
        await press(app, pilot, "w")
        assert "◇ resize 2" in screen_text(app)
        await press(app, pilot, "equals_sign")  # R5-range suggests a scale
        assert wires(app) == [f"y | {SHRINK} | scale 1/255 = x"]
        await press(app, pilot, "equals_sign")
        assert "No finding suggests adapters" in screen_text(app)
        await press(app, pilot, "u", "u")
        assert wires(app) == []
        await press(app, pilot, "U")
        assert wires(app) == [f"y | {SHRINK} = x"]

    drive(story, pair, state=tmp_path)


@pytest.mark.parametrize("size", plainly([((120, 40),), ((80, 24),)], ((80, 24),)))
def test_a_chain_is_chosen_from_adapters_that_fit(
    pair: Sequence[Path], tmp_path: Path, size: tuple[int, int]
) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "space", "vertical_line")
        screen = dialog(app)
        assert screen.line.value == SHRINK, "the suggestion stands there"
        assert "✓ The result fits the input. `resize 28 28` is guessed" in screen_text(app)
        screen.line.value = ""
        await settle(app, pilot)
        assert "The result is uint8 [?,32,32,3]; it does not fit yet." in screen_text(app)
        offered = {offer.text: (offer.makes, offer.fits) for offer in screen.offers.state.offers}
        assert offered["resize 28 28"] == ("float32 [?,28,28,3]", False)
        assert "softmax" in offered and "lookup @vocabulary.txt" not in offered
        await press(app, pilot, "enter")
        assert wires(app) == [] and dialog(app)
        await press(app, pilot, "tab", "tab")
        assert screen.line.value == SHRINK
        assert "float32 [?,28,28,1]" in screen_text(app)
        await type_text(app, pilot, " | scale 1/255")
        await press(app, pilot, "enter")
        assert wires(app) == [f"y | {SHRINK} | scale 1/255 = x"]

    drive(story, pair, state=tmp_path, size=size)


def test_a_chain_of_a_wire_is_edited_as_text(pair: Sequence[Path], tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        app.session.add_wire(Connect("y", "x", "resize 28 28"))
        work(app).changed()
        await settle(app, pilot)
        await press(app, pilot, "w")
        assert "✗ invalid" in screen_text(app)
        await press(app, pilot, "vertical_line")
        screen = dialog(app)
        assert screen.line.value == "resize 28 28"
        await type_text(app, pilot, " | layot")
        await settle(app, pilot)
        assert "There is no adapter 'layot'. Did you mean layout?" in " ".join(screen_text(app).split())
        await press(app, pilot, "tab")
        assert screen.line.value == "resize 28 28 | layot", "nothing is added to what can't be read"
        screen.line.value = "resize 28 28"
        await settle(app, pilot)
        await press(app, pilot, "escape")
        assert wires(app) == ["y | resize 28 28 = x"]
        await press(app, pilot, "equals_sign")
        assert wires(app) == [f"y | {SHRINK} = x"], "the chain is completed"

    drive(story, pair, state=tmp_path)


def test_wires_that_adapters_make_fit_are_suggested(pair: Sequence[Path], tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "s")
        assert app.screen.query_one(Suggestions).wires == [Connect("y", "x", SHRINK)]
        assert "Wires that adapters make compatible" in screen_text(app) and "◇ resize" in screen_text(app)
        await press(app, pilot, "enter")
        assert wires(app) == [f"y | {SHRINK} = x"]

    drive(story, pair, state=tmp_path)


def test_keys_that_do_nothing_say_why(pair: Sequence[Path], tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "equals_sign")
        assert "Pick an output with space first" in screen_text(app)
        await press(app, pilot, "w", "vertical_line")
        assert "Adapters are for wires" in screen_text(app)

    drive(story, pair, state=tmp_path)


def test_what_fits_needs_no_adapters(tmp_path: Path) -> None:
    models = [typed(tmp_path / name, "float32", (N, 4)) for name in ("a", "b")]
    odd = Tiny(tmp_path / "c").placeholder("x", "resource", ()).node("y", "Identity", "x", T="resource")
    models.append(odd.signature(x_in=("x:0", "resource", ()), y_out=("y:0", "resource", ())).save())

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "space", "equals_sign")
        assert "They fit without adapters" in screen_text(app) and wires(app) == []
        await press(app, pilot, "space")
        assert wires(app) == ["a@y=b@x"]

    drive(story, models, state=tmp_path)
