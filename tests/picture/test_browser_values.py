"""Values of a run over an HTML picture, in a real browser: what is drawn, what a click and the keys show."""

from __future__ import annotations

from pathlib import Path

import workbench as wb
from tests.picture.chromium import IN_BROWSER, Page
from tests.picture.test_browser import canvas_point, colours, number, rgb
from workbench.model import open_model
from workbench.picture.drawing import Drawing
from workbench.picture.render.colours import MAGNITUDES, NOT_FINITE
from workbench.picture.render.html import to_html
from workbench.picture.scene.scene import Edge, Node, Scene
from workbench.picture.values import STEPS, Image, TensorValue, ValueLayer

pytestmark = IN_BROWSER
SIZE = (1000, 700)
DIGITS = wb.sample_models() / "digits"


def write(path: Path, *values: TensorValue, scene: Scene | None = None) -> Path:
    found = scene or Drawing().scene(open_model(DIGITS).meta, whole=True)
    layer = ValueLayer(values, "serving_default", ("Input 'x' was made: ones.",))
    path.write_text(to_html(found, title="digits", first=1000, values=layer), encoding="utf-8")
    return path


def value(address: str, most: float, **more: object) -> TensorValue:
    return TensorValue(address, "float32", (1, 10), 0.0, most, most / 2, **more)  # type: ignore[arg-type]


def face(page: Page, title: str) -> dict[str, str]:
    return page.run(f"picture.face({number(page, title)})")


def test_colours_by_magnitude_with_a_legend(page: Page, tmp_path: Path) -> None:
    path = write(
        tmp_path / "p.html", value("MatMul:0", 100.0), value("add:0", 0.01), value("#out#myOutput", 1.0)
    )
    for dark in (False, True):
        page.open(path, size=SIZE, dark=dark)
        assert face(page, "MatMul") == {"ground": f"m{STEPS - 1}", "ink": "title", "line": "0 … 100"}
        assert face(page, "AddV2")["ground"] == "m1" and face(page, "myOutput")["ground"] == "m4"
        assert page.run(f"picture.face({number(page, 'Softmax')})") is None
        seen, _ = colours(page)
        for step in (1, 4, STEPS - 1):
            assert rgb(MAGNITUDES[step][dark]) in seen
        legend = page.run("document.getElementById('legend').textContent")
        assert "0.01" in legend and "100" in legend and "NaN" in legend
        assert page.log == []
    assert page.run("document.querySelectorAll('.scale i').length") == STEPS


def test_what_is_not_finite_has_a_sign_and_a_colour(page: Page, tmp_path: Path) -> None:
    path = write(tmp_path / "p.html", value("MatMul:0", 1.0), value("add:0", 1.0, nans=3, below=1))
    page.open(path, size=SIZE)
    assert face(page, "AddV2") == {"ground": "not-finite", "ink": "on-not-finite", "line": "✖ 3 NaN, 1 -Inf"}
    assert rgb(NOT_FINITE[0]) in colours(page)[0]
    assert page.run("document.getElementById('bad').textContent") == "✖ NaN or Inf: 1"
    page.run("document.getElementById('canvas').focus()")
    page.press("x")
    assert page.run("picture.selected") == number(page, "AddV2")
    assert "3 NaN, 1 -Inf" in page.run("document.getElementById('detail').textContent")


def test_a_click_shows_the_value_and_a_key_hides_all(page: Page, tmp_path: Path) -> None:
    shade = Image(2, 1, 1, bytes([0, 255]))
    tensor = value("myOutput:0", 0.5, histogram=(9, 0, 1), first=("0", "0.5"), images=(shade,))
    page.open(write(tmp_path / "p.html", tensor, value("MatMul:0", 1.0)), size=SIZE)
    at = number(page, "Softmax")
    x, y, w, h = page.run(f"picture.screen({at})")
    page.click(*canvas_point(page, x + w / 2, y + h / 2))
    said = page.run("document.getElementById('detail').textContent")
    for words in ("Value", "sizefloat32 [1,10]", "min0", "max0.5", "mean0.25", "0  0.5"):
        assert words in said
    assert page.run("document.querySelector('canvas.histogram').getAttribute('aria-label')").endswith(
        "9, 0, 1"
    )
    pixels = page.run(
        "[...document.querySelector('.images canvas').getContext('2d').getImageData(0, 0, 2, 1).data]"
    )
    assert pixels == [0, 0, 0, 255, 255, 255, 255, 255]
    page.press("Escape")
    tall = page.run(f"picture.items[{number(page, 'MatMul')}].h")
    page.run("document.getElementById('canvas').focus()")
    page.press("v")
    assert page.run(f"picture.face({number(page, 'MatMul')})") is None
    assert page.run(f"picture.items[{number(page, 'MatMul')}].h") < tall
    assert page.run("document.getElementById('values').getAttribute('aria-pressed')") == "false"
    assert "|value|" not in page.run("document.getElementById('legend').textContent")
    page.press("v")
    assert face(page, "MatMul")["ground"] == f"m{STEPS - 1}" and page.log == []


def test_a_closed_group_has_the_largest_of_what_is_inside(page: Page, tmp_path: Path) -> None:
    nodes = (
        Node("x", "x", kind="input", path="x"),
        *(Node(f"s/{name}", "Relu", name, path=f"s/{name}", inside=("s/",), op="Relu") for name in "abc"),
    )
    edges = (Edge("x", "s/a"), Edge("s/a", "s/b"), Edge("s/b", "s/c"))
    made = Scene(nodes, edges, scopes=(("s/", "s"),))
    path = write(tmp_path / "p.html", value("s/a:0", 0.1), value("s/b:0", 7.0), value("x:0", 0.1), scene=made)
    page.open(path, size=SIZE)
    page.run("picture.all(false)")
    assert face(page, "s") == {"ground": f"m{STEPS - 1}", "ink": "title", "line": "|value| ≤ 7"}
    path = write(tmp_path / "p.html", value("s/a:0", 0.1), value("s/c:0", 7.0, above=2), scene=made)
    page.open(path, size=SIZE)
    page.run("picture.all(false)")
    assert face(page, "s")["line"] == "✖ NaN or Inf in 1 box"


def test_texts_from_a_model_stay_texts(page: Page, tmp_path: Path) -> None:
    nasty = "</script><script>window.owned = 1</script>\u2028\u202e'\"<img src=x onerror=window.owned=2>"
    tensor = TensorValue("MatMul:0", "string", (1,), first=(nasty,))
    page.open(write(tmp_path / "p.html", tensor), size=SIZE)
    page.run(f"picture.select({number(page, 'MatMul')})")
    said = page.run("document.querySelector('p.first').textContent")
    assert "</script><script>" in said and "\u202e" not in said and "\u2028" not in said
    assert page.run("window.owned") is None and page.log == []
