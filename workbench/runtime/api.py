"""Runs of one signature in a child: what they are asked, which loader they take, what is refused before."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from functools import partial
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal

from workbench.disk import dtypes
from workbench.errors import ExecutionFailed, NotAllowedToRun, UsageError, expect
from workbench.findings import Action, Hint
from workbench.model import MetaGraph, Signature
from workbench.runtime.chain import Call, ModelRef
from workbench.runtime.child_process import codec
from workbench.runtime.child_process.child import Cancelling, Child, Progress
from workbench.runtime.child_process.unread_version import told_of, unread_version
from workbench.runtime.component_tensors import ComponentTensor, port_json

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Loader = Literal["v1", "v2"]


def check_arguments(inputs: object, time_limit: object) -> None:
    """Check the types of what `run` and `probe` are given.

    Raises:
        WrongType: one has another type.
    """
    expect(inputs, (Mapping, NoneType), "The inputs", "a dict of input keys to values")
    expect(time_limit, (int, float, NoneType), "The time limit", "a number of seconds")


def start_allowed(child: Child, meta: MetaGraph, signature: Signature, *, allow_unsafe: bool) -> None:
    """Start a process, and refuse unsafe ops again by the version of TensorFlow that it has.

    Raises:
        NotAllowedToRun: that version is not known, so that more ops count as unsafe, and nobody allowed it.
        TensorFlowMissing, ChildDied: it did not start.
    """
    if not allow_unsafe and (version := unread_version(child.start())) is not None:
        refuse_unsafe(meta, signature, version)


def refuse_unsafe(meta: MetaGraph, signature: Signature, tensorflow: str | None = None) -> None:
    """Refuse to run a model that reaches ops that do more than compute.

    Args:
        meta: the MetaGraph.
        signature: what is run: one of its own, or one between tensors of its main graph.
        tensorflow: the version that runs it, if the walk does not know its loaders.

    Raises:
        NotAllowedToRun: it does.
    """
    from workbench.checks.unsafe import unsafe_message, unsafe_ops

    keys = [signature.key] if signature.key in meta.signatures else []
    tensors = [tensor for port in signature.outputs.values() for tensor in port.tensors]
    found = unsafe_ops(meta, keys, tensors=tensors, tensorflow=tensorflow)
    if found:
        raise NotAllowedToRun(
            unsafe_message(found) + told_of(tensorflow),
            hint=Hint("If you trust the model, ", Action("allow-unsafe")),
        )


def run_signature(
    child: Child,
    model: ModelRef,
    signature: Signature,
    values: Mapping[str, Array],
    components: Mapping[str, ComponentTensor],
    *,
    call: Call | None = None,
    loader: Loader | None = None,
    time_limit: float | None = None,
) -> dict[str, Array]:
    """Run a signature on arrays that fit it.

    Args:
        child: is started if it does not run.
        model: where the model is.
        signature: one of its signatures.
        values: component to array, complete.
        components: the signature's inputs.
        call: the callable that the signature was made of, if it was.
        loader: `v1`, `v2`, or None for the first and then the other.
        time_limit: seconds the run may take.
    """
    job = {"job": "run", **job_of(model, signature, call), "sample": encode_values(values, components)}
    answer, _ = request(child, job, loader, time_limit=time_limit)
    return codec.decode_sample(answer["outputs"])


def job_of(model: ModelRef, signature: Signature, call: Call | None) -> dict[str, Any]:
    """Return what a job says of the model and signature it runs."""
    return {
        "model": model.as_json(),
        "signature": signature.key,
        "inputs": port_json(signature.inputs),
        "outputs": port_json(signature.outputs),
        "call": None if call is None else call.as_json(),
    }


def encode_values(values: Mapping[str, Array], components: Mapping[str, ComponentTensor]) -> dict[str, Any]:
    """Return values by component as the child takes them."""
    return {
        component: codec.encode(
            array, dtypes.name(components[component].dtype) if components[component].dtype else None
        )
        for component, array in values.items()
    }


def request(
    child: Child,
    job: Mapping[str, Any],
    loader: Loader | None,
    *,
    time_limit: float | None = None,
    on_progress: Progress | None = None,
    cancelled: Cancelling | None = None,
) -> tuple[dict[str, Any], Loader]:
    """Let a child do a job that runs a model, and return its answer and the loader that ran it.

    Args:
        child: is started if it does not run.
        job: without its loader.
        loader: as for `run_signature`.
        time_limit: seconds it may take.
        on_progress: is called with a short text whenever the child begins something.
        cancelled: is asked now and then whether to stop.
    """
    is_graphdef = job["model"]["kind"] == "graphdef"
    if loader == "v2" and is_graphdef:
        raise UsageError("tf.saved_model.load does not read a GraphDef.", hint="Use the v1 loader.")
    child.start()
    ask = partial(child.request, time_limit=time_limit, on_progress=on_progress, cancelled=cancelled)
    first: Loader = loader or "v1"
    try:
        return ask({**job, "loader": first}), first
    except ExecutionFailed:
        if loader is not None or is_graphdef:
            raise
        # what was saved as an object is sometimes restored there only; if not, the first error counts
        with contextlib.suppress(ExecutionFailed):
            return ask({**job, "loader": "v2"}), "v2"
        raise
