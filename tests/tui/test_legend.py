"""The help explains every sign that is drawn, and every action in plain words."""

from __future__ import annotations

from workbench.picture.render.glyphs import BORDERS
from workbench.picture.scene.families import SIGNS
from workbench.session.lists.search import FIELDS
from workbench.tui import glyphs
from workbench.tui.actions import ACTIONS, SCOPE_TITLES
from workbench.tui.guidance.legend import (
    FIELDS_OF_FILTER,
    LISTS,
    border_text,
    of_filter,
    of_lists,
    of_pictures,
)


def test_every_sign_of_a_list_is_explained() -> None:
    signs = {
        name for name, value in vars(glyphs).items() if name.isupper() and value and not name.startswith("_")
    }
    assert signs == LISTS.keys()
    shown = {sign for text, about in of_lists() if about for sign in text.split()}
    assert {*glyphs.MARKS, glyphs.FITS, glyphs.WIRED, *glyphs.SEVERITY.values()} <= shown


def test_every_sign_of_a_picture_is_explained() -> None:
    shown = [text for text, about in of_pictures() if about]
    assert {sign for kind, sign in SIGNS.items() if kind != "other"} <= set(shown)
    assert {border_text(name, "unicode") for name in BORDERS["unicode"]} <= set(shown)
    assert all(text.isascii() for text, _ in of_pictures("ascii"))


def test_every_field_of_the_filter_is_explained() -> None:
    assert tuple(FIELDS_OF_FILTER) == FIELDS
    shown = dict(of_filter())
    for field, (text, about) in FIELDS_OF_FILTER.items():
        assert text.startswith(f"{field}:") and shown[text] == about


def test_every_action_is_described_in_a_sentence() -> None:
    assert ACTIONS.keys() == SCOPE_TITLES.keys()
    for scope, actions in ACTIONS.items():
        for action in actions:
            text = action.about
            assert len(text.split()) > 1 and text[0].isupper() and not text.endswith("."), (
                scope,
                action.name,
            )
            assert len(f"{action.label}: {text}") <= 92, (scope, action.name)
