"""Inputs that would displace a wire, and inputs that a wire makes useless."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.protos import graph, meta_graph, node
from tests.surgery.importing import imported
from workbench.surgery.resolve.displaced_inputs import displacing, lost

FLOAT = 1


def model() -> Any:
    """`raw` → `h` → an input with default `image` → `y`."""
    return meta_graph(
        graph(
            node("raw", "Placeholder", dtype=FLOAT),
            node("h", "Exp", "raw", T=FLOAT),
            node("image", "PlaceholderWithDefault", "h", dtype=FLOAT),
            node("y", "Neg", "image", T=FLOAT),
            node("z", "Neg", "raw", T=FLOAT),
        ),
        serving_default=({"raw": "raw:0", "image": "image:0"}, {"y": "y:0", "z": "z:0"}),
    )


def test_an_input_that_would_displace_the_wire(tmp_path: Path) -> None:
    """Fed, `image` would cut `y` off from the wired `raw`."""
    part = imported(tmp_path / "m", model(), cuts=["raw:0"])
    assert displacing(part, {"image:0": "image"}, ["y:0"]) == {"image"}


def test_an_output_that_does_not_pass_it(tmp_path: Path) -> None:
    part = imported(tmp_path / "m", model(), cuts=["raw:0"])
    assert displacing(part, {"image:0": "image"}, ["z:0"]) == set()


def test_without_a_wire_nothing_is_displaced(tmp_path: Path) -> None:
    assert displacing(imported(tmp_path / "m", model()), {"image:0": "image"}, ["y:0"]) == set()


def test_inputs_that_lose_their_effect(tmp_path: Path) -> None:
    """Behind a wire into `h`, `y` no longer depends on `raw`, which it did before."""
    part = imported(tmp_path / "m", model(), cuts=["h:0"])
    assert lost(part, ["y:0"], ["raw"]) == {"raw"}
    assert lost(part, ["y:0"], []) == set()
