"""Flags in hints become what does the same in the workbench."""

from __future__ import annotations

import pytest

from workbench.publishing.publish import ALLOW
from workbench.runtime.comparison.verdict import _RUN_ON
from workbench.session.texts.wording import here


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (_RUN_ON, "Give values it can run on: a value under “Verify with”."),
        (ALLOW, "If you trust it, “Allow unsafe” in the commit form runs it."),
        ("Merge without --freeze: variables are kept.", "Merge without “Freeze”: variables are kept."),
        ("Choose one with --signature-of net=KEY.", "Choose one with the key a on a signature of net."),
        (
            "Choose it for the whole model: --signature-of net=__call__[2].",
            "Choose it for the whole model: the key a on the signature __call__[2] of net.",
        ),
        ("Give a tensor: node:0.", "Give a tensor: node:0."),
    ],
)
def test_hints_name_what_is_here(text: str, wanted: str) -> None:
    assert here(text) == wanted
