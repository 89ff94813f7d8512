"""Runs without TensorFlow: values as a run would give them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from workbench.model import open_model
from workbench.probing.drawn import value_layer
from workbench.probing.probed_tensor import probed
from workbench.session.running.form import make_form, usual
from workbench.session.running.run import KeptRun, RunRequest, kept_run


def request_for(path: Path, name: str | None = None, texts: Mapping[str, str] | None = None) -> RunRequest:
    model = open_model(path)
    form = make_form(model, name or usual(model) or "")
    values = {one.name: one.made for one in form.inputs if one.made is not None}
    return RunRequest(model, form, values, texts or {})


def kept(request: RunRequest, outputs: Mapping[str, Any], **steps: Any) -> KeptRun:
    """The values of a run; a step is `NODE=array`, with `__` for `/`."""
    seen = [probed(f"{name.replace('__', '/')}:0", name, array) for name, array in steps.items()]
    layer = value_layer(request.form.signature.key, request.values, seen, outputs)
    return kept_run(request, outputs, layer, {one.address: one.op for one in seen}, (), 0.1)


def digits_run(request: RunRequest, best: int = 3) -> KeptRun:
    """What the digits model would give."""
    scores = np.full((1, 10), 0.01, np.float32)
    scores[0, best] = 0.91
    broken = np.array([[np.nan, np.inf, *range(8)]], np.float32)
    return kept(request, {"myOutput": scores}, MatMul=np.arange(10, dtype=np.float32)[None], add=broken)
