"""One line of a list is fitted to a width: what is cut says so, and what would be unreadable is left out."""

from __future__ import annotations

from workbench.tui.widgets.lines import _fit


def fitted(room: int, *pieces: str, flex: tuple[int, ...] = (0,), spare: tuple[int, ...] = ()) -> str:
    left = [(piece, "") for piece in pieces]
    _fit(left, room, flex, spare)
    return "".join(text for text, _ in left)


def test_what_stands_aside_is_cut_first_and_then_left_out() -> None:
    name, aside = "block_1_expand/convolution", "  __inference_serve_1310"
    whole = name + aside
    assert fitted(len(whole), name, aside, spare=(1,)) == whole
    assert fitted(len(whole) - 5, name, aside, spare=(1,)).startswith(name + "  ")
    assert "…" in fitted(len(whole) - 5, name, aside, spare=(1,))
    assert fitted(len(whole) - 15, name, aside, spare=(1,)) == name, "no `…10` is left of a name"
    assert fitted(18, name, aside, spare=(1,)) == "block…/convolution"


def test_two_ends_of_a_wire_are_both_left() -> None:
    cut = fitted(28, "a_long_name_of_an_output", " ─▶ ", "a_long_name_of_an_input", flex=(0, 2))
    assert len(cut) == 28 and cut.count("…") == 2 and " ─▶ " in cut
    ends = ("a_long_name_of_an_output", " ─▶ ", "a_long_name_of_an_input")
    assert fitted(12, *ends, flex=(0, 2)) == "a…t ─▶ a…put"
