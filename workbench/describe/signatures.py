"""Write a signature the same way in every face: as rows of a page, and as data."""

from __future__ import annotations

from typing import Any

from workbench.disk import dtypes
from workbench.model import shapes
from workbench.model.signature import Port, Signature
from workbench.names import show


def port_rows(signature: Signature) -> list[tuple[str, str, str, str]]:
    """Return a row for each input and output: `in` or `out`, key, `float32 [?,784]`, kind unless it is dense."""
    return [
        (
            side,
            show(port.key),
            shapes.typed(port.dtype, port.shape),
            "" if port.kind == "dense" else port.kind,
        )
        for side, ports in (("in", signature.inputs), ("out", signature.outputs))
        for port in ports.values()
    ]


def ports_json(signature: Signature) -> dict[str, Any]:
    """Return the inputs and outputs of a signature as `--json` of every command shows them."""
    return {
        "inputs": {key: _port_json(port) for key, port in signature.inputs.items()},
        "outputs": {key: _port_json(port) for key, port in signature.outputs.items()},
    }


def signature_json(signature: Signature) -> dict[str, Any]:
    """Return a signature of a model as `--json` shows it."""
    return {"method_name": signature.method_name, **ports_json(signature)}


def _port_json(port: Port) -> dict[str, Any]:
    found: dict[str, Any] = {
        "tensor": port.tensor if port.kind == "dense" else None,
        "dtype": dtypes.name(port.dtype),
        "shape": shapes.as_json(port.shape),
    }
    if port.kind != "dense":
        found |= {"kind": port.kind, "tensors": list(port.tensors)}
    if port.default is not None:
        found["default"] = True
    return found
