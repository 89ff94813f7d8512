"""Values that steps give to inputs: JSON or a file, as arrays of the input's dtype and shape."""

from __future__ import annotations

from typing import Any

from workbench.disk import dtypes
from workbench.disk.arrays import read_npy
from workbench.disk.schema import NodeDef, TensorProto
from workbench.model import shapes
from workbench.model.signature import Port, Signature
from workbench.names import did_you_mean, show
from workbench.surgery.signatures.chosen import choose
from workbench.surgery.workspace import Workspace


def input_of(workspace: Workspace, signature: Signature, key: str) -> Port | None:
    """Return an input of a signature; report that it has none of this key, or that another key is the same tensor."""
    port = signature.inputs.get(key)
    if port is None:
        told = f"The signature {show(signature.key)!r} has no input {show(key)!r}."
        workspace.note(
            "signature-input", "error", show(key), told, did_you_mean(key, signature.inputs, noun="inputs")
        )
        return None
    same = [
        show(one.key) for one in signature.inputs.values() if one is not port and port.tensor in one.tensors
    ]
    if same:
        workspace.note(
            "signature-input",
            "error",
            show(key),
            f"Input {same[0]!r} feeds the same tensor as {show(key)!r}, {show(port.tensor)}.",
            f"Drop the input {same[0]!r} in a step before: signature drop_inputs={same[0]}.",
        )
        return None
    return port


def given_value(
    workspace: Workspace, key: str, value: Any, signature: str | None, as_key: str | None
) -> tuple[Signature, Port, Any] | None:
    """Return a signature, its input and the array that a step gives it, or report why there is none.

    Args:
        workspace: has the signature, and gets the findings.
        key: of the input.
        value: JSON, or `@FILE.npy`.
        signature: the key of the signature; None for the obvious one.
        as_key: the key of the signature that is added, or None.

    Raises:
        InputError: the file of the value can't be read.
    """
    found = choose(workspace, signature, as_key)
    port = input_of(workspace, found, key) if found is not None else None
    if found is None or port is None:
        return None
    array = array_for(workspace, f"{show(found.key)}#{show(port.key)}", port, value)
    return None if array is None else (found, port, array)


def array_for(workspace: Workspace, where: str, port: Port, value: Any) -> Any:
    """Return a value as an array of an input's dtype, or report why it can't be and return None.

    Args:
        workspace: has the input, and gets the findings.
        where: what a finding calls the input.
        port: the input.
        value: JSON, or `@FILE.npy`.

    Raises:
        InputError: the file can't be read.
    """
    import numpy as np

    actual = workspace.original.node_tensor(port.tensor) if port.kind == "dense" else None
    if actual is None:
        told = f"Input {show(port.key)!r} is {port.kind}; only a dense input can be set."
        workspace.note("R3-kind", "error", where, told)
        return None
    dtype, shape = dtypes.base(actual.dtype or port.dtype), actual.shape
    wanted, given = dtypes.numpy(dtype), _given(value)
    if dtype == dtypes.STRING:
        texts = [one.encode() if isinstance(one, str) else one for one in given.ravel().tolist()]
        array = np.array(texts, dtype=object).reshape(given.shape)
        same = all(isinstance(one, bytes) for one in texts)
    elif wanted is None or given.dtype == object or given.dtype.kind in "US":
        same = False
    else:
        array = given.astype(wanted)
        same = (given.dtype.kind == "b") == (wanted.kind == "b") and (
            (given.dtype.kind in "iuf" and wanted.kind not in "iu")
            or np.array_equal(array.astype(given.dtype), given)
        )
    if not same:
        told = f"Input {show(port.key)!r} takes {dtypes.name(dtype)}; the value is not of that dtype."
        workspace.note("R3-dtype", "error", where, told, f"Give {dtypes.name(dtype)} values.")
        return None
    if shapes.fits(array.shape, shape) == "refuted":
        told = f"Input {show(port.key)!r} takes {shapes.typed(dtype, shape)}; the value has the shape "
        workspace.note(
            "R4-shape", "error", where, f"{told}{list(array.shape)}.", "Give a value of its shape."
        )
        return None
    return array


def _given(value: Any) -> Any:
    """Return a value as a numpy array."""
    import numpy as np

    if isinstance(value, str) and value.startswith("@"):
        return read_npy(value[1:])
    try:
        array = np.array(value)
    except ValueError:  # rows of different lengths
        return np.array(None, dtype=object)
    return array if array.dtype.kind not in "US" else np.array(value, dtype=object)


def fill(node: NodeDef, dtype: int, array: Any) -> None:
    """Write an array into a Const.

    Args:
        node: without attrs.
        dtype: of the array, as an enum.
        array: of numbers, or of bytes as objects.
    """
    node.attr["dtype"].type = dtype
    write_tensor(node.attr["value"].tensor, dtype, array)


def write_tensor(value: TensorProto, dtype: int, array: Any) -> None:
    """Write an array into an empty TensorProto; arguments as for `fill`."""
    value.dtype = dtype
    value.tensor_shape.SetInParent()
    for size in array.shape:
        value.tensor_shape.dim.add(size=size)
    if array.dtype == object:
        value.string_val.extend(array.reshape(-1).tolist())
    else:
        value.tensor_content = array.tobytes()
