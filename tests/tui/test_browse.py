"""Opening and browsing by keys and by mouse."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot

from tests.cli.test_hostile_names import CONTROL, NAMES, model
from tests.sampling import plainly
from tests.tui.driving import drive, press, screen_text, settle, type_text, until
from workbench.disk import schema
from workbench.tui.app import WorkbenchApp
from workbench.tui.screens.start import StartScreen
from workbench.tui.screens.work import WorkScreen
from workbench.tui.widgets.browse import Browse
from workbench.tui.widgets.chooser import Chooser
from workbench.tui.widgets.detail import DetailView


def pane(app: WorkbenchApp, position: int = 0) -> Browse:
    return app.screen.query_one(f"#pane-{position}", Browse)


def row(app: WorkbenchApp, position: int = 0) -> str:
    """What the cursor is on; a node by its whole name, wherever in the tree it is."""
    found = pane(app, position).rows.row
    assert found is not None
    return found.key[2] if found.kind == "node" else found.text


def shown(app: WorkbenchApp) -> str:
    detail = pane(app).details.detail
    assert detail is not None
    return detail.title


def test_the_start_screen_offers_samples_and_opens_one(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        assert isinstance(app.screen, StartScreen)
        text = screen_text(app)
        assert "Try the story" in text and "reads a handwritten digit" in text and "digits_tf2" in text
        assert app.screen.query_one(Chooser).line.has_focus
        entries = app.screen.query_one(Chooser).entries
        while entries.entry is None or entries.entry.text != "digits":
            before = entries.cursor
            await press(app, pilot, "down")
            assert entries.cursor > before
        await press(app, pilot, "enter")
        assert isinstance(app.screen, WorkScreen)
        assert app.session.handles == ("digits",) and app.session.complete
        assert row(app) == "serving_default", "one model begins with what its signature does"

    drive(story, state=tmp_path)


def test_a_path_is_typed_and_a_recent_model_comes_first(
    sample_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m").symlink_to(sample_models)

    async def first(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await type_text(app, pilot, "/j")
        await settle(app, pilot)
        chooser = app.screen.query_one(Chooser)
        assert chooser.line.value == "/j" and chooser.line.has_focus, "letters are typed, never keys"
        await press(app, pilot, "enter")
        assert isinstance(app.screen, StartScreen) and "does not exist" in screen_text(app)
        chooser.line.post_message(events.Paste(f"'{tmp_path}/'"))
        await settle(app, pilot)
        assert chooser.line.value == f"'{tmp_path}/'", "a pasted path takes the place of what is there"
        await press(app, pilot, "escape", *"m/no/such", "tab")
        assert chooser.line.value == f"{tmp_path}/m/", "the nearest folder that exists"
        await press(app, pilot, "escape")
        await type_text(app, pilot, "m/image_base64_t")
        await settle(app, pilot)
        await press(app, pilot, "enter")
        assert app.session.handles == ("image_base64_tf2",)
        await press(app, pilot, "o", *"zzz", "enter")
        assert app.session.handles == ("image_base64_tf2",) and app.screen.query_one(Chooser).line.has_focus
        await press(app, pilot, "escape", "o", "down", "down", "down", "enter")
        assert app.session.handles == ("image_base64_tf2", "digits_tf2")

    async def second(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        chooser = app.screen.query_one(Chooser)
        assert chooser.entries.entry is not None
        assert chooser.entries.entry.path == sample_models / "digits_tf2"
        await press(app, pilot, "x", "escape")
        assert chooser.line.value == "" and app.return_code is None
        await press(app, pilot, "escape")
        assert app.return_code == 0

    drive(first, state=tmp_path)
    drive(second, state=tmp_path)


def test_a_model_that_does_not_open_says_why_and_what_next(sample_models: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        text = screen_text(app)
        assert "cannot be opened" in text and "r replaces this model" in text
        await press(app, pilot, "1", "r")
        app.screen.query_one(Chooser).line.value = str(sample_models / "digits")
        await press(app, pilot, "enter")
        assert app.session.handles == ("digits", "image_base64")
        assert app.session.complete

    drive(story, [tmp_path / "empty", sample_models / "image_base64"], state=tmp_path / "state")


def test_a_second_model_is_added_swapped_and_closed(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        assert pane(app).split == "beside", "one model has the width for list and detail"
        assert len(app.screen.query(Browse)) == 1
        await press(app, pilot, "o")
        app.screen.query_one(Chooser).line.value = str(sample_models / "digits")
        await press(app, pilot, "enter")
        assert app.session.handles == ("digits", "digits_2"), "the same model may be on both sides"
        assert pane(app, 1).display and pane(app, 1).rows.has_focus
        await press(app, pilot, "x")
        assert pane(app).handle == "digits_2"
        await press(app, pilot, "D")
        assert app.session.handles == ("digits_2",)
        await press(app, pilot, "u", "u")
        assert app.session.handles == ("digits", "digits_2")

    drive(story, [sample_models / "digits"], state=tmp_path)


def test_vim_keys_and_arrows_move_alike(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        rows = pane(app).rows
        at = rows.cursor
        await press(app, pilot, "j", "down", "k")
        assert rows.cursor == at + 1
        await press(app, pilot, "G")
        assert rows.cursor == rows.count() - 1
        await press(app, pilot, "g")
        assert rows.cursor == 0
        await press(app, pilot, "k")
        assert rows.cursor == 0
        await press(app, pilot, "j", "h")
        assert rows.row is not None and rows.row.open is False
        await press(app, pilot, "l")
        assert rows.row.text == "Signatures" and rows.row.open

    drive(story, [sample_models / "digits"], state=tmp_path)


def test_the_filter_narrows_as_it_is_typed_and_n_goes_on(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        rows = pane(app).rows
        await press(app, pilot, "slash", *"matmul")
        assert [rows.listing[i].text for i in range(rows.count())] == ["MatMul", "MatMul/ReadVariableOp"]
        await press(app, pilot, "down", "enter")
        assert rows.has_focus and row(app) == "MatMul/ReadVariableOp"
        await press(app, pilot, "escape")
        assert row(app) == "MatMul/ReadVariableOp" and rows.count() > 10, "the cursor stays on what was found"
        await press(app, pilot, "n")
        assert row(app) == "MatMul"
        await press(app, pilot, "N")
        assert row(app) == "MatMul/ReadVariableOp"
        await press(app, pilot, "slash", *"op:VarHandleOp")
        assert rows.count() == 2
        await press(app, pilot, "escape", "slash", *"zzzz")
        assert "nothing matches the filter" in screen_text(app)

    drive(story, [sample_models / "digits"], state=tmp_path)


def test_letters_that_come_at_once_are_the_filter_s(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await type_text(app, pilot, "/resize/Sq")
        await settle(app, pilot)
        rows = pane(app).rows
        assert [rows.listing[i].text for i in range(rows.count())] == ["resize/Squeeze"]
        assert app.screen is app.screen_stack[0], "no letter was taken for a key"

    drive(story, [sample_models / "image_base64"], state=tmp_path)


def test_links_are_followed_and_gone_back_from(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "enter")
        assert shown(app) == "pixels" and pane(app).details.has_focus and pane(app).in_detail
        await press(app, pilot, "tab", "enter")
        assert shown(app) == "pixels" and pane(app).details.detail.key[0] == "node"  # type: ignore[union-attr]
        await press(app, pilot, "tab", "enter")
        assert shown(app) == "resize/Squeeze"
        await press(app, pilot, "backspace")
        assert shown(app) == "pixels"
        await press(app, pilot, "backspace", "backspace")
        assert not pane(app).in_detail and pane(app).rows.has_focus
        assert row(app) == "pixels"

    drive(story, [sample_models / "image_base64", sample_models / "digits"], state=tmp_path)


def test_a_function_unfolds_and_its_places_can_be_copied(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        view = pane(app)
        assert view.viewer is not None
        key = next(key for key in view.viewer.places.of_function.values() if key)
        level = view.viewer.places.level(key)
        assert level is not None
        view.reveal(("node", key, next(iter(level.nodes))))
        await settle(app, pilot)
        assert view.rows.row is not None and view.rows.row.depth >= 2
        await press(app, pilot, "y")
        assert app.clipboard.startswith(key)

    drive(story, [sample_models / "digits_tf2"], state=tmp_path)


def test_the_mouse_does_it_too(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        rows = pane(app).rows
        await pilot.click(rows, offset=(12, 3))
        assert row(app) == "base64_input"
        await pilot.double_click(rows, offset=(12, 3))
        await settle(app, pilot)
        assert isinstance(app.focused, DetailView) and shown(app) == "base64_input"
        await press(app, pilot, "escape")
        await pilot.click(rows, offset=(rows.size.width - 2, 4))
        await settle(app, pilot)
        screen = app.screen
        assert isinstance(screen, WorkScreen) and screen.picked is not None
        other = pane(app, 1).rows
        await pilot.click(other, offset=(other.scrollable_content_region.width - 2, 3))
        await settle(app, pilot)
        assert [str(wire) for wire in app.session.plan.wires] == ["pixels=myInput"]

    drive(story, [sample_models / "image_base64", sample_models / "digits"], state=tmp_path)


def test_a_key_in_the_footer_can_be_clicked(sample_models: Path, tmp_path: Path) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        line = screen_text(app).splitlines()[-1]
        await pilot.click("Keys", offset=(line.index("Suggest") + 1, 0))
        await settle(app, pilot)
        assert "Compatible wires" in screen_text(app)
        await press(app, pilot, "escape")
        await pilot.click("Keys", offset=(line.index("Help") + 1, 0))
        await settle(app, pilot)
        assert "Every list" in screen_text(app) or "Keys" in screen_text(app)

    drive(story, [sample_models / "image_base64", sample_models / "digits"], state=tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("count", [100_000])
def test_a_hundred_thousand_nodes(count: int, tmp_path: Path) -> None:
    proto = schema.SavedModel(saved_model_schema_version=1)
    meta = proto.meta_graphs.add()
    meta.meta_info_def.tags.append("serve")
    for number in range(count):
        meta.graph_def.node.add(name=f"layer_{number // 100}/op_{number}", op="NoOp")
    folder = tmp_path / "big"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(proto.SerializeToString())

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        rows = pane(app).rows
        assert rows.count() == count // 100 + 3, "its scopes"
        await press(app, pilot, "F")
        assert rows.count() == count + 3
        await press(app, pilot, "G")
        assert row(app) == f"layer_{(count - 1) // 100}/op_{count - 1}"
        await press(app, pilot, "slash", *"op_77777")
        await until(pilot, lambda: rows.count() < 100)
        assert row(app) == "layer_777/op_77777"

    drive(story, [folder], state=tmp_path)


def test_names_from_models_are_text(tmp_path: Path) -> None:
    proto = schema.SavedModel(saved_model_schema_version=1)
    meta = proto.meta_graphs.add()
    meta.meta_info_def.tags.append("serve")
    meta.graph_def.node.add(name="[bold red]x[/]\x1b[2J", op="NoOp[/]")
    signature = meta.signature_def["[@click=app.quit]s"]
    signature.inputs["[link]"].name = "x:0"
    folder = tmp_path / "[red]model"
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(proto.SerializeToString())

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        text = screen_text(app)
        assert "[bold red]x[/]\\x1b[2J" in text and "[@click=app.quit]s" in text and "\x1b" not in text
        pane(app).reveal(("node", "", "[bold red]x[/]\x1b[2J"))
        await settle(app, pilot)
        await press(app, pilot, "enter")
        assert "[bold red]x[/]" in screen_text(app)

    drive(story, [folder], state=tmp_path)


@pytest.mark.parametrize("kind", plainly(["escapes", "lines", "right to left", "unseen", "long"], "escapes"))
def test_no_name_writes_to_the_terminal(kind: str, tmp_path: Path) -> None:
    """One name wherever a name can be: in rows, details, the search, messages."""
    folder = model(tmp_path / "m", NAMES[kind])

    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        await press(app, pilot, "asterisk")
        for key in (
            "down",
            "enter",
            "down",
            "down",
            "enter",
            "down",
            "enter",
            "end",
            "enter",
            "slash",
            "n",
            "enter",
        ):
            await press(app, pilot, key)
            found = CONTROL.search(screen_text(app).replace("\n", ""))
            assert found is None, (key, found)

    drive(story, [folder], state=tmp_path)


def test_the_detail_beside_the_list_is_always_of_the_row_under_the_cursor(
    sample_models: Path, tmp_path: Path
) -> None:
    async def story(app: WorkbenchApp, pilot: Pilot[int]) -> None:
        view = pane(app)
        assert view.split == "beside"
        for text, expected in (
            ("/softmax", "softmax/bias"),
            ("/w", "softmax/weights"),
            ("zzz", None),
            ("", "Signatures"),
        ):
            if text:
                await type_text(app, pilot, text)
            else:
                await press(app, pilot, "escape", "down")
            await settle(app, pilot)
            assert (view.rows.row and view.rows.row.text) == expected
            detail = view.details.detail
            assert (detail and detail.key) == (view.rows.row and view.rows.row.key), text

    drive(story, [sample_models / "digits"], state=tmp_path, size=(140, 40))
