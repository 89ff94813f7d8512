"""Running a model from Python: `run(model, inputs) -> outputs`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import ExecutionFailed, UsageError
from workbench.model import Model
from workbench.names import show
from workbench.probing.made_inputs import fill_inputs
from workbench.probing.target import open_to_run
from workbench.runtime.api import Loader, check_arguments, run_signature, start_allowed
from workbench.runtime.child_process.child import Child
from workbench.runtime.child_process.private_copy import Copies
from workbench.runtime.component_tensors import input_components
from workbench.runtime.inputs.images import told_of_no_image
from workbench.runtime.inputs.values import complete, to_values

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def run(
    model: Model | str | os.PathLike[str],
    inputs: Mapping[str, object] | None = None,
    signature: str | None = None,
    *,
    tags: str | Iterable[str] | None = None,
    made: bool = False,
    loader: Loader | None = None,
    child: Child | None = None,
    python: str | os.PathLike[str] | None = None,
    imports: Sequence[str] = (),
    op_libraries: Sequence[str | os.PathLike[str]] = (),
    gpu: bool = False,
    time_limit: float | None = None,
    allow_unsafe: bool = False,
) -> dict[str, Array]:
    """Run one signature or callable of a model in a TensorFlow process.

    Args:
        model: an opened model, or what `open_model` takes.
        inputs: key to value: arrays, nested lists, strings, bytes. A sparse input is given as `KEY.indices`,
            `KEY.values`, `KEY.dense_shape`, or as a tuple of the three; another composite likewise. A tensor of the
            main graph, `node:0`, may be fed as well.
        signature: its key, or a callable: `__call__`, `encode[2]` as `inspect` lists them; None for `serving_default`,
            the only signature, or the usual callable of a model without signatures.
        tags: tag set of the MetaGraph; None for the obvious one.
        made: make the inputs that are not given; `probe` also returns them.
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
    target = open_to_run(model, tags, signature, allow_unsafe=allow_unsafe, fed=inputs or ())
    meta, chosen = target.meta, target.signature
    components = input_components(meta, chosen)
    if made:
        values, _ = fill_inputs(target, components, inputs or {})
    else:
        values = dict(complete(to_values(inputs or {}, chosen, components), components))
    with contextlib.ExitStack() as stack:
        copies = stack.enter_context(Copies())
        copy = copies.of(target.model, meta)
        running = child or stack.enter_context(
            Child(python, imports=imports, op_libraries=op_libraries, gpu=gpu)
        )
        start_allowed(running, meta, chosen, allow_unsafe=allow_unsafe)
        try:
            outputs = run_signature(
                running,
                copy,
                chosen,
                values,
                components,
                call=target.call,
                loader=loader,
                time_limit=time_limit,
            )
        except ExecutionFailed as error:
            error.hint = error.hint or told_of_no_image(error.message, values)
            raise
        copies.check_written()
        return outputs
