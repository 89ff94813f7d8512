"""The canvas: what is drawn, that tiles make no difference, what is under the mouse, where the arrow keys go."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.picture.graphs import hub
from tests.picture.test_layout import scene_of
from workbench.model import open_model
from workbench.picture.layout.layout import lay_out
from workbench.picture.render.canvas import Canvas, split_style
from workbench.picture.render.glyphs import DOWN, LEFT, RIGHT, UP, line_glyph
from workbench.picture.scene.build import build_scene
from workbench.picture.scene.scene import Edge, Frame, Node, Scene

DIGITS = """\
     ╭─ ▷ input ───────╮
     │ myInput         │
     │ float32 [?,784] │
     ╰────────┬────────╯
              │ float32 [?,784]
              ▼
╭─ ± ──────────────────────╮
│ MatMul                   │
│ weights float32 [784,10] │
╰────────────┬─────────────╯
             │ float32 [?,10]
             ▼
    ╭─ ± ───────────────╮
    │ AddV2             │
    │ bias float32 [10] │
    ╰─────────┬─────────╯
              │ float32 [?,10]
              ▼
        ╭─ ± ──────╮
        │ Softmax  │
        │ myOutput │
        ╰────┬─────╯
             │ float32 [?,10]
             ▼
     ╭─ ▷ output ─────╮
     │ myOutput       │
     │ float32 [?,10] │
     ╰────────────────╯"""


@pytest.fixture(scope="module")
def digits(sample_models: Path) -> Scene:
    return build_scene(open_model(sample_models / "digits").meta)


@pytest.fixture(scope="module")
def merged() -> Scene:
    nodes = (
        Node("a", "Decode", owner="img"),
        Node("b", "Scale", owner="img"),
        Node("c", "Identity", "pixels", owner="net", seam=True),
        Node("d", "MatMul", owner="net", count=3, kind="scope", opens="d"),
    )
    edges = (
        Edge("a", "b"),
        Edge("b", "c", "float32 [?]", seam=True),
        Edge("c", "d"),
        Edge("a", "d", control=True),
    )
    return Scene(nodes, edges, owners=("img", "net"))


def test_the_digits_model(digits: Scene) -> None:
    assert Canvas(lay_out(digits)).text() == DIGITS


def test_ascii_is_ascii(digits: Scene, merged: Scene) -> None:
    for scene in (digits, merged):
        canvas = Canvas(lay_out(scene), "ascii")
        assert canvas.text().isascii()
        assert all(text.isascii() for text, _ in canvas.legend())
    assert "+- I input -------+" in Canvas(lay_out(digits), "ascii").text()


def test_owners_have_marks_and_the_seam_is_heavy(merged: Scene) -> None:
    canvas = Canvas(lay_out(merged))
    text = canvas.text()
    assert "● Decode" in text and "▲ MatMul" in text
    assert "┏━ boundary" in text and "┃" in text
    styles = {style for row in canvas.rows(0, 0, canvas.width, canvas.height) for _, style in row}
    assert {"border@0", "border@1", "mark@0", "mark@1", "seam", "edge@0"} <= styles
    assert "control" in {split_style(style)[0] for style in styles}
    legend = "".join(piece for piece, _ in canvas.legend())
    assert "● img" in legend and "▲ net" in legend and "boundary" in legend
    assert " + " in text  # a box that opens


def test_one_model_has_no_marks(digits: Scene) -> None:
    canvas = Canvas(lay_out(digits))
    assert "●" not in canvas.text()
    said = "".join(text for text, _ in canvas.legend())
    assert said == "▷ input or output   ± arithmetic"


def test_every_rectangle_shows_the_same_cells() -> None:
    canvas = Canvas(lay_out(build_scene(hub(40), max_boxes=200)))
    whole = canvas.rows(0, 0, canvas.width, canvas.height)
    flat = ["".join(text for text, _ in row) for row in whole]
    assert all(len(row) == canvas.width for row in flat)
    for x, y, width, height in (
        (0, 0, 10, 5),
        (60, 30, 9, 4),
        (canvas.width - 5, canvas.height - 3, 20, 10),
        (-7, -2, 30, 6),
    ):
        for at, row in enumerate(canvas.rows(x, y, width, height), y):
            text = "".join(piece for piece, _ in row)
            assert len(text) == width
            line = flat[at] if 0 <= at < canvas.height else ""
            expected = "".join(
                line[column] if 0 <= column < len(line) else " " for column in range(x, x + width)
            )
            assert text == expected


def test_the_box_under_the_mouse(digits: Scene) -> None:
    layout = lay_out(digits)
    canvas = Canvas(layout)
    for box in layout.boxes:
        assert canvas.hit(box.x, box.y) == canvas.hit(box.x + box.w - 1, box.y + box.h - 1) == box.id
        assert canvas.hit(box.x + box.w // 2, box.y + 1) == box.id
    assert canvas.hit(0, 0) is None
    assert canvas.hit(-1, -1) is None and canvas.hit(10_000, 10_000) is None


def test_a_frame_is_hit_at_its_border() -> None:
    scene = Scene((Node("a", "Add", frame="f"),), (), frames=(Frame("f", "While  loop", "f"),))
    canvas = Canvas(lay_out(scene))
    frame, inner = canvas.box("f"), canvas.box("a")
    assert frame is not None and inner is not None
    assert canvas.hit(frame.x + 3, frame.y) == "f"
    assert canvas.hit(frame.x + 1, frame.y + 1) is None
    assert canvas.hit(inner.x, inner.y) == "a"
    assert "While  loop" in canvas.text()


def test_the_selected_box_stands_out_without_colour(digits: Scene) -> None:
    canvas = Canvas(lay_out(digits))
    plain = canvas.text()
    canvas.select("MatMul")
    selected = canvas.text()
    assert "╔" in selected and "╔" not in plain
    styles = {style for row in canvas.rows(0, 0, canvas.width, canvas.height) for _, style in row}
    assert {"border!", "title!", "edge!"} <= styles
    canvas.select(None)
    assert canvas.text() == plain
    canvas.select("no such box")
    assert canvas.selected is None


def test_arrow_keys_follow_the_edges() -> None:
    canvas = Canvas(lay_out(scene_of(4, [(0, 1), (0, 2), (1, 3), (2, 3)])))
    assert canvas.neighbour(None, "down") == "n0"
    below = canvas.neighbour("n0", "down")
    assert below in ("n1", "n2")
    other = {"n1": "n2", "n2": "n1"}[below]
    assert other in (canvas.neighbour(below, "left"), canvas.neighbour(below, "right"))
    assert canvas.neighbour(below, "down") == "n3"
    assert canvas.neighbour("n3", "up") in ("n1", "n2")
    assert canvas.neighbour("n0", "up") is None


def test_every_box_can_be_reached_by_arrow_keys(digits: Scene) -> None:
    canvas = Canvas(lay_out(digits))
    here, seen = canvas.neighbour(None, "down"), []
    while here is not None:
        seen.append(here)
        here = canvas.neighbour(here, "down")
    assert seen == [node.id for node in digits.nodes]


def test_crossings_and_joins_look_different() -> None:
    def weights(*ways: int) -> tuple[int, int, int, int]:
        return tuple(int(way in ways) for way in range(4))  # type: ignore[return-value]

    every = weights(UP, RIGHT, DOWN, LEFT)
    assert line_glyph(every, "unicode", dashed=False, crossing=False) == "┼"
    assert line_glyph(every, "unicode", dashed=False, crossing=True) == "│"
    assert line_glyph(weights(UP, DOWN, RIGHT), "unicode", dashed=False, crossing=False) == "├"
    assert line_glyph(weights(LEFT, RIGHT, DOWN), "unicode", dashed=False, crossing=False) == "┬"
    assert line_glyph(weights(DOWN, RIGHT), "unicode", dashed=False, crossing=False) == "╭"
    assert line_glyph((2, 0, 2, 0), "unicode", dashed=False, crossing=False) == "┃"
    assert line_glyph((2, 1, 2, 1), "unicode", dashed=False, crossing=False) == "╂"
    assert line_glyph(weights(UP, DOWN), "unicode", dashed=True, crossing=False) == "┊"
    assert line_glyph(every, "ascii", dashed=False, crossing=False) == "+"
    assert line_glyph(every, "ascii", dashed=False, crossing=True) == "|"


def test_names_of_a_model_can_not_send_escapes() -> None:
    from tests.picture.graphs import meta_of

    def build(graph) -> None:
        graph.node.add(name="x", op="Placeholder").attr["dtype"].type = 1
        node = graph.node.add(name="evil\x1b[31m\n[bold]", op="Re\x07lu")
        node.input.append("x")

    scene = build_scene(meta_of(build, {"x\x1b]0;": "x:0"}, {"y": "evil\x1b[31m\n[bold]:0"}))
    layout = lay_out(scene)
    for glyphs in ("unicode", "ascii"):
        text = Canvas(layout, glyphs).text()  # type: ignore[arg-type]
        assert all(char.isprintable() or char == "\n" for char in text)
        assert "\\x1b" in text


def test_wide_signs_do_not_shift_the_picture() -> None:
    canvas = Canvas(lay_out(Scene((Node("a", "図 Add", "e\u0301 x"),), ())))
    assert canvas.text().splitlines()[1:3] == ["│ · Add │", "│ e· x  │"]
