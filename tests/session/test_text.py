"""Texts that are cut: always with an ellipsis, never so that two things become one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from workbench.describe.text import elide_words, share
from workbench.names import count, elide
from workbench.picture.layout.geometry import CutOff

WORDS = st.lists(st.text("ab/", min_size=1, max_size=40), min_size=1, max_size=9)


@given(WORDS, st.integers(0, 120))
def test_words_are_cut_each_in_its_middle(words: list[str], width: int) -> None:
    text = elide_words(words, width)
    assert len(text) <= width
    whole = " ".join(words)
    if len(whole) <= width:
        assert text == whole
    elif width:
        assert "…" in text
    if width >= 9 * len(words):
        parts = text.split(" ")
        assert len(parts) == len(words), "no two run into one"
        for part, word in zip(parts, words, strict=True):
            head, _, tail = part.partition("…")
            assert part == word or (word.startswith(head) and word.endswith(tail))


def test_two_long_paths_stay_two() -> None:
    words = [
        "workbench",
        "merge",
        "/a/very/long/folder/image",
        "/another/long/folder/digits",
        "--wire",
        "x=y",
    ]
    assert elide_words(words, 60) == "workbench merge /a/ve…lder/image /anot…der/digits --wire x=y"
    assert elide_words(words, 50, 2) == "workbench merge /a/…r/image /an…/digits --wire x=y"
    assert elide_words(words, 20, 2) == "workbench merge /a…", "the last words have no room at all"


def test_the_longest_give_most() -> None:
    assert share(["ab", "abcdefghijkl", "abcdefgh"], 18, 4) == ["ab", elide("abcdefghijkl", 8), "abcdefgh"]
    assert share([], 10) == [] and share(["abc"], 0, 1) == ["…"]


def test_numbers_and_nouns_agree() -> None:
    assert [count(n, "box", "boxes") for n in (0, 1, 2000)] == ["0 boxes", "1 box", "2,000 boxes"]
    assert "1 box and 1 edge was stopped" in CutOff(8, 1, 1).message
