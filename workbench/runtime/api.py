"""Running a model from Python: `run(model, inputs) -> outputs`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal

from workbench.errors import ExecutionFailed, NotAllowedToRun, UsageError, expect
from workbench.findings import Action, Hint
from workbench.model import MetaGraph, Model, Signature, as_model
from workbench.model.assets import check_inside
from workbench.names import show
from workbench.runtime.chain import ModelRef
from workbench.runtime.child_process import codec
from workbench.runtime.child_process.child import Child
from workbench.runtime.child_process.private_copy import Copies
from workbench.runtime.child_process.unread_version import told_of, unread_version
from workbench.runtime.component_tensors import ComponentTensor, input_components, port_json
from workbench.runtime.inputs.images import told_of_no_image
from workbench.runtime.inputs.values import complete, to_values

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Loader = Literal["v1", "v2"]


def run(
    model: Model | str | os.PathLike[str],
    inputs: Mapping[str, object] | None = None,
    signature: str | None = None,
    *,
    tags: str | Iterable[str] | None = None,
    loader: Loader | None = None,
    child: Child | None = None,
    python: str | os.PathLike[str] | None = None,
    imports: Sequence[str] = (),
    op_libraries: Sequence[str | os.PathLike[str]] = (),
    gpu: bool = False,
    time_limit: float | None = None,
    allow_unsafe: bool = False,
) -> dict[str, Array]:
    """Run one signature of a model in a TensorFlow process.

    Args:
        model: an opened model, or what `open_model` takes.
        inputs: key to value: arrays, nested lists, strings, bytes. A sparse input is given as `KEY.indices`,
            `KEY.values`, `KEY.dense_shape`, or as a tuple of the three; another composite likewise.
        signature: its key; None for `serving_default`, or the only one.
        tags: tag set of the MetaGraph; None for the obvious one.
        loader: `v1` for a Session, `v2` for `tf.saved_model.load`; None tries the first and then the other.
        child: a process to use; None starts one with the following arguments and ends it.
        python: the interpreter that has TensorFlow; None for the running one.
        imports: modules to import for their ops.
        op_libraries: shared objects to load for their ops.
        gpu: let TensorFlow see GPUs.
        time_limit: seconds the run may take.
        allow_unsafe: run it even if ops that touch files, the network or Python are reached.

    Returns:
        Key to array; strings as object arrays of bytes. Components of a sparse output by component, as for inputs.

    Raises:
        InputError: a value does not fit, is missing, or has no such key.
        WrongType: the model is neither opened nor a path, or `inputs` is no mapping.
        NotAllowedToRun: unsafe ops are reached, and nobody allowed it.
        ExecutionFailed: TensorFlow raised; the message is its own.
        TensorFlowMissing, ChildDied, ChildTimeout: the process could not do it.
        UnknownName, DiskError: the model, tag set or signature; an asset that lies outside the model; a file of it
            that changed since it was opened.
    """
    check_arguments(inputs, time_limit)
    if loader not in (None, "v1", "v2"):
        raise UsageError(f"There is no loader {show(repr(loader))}.", hint="Loaders are 'v1' and 'v2'.")
    opened, chosen = open_to_run(model, tags, signature, allow_unsafe=allow_unsafe)
    meta = opened.meta
    components = input_components(meta, chosen)
    values = complete(to_values(inputs or {}, chosen, components), components)
    with contextlib.ExitStack() as stack:
        copies = stack.enter_context(Copies())
        copy = copies.of(opened, meta)
        running = child or stack.enter_context(
            Child(python, imports=imports, op_libraries=op_libraries, gpu=gpu)
        )
        start_allowed(running, meta, chosen, allow_unsafe=allow_unsafe)
        try:
            outputs = run_signature(
                running, copy, chosen, values, components, loader=loader, time_limit=time_limit
            )
        except ExecutionFailed as error:
            error.hint = error.hint or told_of_no_image(error.message, values)
            raise
        copies.check_written()
        return outputs


def check_arguments(inputs: object, time_limit: object) -> None:
    """Check the types of what `run` and `probe` are given.

    Raises:
        WrongType: one has another type.
    """
    expect(inputs, (Mapping, NoneType), "The inputs", "a dict of input keys to values")
    expect(time_limit, (int, float, NoneType), "The time limit", "a number of seconds")


def open_to_run(
    model: Model | str | os.PathLike[str],
    tags: str | Iterable[str] | None,
    signature: str | None,
    *,
    allow_unsafe: bool,
) -> tuple[Model, Signature]:
    """Open a model and return it with the signature to run, if both may be run.

    Raises:
        NotAllowedToRun: unsafe ops are reached, and nobody allowed it.
        UnknownName, DiskError: the model, tag set or signature; an asset that lies outside the model.
    """
    opened = as_model(model, tags)
    chosen = opened.meta.signature(signature)
    check_inside(opened.meta.assets)
    if not allow_unsafe:
        refuse_unsafe(opened.meta, chosen.key)
    return opened, chosen


def start_allowed(child: Child, meta: MetaGraph, signature: Signature, *, allow_unsafe: bool) -> None:
    """Start a process, and refuse unsafe ops again by the version of TensorFlow that it has.

    Raises:
        NotAllowedToRun: that version is not known, so that more ops count as unsafe, and nobody allowed it.
        TensorFlowMissing, ChildDied: it did not start.
    """
    if not allow_unsafe and (version := unread_version(child.start())) is not None:
        refuse_unsafe(meta, signature.key, version)


def refuse_unsafe(meta: MetaGraph, signature: str, tensorflow: str | None = None) -> None:
    """Refuse to run a model that reaches ops that do more than compute.

    Args:
        meta: the MetaGraph.
        signature: the key of what is run.
        tensorflow: the version that runs it, if the walk does not know its loaders.

    Raises:
        NotAllowedToRun: it does.
    """
    from workbench.checks.unsafe import unsafe_message, unsafe_ops

    found = unsafe_ops(meta, [signature], tensorflow=tensorflow)
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
    loader: Loader | None = None,
    time_limit: float | None = None,
) -> dict[str, Array]:
    """Run a signature on arrays that fit it; see `run`.

    Args:
        child: is started if it does not run.
        model: where the model is.
        signature: one of its signatures.
        values: component to array, complete.
        components: the signature's inputs.
        loader: as for `run`.
        time_limit: as for `run`.
    """
    from workbench.disk import dtypes

    if loader == "v2" and model.kind == "graphdef":
        raise UsageError("tf.saved_model.load does not read a GraphDef.", hint="Use the v1 loader.")
    sample = {
        component: codec.encode(
            array, dtypes.name(components[component].dtype) if components[component].dtype else None
        )
        for component, array in values.items()
    }
    job = {
        "job": "run",
        "model": model.as_json(),
        "signature": signature.key,
        "inputs": port_json(signature.inputs),
        "outputs": port_json(signature.outputs),
        "sample": sample,
    }
    child.start()
    try:
        answer = child.request({**job, "loader": loader or "v1"}, time_limit=time_limit)
    except ExecutionFailed:
        if loader is not None or model.kind == "graphdef":
            raise
        # what was saved as an object is sometimes restored there only; if not, the first error counts
        with contextlib.suppress(ExecutionFailed):
            answer = child.request({**job, "loader": "v2"}, time_limit=time_limit)
            return codec.decode_sample(answer["outputs"])
        raise
    return codec.decode_sample(answer["outputs"])
