"""TensorFlow Serving's REST API, reimplemented from its documentation; Serving itself does not run here.

What `https://www.tensorflow.org/tfx/serving/api_rest` says of requests and answers: rows (`instances`, answered by
`predictions`) and columns (`inputs`, answered by `outputs`), `{"b64": …}` for bytes, keys of outputs in `_bytes`.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np

import workbench as wb
from workbench.runtime.child_process.child import Child


def predict(path: Path, request: str, child: Child, key: str = "serving_default") -> Any:
    """What a server answers to a request; `{"error": …}` where it refuses it."""
    model = wb.open_model(path)
    signature = model.meta.signatures[key]
    body = json.loads(request)
    rows = "instances" in body
    try:
        given = _rows(body["instances"], signature) if rows else _columns(body["inputs"], signature)
        values = {name: _tensor(value, signature.inputs[name]) for name, value in given.items()}
    except (KeyError, ValueError, TypeError) as error:
        return {"error": f"JSON Value does not fit: {error}"}
    found = wb.run(model, values, signature=key, loader="v1", child=child)
    if rows:
        count = len(body["instances"])
        for name, value in found.items():
            if not value.shape or len(value) != count:
                return {
                    "error": f"Tensor name: {name} has inconsistent batch size: {value.shape} expecting: {count}"
                }
        answers = [{name: _json(name, value[at]) for name, value in found.items()} for at in range(count)]
        return {"predictions": [one if len(found) > 1 else next(iter(one.values())) for one in answers]}
    named = {name: _json(name, value) for name, value in found.items()}
    return {"outputs": named if len(named) > 1 else next(iter(named.values()))}


def _rows(instances: list[Any], signature: wb.Signature) -> dict[str, list[Any]]:
    """One value, or an object of named values, for each instance."""
    named = [isinstance(one, dict) and set(one) != {"b64"} for one in instances]
    if all(named):
        keys = set(instances[0])
        if any(set(one) != keys for one in instances):
            raise ValueError("instances have different keys")
        return {key: [one[key] for one in instances] for key in signature.inputs.keys() | keys}
    (key,) = signature.inputs
    return {key: instances}


def _columns(inputs: Any, signature: wb.Signature) -> dict[str, Any]:
    if isinstance(inputs, dict) and set(inputs) != {"b64"}:
        return {key: inputs[key] for key in signature.inputs.keys() | inputs.keys()}
    (key,) = signature.inputs
    return {key: inputs}


def _decoded(value: Any) -> Any:
    """A value with bytes in place of `{"b64": …}` and of texts."""
    if isinstance(value, dict):
        if set(value) != {"b64"}:
            raise ValueError("an object that is not {'b64': …}")
        return base64.b64decode(value["b64"], validate=True)
    if isinstance(value, list):
        return [_decoded(one) for one in value]
    return value.encode() if isinstance(value, str) else value


def _tensor(value: Any, port: wb.Port) -> Any:
    decoded = _decoded(value)
    if port.dtype == "string":
        return np.array(decoded, dtype=object)
    return np.array(decoded, dtype=port.dtype.name)


def _json(key: str, value: Any) -> Any:
    """A value as JSON: bytes as text, or in base64 where the key ends in `_bytes`."""
    if isinstance(value, np.ndarray):
        return [_json(key, one) for one in value] if value.shape else _json(key, value.item())
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()} if key.endswith("_bytes") else value.decode()
    return value.item() if isinstance(value, np.generic) else value
