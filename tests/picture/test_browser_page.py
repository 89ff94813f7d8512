"""The HTML page around the picture, in a real browser: help, search as a list box, PNG, paper, narrow screens."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

import workbench as wb
from tests.picture.chromium import IN_BROWSER, Page
from tests.picture.graphs import chain
from tests.picture.test_browser import BLOCKS, LAYOUT, SELECT_ALL, number, write
from tests.picture.test_hostile_names import scene
from tests.sampling import plainly
from workbench.picture.render.html import to_html
from workbench.picture.scene.scene import Edge, Node, Scene

pytestmark = IN_BROWSER
DIGITS = wb.sample_models() / "digits"
FOCUS = "document.activeElement.id || document.activeElement.tagName"


def test_help_has_the_focus_and_gives_it_back_and_a_selected_box_is_explained(
    page: Page, tmp_path: Path
) -> None:
    page.open(write(tmp_path / "p.html", wb.draw(DIGITS, format="html")))
    page.run("document.getElementById('canvas').focus()")
    page.press("?", text="?")
    assert page.run(FOCUS) == "keys" and not page.run("document.getElementById('keys').hidden")
    said = page.run("document.getElementById('keys').textContent")
    for words in (
        "Arrow keys",
        "save all that is open as a PNG",
        "Signs",
        "arithmetic",
        "folded into the ops",
    ):
        assert words in said
    page.press("Escape")
    assert page.run("document.getElementById('keys').hidden") and page.run(FOCUS) == "canvas"
    page.run(f"picture.select({number(page, 'MatMul')})")
    said = page.run("document.getElementById('detail').textContent")
    assert "It multiplies the matrices a and b." in said and "leaves it open" in said
    assert page.run("[...document.querySelectorAll('#detail code')].map(one => one.textContent)")[:2] == [
        "a",
        "b",
    ]


def test_sentences_are_texts(page: Page, tmp_path: Path) -> None:
    nasty = "`</script><img src=x onerror=window.owned=1>` & \u202e <b>"
    text = to_html(scene(), first=1000, about=lambda _: (nasty, nasty))
    page.open(write(tmp_path / "p.html", text))
    page.run("picture.all(true)")
    page.run(SELECT_ALL)
    page.run("picture.select(picture.items.length - 1)")
    page.frame()
    assert page.run("window.owned") is None and page.log == []
    assert page.run("document.querySelectorAll('#detail img, #detail b').length") == 0


def test_search_is_a_list_box(page: Page, tmp_path: Path) -> None:
    page.open(write(tmp_path / "p.html", chain(300, BLOCKS)))
    page.run("document.getElementById('canvas').focus()")
    page.press("/", text="")
    page.write("Relu_29")
    field = "document.getElementById('search').getAttribute('{}')"
    assert page.run(field.format("aria-expanded")) == "true"
    first = page.run(field.format("aria-activedescendant"))
    page.press("ArrowDown")
    second = page.run(field.format("aria-activedescendant"))
    assert first == "hit-0" and second == "hit-1"
    assert page.run("document.querySelector('#hits [aria-selected=true]').id") == second
    page.press("Escape")
    assert page.run(field.format("aria-expanded")) == "false" and page.run(FOCUS) == "canvas"


def test_a_png_has_all_that_is_open(page: Page, tmp_path: Path) -> None:
    page.open(write(tmp_path / "p.html", chain(300, BLOCKS)), size=(800, 500))
    page.run("picture.all(true)")
    before = page.run("picture.view")
    size = page.run("(paper => [paper.width, paper.height])(picture.paintWhole(2))")
    whole = page.run("[picture.items[0].w, picture.items[0].h]")
    assert max(size) == 8000 and size[1] / size[0] == pytest.approx(
        (whole[1] + 48) / (whole[0] + 48), rel=0.02
    )
    page.run("picture.all(false)")
    small = page.run("(paper => [paper.width, paper.height])(picture.paintWhole(2))")
    root = page.run("[picture.items[0].w, picture.items[0].h]")
    assert small == pytest.approx([2 * (side + 48) for side in root], abs=1)
    page.run("picture.all(true)")
    assert page.run("picture.view") == before and page.log == []
    page.run("document.getElementById('canvas').focus()")
    page.press("s")
    assert page.log == []


def test_paper_is_light_and_has_the_whole_picture(page: Page, tmp_path: Path) -> None:
    page.open(write(tmp_path / "p.html", wb.draw(DIGITS, format="html")), dark=True)
    page.run(
        "window.onbeforeprint = () => { window.printed = [document.documentElement.dataset.theme,"
        " document.getElementById('paper').width] }"
    )
    pdf = base64.b64decode(page.send("Page.printToPDF", printBackground=True)["data"])
    theme, width = page.run("window.printed")
    assert theme == "light" and width > 500 and pdf.startswith(b"%PDF")
    assert page.run("document.getElementById('paper')") is None
    assert page.run("document.documentElement.dataset.theme") == "auto" and page.log == []


@pytest.mark.parametrize(("width", "height"), plainly([(360, 640), (1280, 720), (1920, 1080)], (360, 640)))
def test_everything_fits_the_screen(width: int, height: int, page: Page, tmp_path: Path) -> None:
    size = width, height
    page.open(write(tmp_path / "p.html", wb.draw(DIGITS, format="html")), size=size)
    page.run(f"picture.select({number(page, 'MatMul')})")
    page.run("document.getElementById('canvas').focus()")
    page.press("c")
    assert page.run("document.documentElement.scrollWidth") <= size[0]
    for id in ("search", "help", "detail", "legend"):
        left, top, right, bottom = page.run(
            f"(r => [r.left, r.top, r.right, r.bottom])(document.getElementById('{id}').getBoundingClientRect())"
        )
        assert 0 <= left < right <= size[0] + 1 and 0 <= top < bottom <= size[1] + 1, id
    x, y, _, _ = page.run("picture.screen(picture.selected)")
    pane = page.run("(r => [r.left, r.top])(document.getElementById('detail').getBoundingClientRect())")
    top = page.run("document.getElementById('canvas').getBoundingClientRect().top")
    assert x < pane[0] or y + top < pane[1]  # the box is not under its details


def test_a_label_does_not_lie_over_a_box(page: Page, tmp_path: Path) -> None:
    """What closes a loop leaves its box at the top: its label stands above it."""
    nodes = (Node("a", "Merge", op="Merge"), Node("b", "NextIteration", op="NextIteration"))
    made = Scene(nodes, (Edge("a", "b", "float32 [?,4]"), Edge("b", "a", "float32 [?,4]")))
    page.open(write(tmp_path / "p.html", made))
    assert page.run(LAYOUT) == []
    back = page.run("picture.items[0].level.lines.find(line => line.back).points[0]")
    box = page.run(f"(box => [box.x, box.y])(picture.items[{number(page, 'NextIteration')}])")
    assert back[1] == pytest.approx(box[1], abs=1)
