"""Warm-up requests of TensorFlow Serving: whether they still ask for what the model has.

`assets.extra/tf_serving_warmup_requests` is a TFRecord file of PredictionLogs, which the server runs before it says
that the model is ready. The field numbers are those of `tensorflow_serving/apis/prediction_log.proto` and what it
imports; the messages themselves are read field by field, as TensorFlow does not have them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from workbench.checks.codes import Code, Found
from workbench.disk import dtypes, records, schema
from workbench.disk.serialized import wire
from workbench.errors import DamagedFile, WorkbenchError
from workbench.model import shapes
from workbench.model.signature import DEFAULT
from workbench.names import did_you_mean, show

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.model.meta import MetaGraph
    from workbench.model.signature import Signature

STALE = Code(
    "serving-warmup-stale", "error", "a warm-up request asks for something that the model does not have",
    "TensorFlow Serving runs the requests when it loads the model. One that names another signature or input, or gives "
    "another dtype or shape, fails, and the model is not served.",
    "Record the requests again, or delete assets.extra/tf_serving_warmup_requests.",
)  # fmt: skip
UNREADABLE = Code(
    "serving-warmup-unreadable", "error", "the warm-up requests can't be read",
    "The file is cut off, a checksum is wrong, or a record is no PredictionLog: TensorFlow Serving does not load the "
    "model.",
    "Record the requests again, or delete assets.extra/tf_serving_warmup_requests.",
)  # fmt: skip
TOO_MANY = Code(
    "serving-warmup-too-many", "error", "there are more than 1,000 warm-up requests",
    "TensorFlow Serving takes at most 1,000, and does not load the model.",
    "Keep the first few: one for each batch size that is served is enough.",
)  # fmt: skip

FILE = "assets.extra/tf_serving_warmup_requests"
_MOST_BYTES = 1 << 30
_MOST_RECORDS = 1000
# PredictionLog: classify_log, regress_log, multi_inference_log, session_run_log, predict_log, predict_streamed_log
_CLASSIFY, _REGRESS, _MULTI, _SESSION, _PREDICT, _STREAMED = 2, 3, 4, 5, 6, 7


@dataclass(frozen=True, slots=True)
class Asked:
    """What one request asks for.

    Attributes:
        signature: its key.
        inputs: `(dtype enum, shape)` by key; None for a request by Examples, whose inputs have no keys.
    """

    signature: str
    inputs: dict[str, tuple[int, shapes.Shape]] | None


def check(folder: Path, meta: MetaGraph, found: Found) -> None:
    """Compare the warm-up requests of a model with one of its MetaGraphs."""
    path = folder / FILE
    if not path.exists():
        return
    number = 0
    try:
        for number, record in enumerate(records.read(path, _MOST_BYTES), 1):
            for asked in read(record):
                _compare(asked, number, meta, found)
    except (WorkbenchError, DecodeError) as problem:
        reason = problem.message if isinstance(problem, WorkbenchError) else "A tensor in it can't be parsed."
        found.add(UNREADABLE, FILE, f"After {number} records: {reason}" if number else reason)
        return
    if number > _MOST_RECORDS:
        found.add(TOO_MANY, FILE, f"It has {number:,}.")


def read(record: bytes) -> Iterator[Asked]:
    """Return what a serialised PredictionLog asks for; several for a MultiInferenceLog.

    Raises:
        DamagedFile: it is no such message.
        DecodeError: one of its tensors is none.
    """
    logs = [
        one for one in wire.fields(record) if _CLASSIFY <= one.number <= _STREAMED and one.kind == wire.BYTES
    ]
    if not logs:
        raise DamagedFile("A record has no request of any kind: it is no PredictionLog.")
    for log in logs:
        if log.number == _SESSION:
            continue
        for request in _inside(record, log, 1):
            if log.number in (_PREDICT, _STREAMED):
                yield Asked(_signature(record, request), _inputs(record, request))
            elif log.number == _MULTI:
                for task in _inside(record, request, 1):
                    yield Asked(_signature(record, task), None)
            else:
                yield Asked(_signature(record, request), None)


def _inside(data: bytes, outer: wire.Field, number: int) -> list[wire.Field]:
    fields = wire.fields(data, outer.body, outer.end)
    return [one for one in fields if one.number == number and one.kind == wire.BYTES]


def _signature(data: bytes, request: wire.Field) -> str:
    """Return `model_spec.signature_name` of a request, or the default."""
    for spec in _inside(data, request, 1):
        for name in _inside(data, spec, 3):
            return _text(data, name) or DEFAULT
    return DEFAULT


def _inputs(data: bytes, request: wire.Field) -> dict[str, tuple[int, shapes.Shape]]:
    found = {}
    for entry in _inside(data, request, 2):
        key = "".join(_text(data, one) for one in _inside(data, entry, 1)[-1:])
        tensor = schema.TensorProto()
        for value in _inside(data, entry, 2):
            tensor.MergeFromString(data[value.body : value.end])
        found[key] = (tensor.dtype, shapes.from_proto(tensor.tensor_shape))
    return found


def _text(data: bytes, field: wire.Field) -> str:
    return data[field.body : field.end].decode("utf-8", "replace")


def _compare(asked: Asked, number: int, meta: MetaGraph, found: Found) -> None:
    where = f"{FILE} {number}"
    signature = meta.signatures.get(asked.signature)
    if signature is None:
        message = f"It asks for the signature {show(asked.signature)!r}, which the model does not have."
        found.add(
            STALE, where, message, lambda: did_you_mean(asked.signature, meta.signatures, noun="signatures")
        )
    elif asked.inputs is not None:
        for message, hint in _differences(asked.inputs, signature, meta):
            found.add(STALE, where, message, hint)


def _differences(
    given: dict[str, tuple[int, shapes.Shape]], signature: Signature, meta: MetaGraph
) -> Iterator[tuple[str, str | None]]:
    """Yield the mismatches between a request and its signature."""
    key = show(signature.key)
    for name in given:
        if name not in signature.inputs:
            hint = did_you_mean(name, signature.inputs, noun="inputs")
            yield f"It gives the input {show(name)!r}, which signature {key} does not have.", hint
    for name, port in signature.inputs.items():
        if name not in given:
            if port.default is None:
                yield f"It does not give the input {show(name)!r} of signature {key}.", None
            continue
        dtype, shape = given[name]
        tensor = meta.node_tensor(port.tensor) if port.kind == "dense" else None
        want = tensor.dtype if tensor is not None and tensor.dtype else port.dtype
        if dtype and want and dtypes.base(dtype) != dtypes.base(want):
            yield f"It gives {show(name)!r} as {dtypes.name(dtype)}; the input is {dtypes.name(want)}.", None
        known = tensor.shape if tensor is not None and tensor.shape is not None else port.shape
        if port.kind == "dense" and shapes.fits(shape, known) == "refuted":
            text = shapes.text(known)
            yield f"It gives {show(name)!r} of shape {shapes.text(shape)}; the input takes {text}.", None
