"""HTML pictures in a real browser: what is seen, what mouse and keys do, what no name can do."""

from __future__ import annotations

import functools
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import workbench as wb
from tests.cli.tools import call
from tests.picture.chromium import IN_BROWSER, Page
from tests.picture.graphs import chain, hub
from tests.picture.test_hostile_names import HOSTILE, REAL, scene
from tests.picture.test_hostile_names import model as hostile  # noqa: F401
from tests.sampling import plainly
from workbench.model.meta import MetaGraph
from workbench.picture.drawing import Drawing
from workbench.picture.render.colours import BACKGROUNDS
from workbench.picture.render.html import to_html
from workbench.picture.scene.scene import Edge, Frame, Node, Scene

pytestmark = IN_BROWSER
SAMPLES = wb.sample_models()
SIZE = (1000, 700)
BLOCKS = "block_{0}/part_{1}/"


def write(path: Path, made: str | MetaGraph | Scene) -> Path:
    if isinstance(made, MetaGraph):
        drawing = Drawing()
        made = drawing.text(drawing.scene(made, whole=True), "html", "a graph")
    elif isinstance(made, Scene):
        made = to_html(made, title="a scene", first=1000)
    path.write_text(made, encoding="utf-8")
    return path


def titles(page: Page, which: str = "picture.visible") -> list[str]:
    return page.run(f"{which}.map(at => picture.items[at].title)")


def number(page: Page, title: str) -> int:
    found = page.run(f"picture.items.findIndex(item => item.title === {title!r})")
    assert found > 0
    return found


def canvas_point(page: Page, x: float, y: float) -> tuple[float, float]:
    left, top = page.run("(r => [r.left, r.top])(document.getElementById('canvas').getBoundingClientRect())")
    return left + x, top + y


def colours(page: Page) -> tuple[set[tuple[int, ...]], tuple[int, ...]]:
    """The colours of the page, and that of the empty paper."""
    image = Image.open(io.BytesIO(page.picture())).convert("RGB")
    x, y = canvas_point(page, 8, 40)
    paper = image.getpixel((int(x), int(y)))
    assert isinstance(paper, tuple)
    return {colour for _, colour in image.getcolors(image.width * image.height) or []}, paper  # type: ignore[misc]


def rgb(text: str) -> tuple[int, ...]:
    return tuple(int(text[at : at + 2], 16) for at in (1, 3, 5))


def test_it_opens_light_and_dark_without_a_complaint_or_a_request(page: Page, tmp_path: Path) -> None:
    target = write(tmp_path / "p.html", wb.draw(SAMPLES / "digits", format="html"))
    for dark in (False, True):
        page.open(target, size=SIZE, dark=dark)
        assert titles(page) == ["myInput", "MatMul", "AddV2", "Softmax", "myOutput"]
        assert page.run("picture.drawn") == 5
        seen, paper = colours(page)
        assert paper == rgb(BACKGROUNDS["paper"][dark])
        assert rgb(BACKGROUNDS["end"][dark]) in seen and len(seen) > 20
        assert page.requests == [target.as_uri()] and page.log == []
    page.run("document.getElementById('canvas').focus()")
    page.press("t")
    assert colours(page)[1] == rgb(BACKGROUNDS["paper"][0])


def test_a_click_shows_shapes_attributes_and_place_and_arrow_keys_walk_along_the_flow(
    page: Page, tmp_path: Path
) -> None:
    page.open(write(tmp_path / "p.html", wb.draw(SAMPLES / "digits", format="html")), size=SIZE)
    at = number(page, "MatMul")
    x, y, w, h = page.run(f"picture.screen({at})")
    page.click(*canvas_point(page, x + w / 2, y + h / 2))
    assert page.run("picture.selected") == at
    said = page.run("document.getElementById('detail').textContent")
    for words in (
        "MatMul",
        "output 0float32 [?,10]",
        "Reads from (1)",
        "weights float32 [784,10]",
        "arithmetic",
    ):
        assert words in said
    assert "MatMul" in page.run("document.getElementById('said').textContent")
    page.press("Escape")
    assert page.run("picture.selected") == -1 and page.run("document.getElementById('detail').hidden")
    page.run(f"picture.select({number(page, 'myInput')}); document.getElementById('canvas').focus()")
    walked = []
    for _ in range(4):
        page.press("ArrowDown")
        walked.append(page.run("picture.items[picture.selected].title"))
    assert walked == ["MatMul", "AddV2", "Softmax", "myOutput"]


def test_wheel_drag_buttons_and_two_fingers(page: Page, tmp_path: Path) -> None:
    page.open(write(tmp_path / "p.html", wb.draw(SAMPLES / "digits", format="html")), size=SIZE)
    before = page.run("picture.view")
    x, y = 300.0, 200.0
    page.mouse("mouseWheel", *canvas_point(page, x, y), deltaX=0, deltaY=-240)
    page.frame()
    after = page.run("picture.view")
    assert after["zoom"] > before["zoom"]
    for axis, held in (("x", x), ("y", y)):  # what is under the pointer stays there
        assert before[axis] + held / before["zoom"] == pytest.approx(
            after[axis] + held / after["zoom"], abs=0.5
        )
    page.drag([canvas_point(page, *point) for point in ((100, 100), (130, 120), (180, 160))])
    moved = page.run("picture.view")
    assert (after["x"] - moved["x"]) * after["zoom"] == pytest.approx(80, abs=1)
    assert page.run("picture.selected") == -1  # a drag is no click
    page.run("document.getElementById('less').click()")
    assert page.run("picture.view")["zoom"] < moved["zoom"]
    page.run("document.getElementById('fit').click()")
    assert page.run("picture.view") == before
    for kind, apart in (("touchStart", 50), ("touchMove", 60), ("touchMove", 120)):
        points = [canvas_point(page, 400 - apart, 300), canvas_point(page, 400 + apart, 300)]
        touches = [{"x": x, "y": y, "id": at} for at, (x, y) in enumerate(points)]
        page.send("Input.dispatchTouchEvent", type=kind, touchPoints=touches)
    page.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    assert page.run("picture.view.zoom") > before["zoom"] * 1.5


@functools.cache
def long_chain() -> str:
    """A page with a chain of a thousand nodes, in scopes that are closed at first."""
    drawing = Drawing()
    return drawing.text(drawing.scene(chain(1000, BLOCKS), whole=True), "html", "a chain")


def test_search_opens_what_it_found_and_scopes_open_and_close(page: Page, tmp_path: Path) -> None:
    page.open(write(tmp_path / "p.html", long_chain()), size=SIZE)
    hidden = "Relu_717"
    assert not [one for one in page.run("picture.visible.map(at => picture.items[at].path)") if hidden in one]
    page.run("document.getElementById('canvas').focus()")
    page.press("/", text="")
    assert page.run("document.activeElement.id") == "search"
    page.write(hidden.lower())
    assert page.run("document.querySelectorAll('#hits li').length") == 1
    page.press("Enter")
    assert page.run("picture.items[picture.selected].path").endswith(hidden)
    x, y, *_ = page.run("picture.screen(picture.selected)")
    assert 0 < x < SIZE[0] and 0 < y < SIZE[1]
    _scopes_open_and_close_where_they_are(page, number(page, "block_7"))


def _scopes_open_and_close_where_they_are(page: Page, at: int) -> None:
    page.run(f"picture.reveal({at})")
    page.run(f"picture.items[{at}].open && picture.toggle({at})")
    page.frame()
    closed = titles(page)
    assert "block_7" in closed
    page.run(f"picture.select({at}); document.getElementById('canvas').focus()")
    page.press("c")
    x, y, w, _ = page.run(f"picture.screen({at})")
    page.click(*canvas_point(page, x + w - 12, y + 10))  # on its +
    assert page.run(f"picture.items[{at}].open")
    assert len(titles(page)) > len(closed) and "block_7" not in titles(page)
    x, y, *_ = page.run(f"picture.screen({at})")
    page.click(*canvas_point(page, x + 12, y + 10))  # on its minus
    assert titles(page) == closed
    page.press("Enter")
    assert page.run(f"picture.items[{at}].open")
    page.press("ArrowDown")
    assert page.run("picture.selected") != at
    page.press("Backspace")
    assert page.run("picture.selected") == at or titles(page) != closed


def loop() -> Scene:
    """A loop with two bodies, an edge past it, a cycle and a hub."""
    inside = ("w",)
    nodes = [
        Node("x", "x", kind="input"),
        Node("a", "Add", frame="w[body]", inside=inside, op="Add"),
        Node("b", "Mul", frame="w[body]", inside=inside, op="Mul"),
        Node("c", "Less", frame="w[cond]", inside=inside, op="Less"),
        Node("y", "y", kind="output"),
        Node("merge", "Merge", op="Merge"),
        Node("next", "NextIteration", op="NextIteration"),
        *(Node(f"h{at}", "Relu", str(at), op="Relu") for at in range(12)),
        Node("sum", "AddN", op="AddN"),
    ]
    frames = (
        Frame("w", "While  loop", "w"),
        Frame("w[body]", "body", "w", inside=inside, frame="w"),
        Frame("w[cond]", "cond", "w", inside=inside, frame="w"),
    )
    edges = [
        Edge("x", "w", "float32 [?,4]"), Edge("w", "y"), Edge("x", "y", control=True), Edge("a", "b"),
        Edge("x", "merge"), Edge("merge", "next"), Edge("next", "merge"), Edge("merge", "y"),
        *(Edge("x", f"h{at}") for at in range(12)), *(Edge(f"h{at}", "sum") for at in range(12)), Edge("sum", "y"),
    ]  # fmt: skip
    return Scene(tuple(nodes), tuple(edges), frames=frames)


LAYOUT = """(() => {
  const faults = [], near = (a, b) => Math.abs(a - b) < 1.5;
  for (const group of picture.items) {
    if (!group.level) continue;
    const boxes = group.level.boxes.map(at => picture.items[at]);
    for (const box of boxes) {
      if (group.at && (box.x < group.x || box.y < group.y + 26 || box.x + box.w > group.x + group.w + 1
          || box.y + box.h > group.y + group.h + 1)) faults.push(`${box.title} sticks out of ${group.title}`);
      for (const other of boxes) if (box !== other && box.x < other.x + other.w && other.x < box.x + box.w
          && box.y < other.y + other.h && other.y < box.y + box.h) faults.push(`${box.title} is over ${other.title}`);
    }
    for (const line of group.level.lines) {
      const first = line.points[0], last = line.points[line.points.length - 1];
      for (const [end, [x, y]] of [[line.u, first], [line.v, last]]) {
        if (typeof end !== "number") continue;
        const box = picture.items[end];
        if (!(near(y, box.y) || near(y, box.y + box.h)) || x < box.x - 1 || x > box.x + box.w + 1)
          faults.push(`a line ends beside ${box.title}`);
      }
    }
  }
  return faults;
})()"""


SELECT_ALL = "picture.items.forEach((_, at) => at && picture.select(at)); picture.select(-1)"


@pytest.mark.parametrize("name", plainly(["loop", "chain", "hub", "join", "hostile"], "loop", "chain"))
def test_boxes_are_apart_and_lines_end_at_them(name: str, page: Page, tmp_path: Path) -> None:
    made: Any = {
        "loop": loop,
        "chain": lambda: chain(200, BLOCKS),
        "hub": lambda: hub(100),
        "join": lambda: wb.draw(
            wb.Plan.join(img=SAMPLES / "image_base64", net=SAMPLES / "digits", wires=["pixels=myInput"]),
            format="html",
        ),
        "hostile": scene,
    }[name]()
    page.open(write(tmp_path / "p.html", made), size=SIZE)
    page.run("picture.all(true)")
    page.frame()
    assert page.run(LAYOUT) == []
    assert page.run("picture.visible.length") == page.run("picture.items.filter(item => !item.group).length")
    page.run("picture.all(false)")
    page.frame()
    assert page.run(LAYOUT) == [] and page.log == []


def test_names_stay_names(
    page: Page,
    hostile: Path,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = tmp_path / "p.html"
    assert call(capsys, "draw", hostile, "--signature", REAL[0], "-o", target).code == 0
    for one in (target, write(tmp_path / "q.html", to_html(scene(), title=HOSTILE[1]))):
        page.open(one, size=SIZE)
        page.run("picture.all(true)")
        everything = page.run("document.getElementsByTagName('*').length")
        page.run(SELECT_ALL)
        page.frame()
        page.run("document.getElementById('search').value = 'script'; picture.search()")
        assert page.run("document.querySelectorAll('#hits li').length") > 0
        page.run("document.getElementById('search').value = ''; picture.search()")
        assert page.run("document.getElementsByTagName('*').length") == everything
        assert page.run("document.querySelectorAll('img, iframe, object').length") == 0
        assert page.run("document.querySelectorAll('script').length") == 2
        assert page.log == [] and page.requests == [one.as_uri()]


def test_the_policy_refuses_any_other_script(page: Page, tmp_path: Path) -> None:
    page.open(write(tmp_path / "p.html", wb.draw(SAMPLES / "digits", format="html")), size=SIZE)
    page.run(
        """(() => { const one = document.createElement("script"); one.textContent = "window.owned = 1";
        document.body.append(one); const two = document.createElement("div");
        two.innerHTML = '<img src=x onerror="window.owned = 2">'; document.body.append(two); })()"""
    )
    page.frame()
    assert page.run("window.owned") is None
    assert "Content Security Policy" in str(page.log)
    assert page.blocked == ["csp"]


_FRAMES = """new Promise(done => { let count = 0; const began = performance.now();
  const step = () => { count++; MOVE; performance.now() - began > 700 ? done(count) : requestAnimationFrame(step) };
  requestAnimationFrame(step) })"""


def test_what_is_in_sight_is_painted(page: Page, tmp_path: Path) -> None:
    page.open(write(tmp_path / "p.html", long_chain()), size=SIZE)
    assert page.run("picture.drawn") <= 80
    page.run("picture.all(true)")
    assert page.run("picture.visible.length") == 1_002
    page.run("picture.select(picture.visible[500]); document.getElementById('canvas').focus()")
    page.run("picture.zoomAt(100)")
    page.press("c")
    assert 0 < page.run("picture.drawn") < 60


@pytest.mark.exhaustive
def test_ten_thousand_nodes(page: Page, tmp_path: Path) -> None:
    """Panning paints what is in sight; a page of as many rectangles in SVG is the measure."""
    rects = "".join(
        f'<rect x="{at % 100 * 110}" y="{at // 100 * 50}" width="90" height="30" fill="#fff" stroke="#333"/>'
        for at in range(10_000)
    )
    bare = tmp_path / "bare.html"
    bare.write_text(
        f'<!DOCTYPE html><svg id="s" width="1000" height="700" viewBox="0 0 11000 5000">{rects}</svg>'
    )
    page.open(bare, size=SIZE)
    measure = page.run(
        _FRAMES.replace(
            "MOVE", "document.getElementById('s').setAttribute('viewBox', `${count * 9} 0 11000 5000`)"
        )
    )
    page.open(write(tmp_path / "p.html", chain(10_000, BLOCKS)), size=SIZE)
    assert page.run("picture.drawn") <= 80
    page.run("picture.all(true)")
    assert page.run("picture.visible.length") == 10_002
    assert page.run(_FRAMES.replace("MOVE", "picture.pan(count % 20 < 10 ? 9 : -9, 0)")) >= measure / 2
