"""Variants for training and for inference: which belong together."""

from __future__ import annotations

import pytest

from workbench.disk import dtypes
from workbench.model.callables import Variant
from workbench.model.structured import Spec
from workbench.surgery.export.training_mode import counterpart, mode


def spec(key: str, dtype: str = "float32", width: int = 4) -> Spec:
    return Spec(key, "dense", dtypes.dtype(dtypes.enum(dtype)), (None, width), 0)


X, Y = spec("x"), spec("output_0")


def variant(arguments: str, *, inputs: tuple[Spec, ...] = (X,), outputs: tuple[Spec, ...] = (Y,)) -> Variant:
    return Variant(1, "f", arguments, inputs, outputs, 0)


@pytest.mark.parametrize(
    ("arguments", "trains"),
    [
        ("x: float32 [?,4], training=True", True),
        ("x: float32 [?,4], training=False", False),
        ("x", None),
        ("x: float32 [?,4], pretraining=True", None),
    ],
)
def test_mode(arguments: str, trains: bool | None) -> None:
    assert mode(variant(arguments)) == trains


def test_the_other_variant_differs_in_training_alone() -> None:
    asked = variant("x: float32 [?,4], training=False, mask=None")
    right = variant("x: float32 [?,4], training=True, mask=None")
    others = [
        variant("x: float32 [?,4], training=True, mask=True"),
        variant("x: float32 [?,4], training=True, mask=None", inputs=(spec("x", width=5),)),
        variant("x: float32 [?,4], training=True, mask=None", outputs=(spec("output_0", "int32"),)),
    ]
    assert counterpart(asked, [asked, *others]) is None
    assert counterpart(asked, [asked, *others, right]) is right
