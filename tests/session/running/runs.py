"""Runs without TensorFlow: values as a run would give them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from workbench.model import open_model
from workbench.probing.drawn import tensor_values
from workbench.probing.seen import see
from workbench.session.running.form import make_form, usual
from workbench.session.running.run import KeptRun, RunRequest, _kept


def request_for(path: Path, name: str | None = None, texts: Mapping[str, str] | None = None) -> RunRequest:
    model = open_model(path)
    form = make_form(model, name or usual(model) or "")
    values = {one.name: one.made for one in form.inputs if one.made is not None}
    return RunRequest(model, form, values, texts or {})


def kept(request: RunRequest, outputs: Mapping[str, Any], **steps: Any) -> KeptRun:
    """The values of a run; a step is `NODE=array`, with `__` for `/`."""
    seen = [see(f"{name.replace('__', '/')}:0", "", array) for name, array in steps.items()]
    return _kept(request, outputs, tensor_values(request.values, seen, outputs), (), 0.1)


def digits_run(request: RunRequest, best: int = 3) -> KeptRun:
    """What the digits model would give."""
    scores = np.full((1, 10), 0.01, np.float32)
    scores[0, best] = 0.91
    broken = np.array([[np.nan, np.inf, *range(8)]], np.float32)
    return kept(request, {"myOutput": scores}, MatMul=np.arange(10, dtype=np.float32)[None], add=broken)
