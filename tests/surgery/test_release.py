"""Joins whose sources are large, so that their messages are released on the way."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from tests.sampling import plainly
from workbench.model import model
from workbench.surgery.draft import apply
from workbench.surgery.plan import Plan

KEEP = {"keep_signatures": True, "keep_outputs": True}


@pytest.mark.parametrize("format", plainly(["tf1", "tf2"], "tf2"))
@pytest.mark.parametrize("options", plainly([{}, {"freeze": True}, KEEP], {"freeze": True}, KEEP))
@pytest.mark.parametrize("names", [("image_base64", "digits"), ("image_base64_tf2", "digits_tf2")])
def test_the_result_is_the_same(
    names: tuple[str, str],
    options: dict[str, bool],
    format: str,
    sample_models: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = (sample_models / name for name in names)
    plan = Plan.join(a=first, b=second, wires="pixels=myInput", format=format, **options)  # type: ignore[arg-type]
    usual = apply(plan)
    monkeypatch.setattr(model, "LARGE", 0)
    gc.freeze()  # each release collects garbage: not among what other tests have left
    released = apply(plan)
    assert released.serialize() == usual.serialize()
    assert released.proto.SerializeToString(deterministic=True) == usual.serialize()
    assert released.recipe == usual.recipe and released.findings == usual.findings
    assert [part.counts for part in released.parts.values()] == [part.counts for part in usual.parts.values()]
