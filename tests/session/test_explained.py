"""What is explained for each row of a list, and the row of what is explained; the way through links."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.model import open_model
from workbench.session.lists.viewer import Viewer
from workbench.session.texts.explained import Subject, Trail, as_detail, key_of, subject_of
from workbench.session.texts.steps import explain_step
from workbench.surgery.step import operation


@pytest.mark.parametrize("name", ["digits", "digits_tf2", "image_base64"])
def test_every_row_of_a_model_is_explained(sample_models: Path, name: str) -> None:
    viewer = Viewer(open_model(sample_models / name))
    unfolded = {
        ("section", one) for one in ("signatures", "callables", "variables", "functions", "nodes", "assets")
    }
    unfolded |= {("signature", key) for key in viewer.meta.signatures}
    unfolded |= {("function", key) for key in viewer.meta.functions}
    listing = viewer.lister.listing(unfolded)
    kinds = set()
    for row in (
        listing[: len(listing)] if isinstance(listing, list) else [listing[at] for at in range(len(listing))]
    ):
        what = subject_of(row, viewer)
        assert what is not None or row.kind == "model", row
        detail = as_detail(viewer.explainer().explain(what))
        assert detail.lines and detail.title
        kinds.add(row.kind)
        if row.kind in ("signature", "node", "argument", "variable", "function"):
            key = key_of(viewer, what)
            assert key is not None and viewer.lister.row_of(key) is not None, row
    assert {"model", "section", "signature", "input", "output", "node"} <= kinds


def test_a_trail_goes_back_and_forward() -> None:
    trail = Trail()
    assert trail.here is None and trail.back() is None
    one, two, three = (Subject("m", what) for what in "abc")
    trail.start(one)
    trail.follow(two)
    assert trail.back() == one and trail.back() is None and trail.can_go_forward
    trail.follow(three)
    assert trail.here == three and not trail.can_go_forward and trail.back() == one
    trail.start(two)
    assert not trail.can_go_back and not trail.can_go_forward


def test_a_step_is_explained() -> None:
    freeze = operation("freeze")
    assert freeze is not None
    text = str(explain_step(freeze()))
    assert "A step of the plan: " in text and "freeze" in text
