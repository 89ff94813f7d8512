"""Contrast of pictures and of the terminal UI's themes: 4.5:1 for text, 3:1 for lines (WCAG 2.2)."""

from __future__ import annotations

import itertools
import re

import pytest
from textual.theme import Theme

import workbench as wb
from workbench.cli.commands.draw import _STYLES
from workbench.picture.render import colours
from workbench.picture.render.colours import contrast
from workbench.picture.scene.families import ASCII_SIGNS, SAID, SIGNS
from workbench.picture.values import STEPS
from workbench.tui.roles import _ROLES
from workbench.tui.themes import DARK, LIGHT, SIXTEEN

TEXT, LINE = 4.5, 3.0
HEX = re.compile(r"#[0-9a-f]{6}")


def test_the_formula_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#ffffff", "#0000ff") == pytest.approx(8.59, abs=0.01)


@pytest.mark.parametrize("which", [0, 1], ids=["light", "dark"])
def test_pictures(which: int) -> None:
    grounds = {name: pair[which] for name, pair in colours.BACKGROUNDS.items()}
    texts = {**colours.TEXTS, **colours.FAMILIES, **colours.OWNERS, "seam": colours.SEAM}
    lines = {**colours.LINES, "selected": colours.SELECTED}
    for needs, roles in ((TEXT, texts), (LINE, lines)):
        for (role, pair), (ground, colour) in itertools.product(roles.items(), grounds.items()):
            assert contrast(pair[which], colour) >= needs, (role, ground)


@pytest.mark.parametrize("which", [0, 1], ids=["light", "dark"])
def test_values(which: int) -> None:
    assert len(colours.MAGNITUDES) == STEPS
    grounds = [pair[which] for pair in colours.MAGNITUDES]
    assert len(set(grounds)) == STEPS
    for ground in grounds:
        assert contrast(colours.TEXTS["title"][which], ground) >= TEXT
        assert (
            contrast(colours.NOT_FINITE[which], ground) >= LINE
        )  # what is not finite differs from any magnitude
    assert contrast(colours.ON_NOT_FINITE[which], colours.NOT_FINITE[which]) >= TEXT
    heights = [contrast(ground, "#ffffff") for ground in grounds]
    assert heights == sorted(heights, reverse=bool(which))


@pytest.mark.parametrize("format", ["svg", "html"])
def test_a_picture_has_no_other_colours(format: str) -> None:
    known = {one for pair in colours.BACKGROUNDS.values() for one in pair}
    for roles in (colours.TEXTS, colours.LINES, colours.OWNERS, colours.FAMILIES):
        known |= {one for pair in roles.values() for one in pair}
    known |= {*colours.SEAM, *colours.SELECTED, *colours.NOT_FINITE, *colours.ON_NOT_FINITE}
    known |= {one for pair in colours.MAGNITUDES for one in pair}
    found = set(HEX.findall(wb.draw(wb.sample_models() / "digits", format=format)))  # type: ignore[arg-type]
    assert found and found <= known


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_themes_of_the_terminal(theme: Theme) -> None:
    def colour(name: str) -> str:
        found = theme.variables.get(name) or getattr(theme, name)
        assert isinstance(found, str) and HEX.fullmatch(found)
        return found

    grounds = [colour(name) for name in ("background", "surface", "panel", "cursor-blur")]
    for role, (name, _, behind) in _ROLES.items():
        if name:
            needs = LINE if role == "line" else TEXT
            for ground in [colour(behind)] if behind else grounds:
                assert contrast(colour(name), ground) >= needs, (role, ground)
    for name in {
        name for role, (name, _, behind) in _ROLES.items() if name and not behind and role != "line"
    }:
        assert contrast(colour(name), colour("cursor")) >= TEXT, name


def test_what_is_selected_is_no_boundary_and_no_model() -> None:
    for which in (0, 1):
        others = {pair[which] for pair in (colours.SEAM, *colours.OWNERS.values(), *colours.LINES.values())}
        assert colours.SELECTED[which] not in others and colours.SEAM[which] not in {
            pair[which] for pair in colours.OWNERS.values()
        }
    assert _ROLES["selected"][0] != _ROLES["seam"][0]


VGA = dict(
    zip(
        ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"),
        ("#000000", "#aa0000", "#00aa00", "#aa5500", "#0000aa", "#aa00aa", "#00aaaa", "#aaaaaa"),
        strict=True,
    )
)
BRIGHT = dict(
    zip(
        VGA,
        ("#555555", "#ff5555", "#55ff55", "#ffff55", "#5555ff", "#ff55ff", "#55ffff", "#ffffff"),
        strict=True,
    )
)
"""The colours of a Linux console; those of other terminals are brighter."""


def test_sixteen_colours_on_a_console() -> None:
    for role, (name, _, behind) in _ROLES.items():
        if not name or behind:
            continue
        named = SIXTEEN.variables.get(name) or getattr(SIXTEEN, name)
        bright = named.startswith("ansi_bright_")
        word = named.removeprefix("ansi_").removeprefix("bright_")
        colour = "#aaaaaa" if word == "default" else (BRIGHT if bright else VGA)[word]
        assert contrast(colour, "#000000") >= (LINE if role == "line" else TEXT), (role, named)


def test_every_kind_of_op_has_a_colour_and_a_sign_of_its_own() -> None:
    assert set(colours.FAMILIES) == set(SIGNS) == set(ASCII_SIGNS) == {*SAID, "other"}
    for signs in (SIGNS, ASCII_SIGNS):
        assert len(set(signs.values())) == len(signs)
    assert all(sign.isascii() for sign in ASCII_SIGNS.values())
    assert {f"kind-{kind.replace(' ', '-')}" for kind in SIGNS} <= set(_ROLES)
    styled = {role for role in _STYLES if role.startswith("kind-")}
    assert styled == {f"kind-{kind.replace(' ', '-')}" for kind in SAID}
