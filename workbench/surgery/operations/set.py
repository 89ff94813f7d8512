"""Set: replace an input of a signature by a constant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from workbench.disk import dtypes
from workbench.disk.schema import NodeDef, TensorInfo
from workbench.errors import InputError
from workbench.findings import Finding
from workbench.graph.adjacency import Adjacency
from workbench.model import shapes
from workbench.model.op_classes import ENTERS, EXITS, NEXT_ITERATIONS
from workbench.model.signature import HIDDEN_SIGNATURES, Port, Signature
from workbench.names import TensorName, did_you_mean, input_node, input_tensor, show
from workbench.surgery import values
from workbench.surgery.export.signature_functions import InUse, children_by_key, sweep, unlink
from workbench.surgery.operation import Operation, option, register
from workbench.surgery.resolve.endpoints import chosen_signature
from workbench.surgery.signatures.change_signatures import drop_warmup, make_function
from workbench.surgery.step_files import files_of
from workbench.surgery.workspace import Workspace

_LOOP_OPS = ENTERS | EXITS | NEXT_ITERATIONS | {"LoopCond"}


@register
@dataclass(frozen=True, slots=True)
class Set(Operation):
    """Set an input of a signature to a constant; the signature no longer has it.

    Other signatures and callables stay as they were: nodes that they need as well are copied.

    Attributes:
        input: key of the input, which is removed from the signature.
        value: a value of the input's dtype and shape, or `@FILE.npy`.
        signature: key of the signature; None for `serving_default` if there, else the only one.
    """

    NAME: ClassVar[str] = "set"
    EXAMPLES: ClassVar[tuple[str, ...]] = ("set input=is_training value=false", "set input=x value=@x.npy")
    PAIRED: ClassVar[tuple[str, str] | None] = ("input", "value")

    input: str = option(values.Text(), "key of the input, which is removed", metavar="KEY", keys="inputs")
    value: Any = option(values.Constant(), "its value: JSON, or @FILE.npy", metavar="JSON")
    signature: str | None = option(
        values.Text(optional=True), "key of the signature", metavar="KEY", default=None
    )

    def apply(self, workspace: Workspace) -> None:
        """Apply it to a workspace; nothing is folded or pruned.

        Other signatures and callables stay as they were: nodes that they need as well are copied.

        Raises:
            InputError: the file can't be read.
        """
        found = chosen_signature(workspace.original, "model", self.signature)
        if isinstance(found, Finding):
            workspace.findings.append(found)
            return
        port = found.inputs.get(self.input)
        if port is None:
            told = f"The signature {show(found.key)!r} has no input {show(self.input)!r}."
            hint = did_you_mean(self.input, found.inputs, noun="inputs")
            workspace.note("signature-input", "error", show(self.input), told, hint)
            return
        array = _array(workspace, f"{show(found.key)}#{show(port.key)}", port, self.value)
        if array is None:
            return
        _set(workspace, found, port, array)
        for path in files_of(self):
            workspace.keep_file(Path(path), workspace.plan.file_name(path))


def _array(workspace: Workspace, where: str, port: Port, value: Any) -> Any:
    """Return the value as an array of the input's dtype, or report why it can't be."""
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
        path = Path(value[1:])
        try:
            return np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as problem:
            reason = f"{show(str(path))} can't be read as .npy: {show(str(problem))}."
            raise InputError(reason, hint="Write it with numpy.save.") from None
    try:
        array = np.array(value)
    except ValueError:  # rows of different lengths
        return np.array(None, dtype=object)
    return array if array.dtype.kind not in "US" else np.array(value, dtype=object)


def _set(workspace: Workspace, signature: Signature, port: Port, array: Any) -> None:
    meta_graph = workspace.meta_graph
    before, graph = InUse.of(meta_graph), meta_graph.graph_def
    nodes = {node.name: node for node in graph.node}
    tensor, outputs = (
        input_tensor(port.tensor),
        [one for p in signature.outputs.values() for one in p.tensors],
    )
    path = _path(nodes, tensor, outputs)
    shared = bool(path & _needed_elsewhere(workspace, signature, nodes))
    frames = sorted(name for name in path if nodes[name].op in _LOOP_OPS)
    if shared and frames:
        told = f"Another signature needs the loop of {show(frames[0])!r} as well, which can't be copied."
        workspace.note(
            "R1-control-flow", "error", show(port.key), told, "Drop the other signature in a step before."
        )
        return
    number = 1
    while any(name.startswith(f"set_{number}/") for name in nodes):
        number += 1
    constant = graph.node.add(name=f"set_{number}/value", op="Const")
    _fill(constant, dtypes.base(port.dtype), array)
    renamed: dict[str, str] = {}
    if shared:
        renamed = {name: f"set_{number}/{name}" for name in nodes if name in path}
    for name in [name for name in nodes if name in path]:
        node = nodes[name]
        if shared:
            node = graph.node.add()
            node.CopyFrom(nodes[name])
            node.name = renamed[name]
            if "_class" in node.attr:
                del node.attr["_class"]
        node.input[:] = [_redirected(text, tensor, constant.name, renamed) for text in node.input]
    definition = meta_graph.signature_def[signature.key]
    del definition.inputs[port.key]
    if port.key in definition.defaults:
        del definition.defaults[port.key]
    for info in definition.outputs.values():
        _rename(info, tensor, constant.name, renamed)
    if signature.key in children_by_key(meta_graph.object_graph_def):
        unlink(meta_graph.object_graph_def, signature.key)
        make_function(workspace, signature.key)
        sweep(meta_graph, before)
    references = workspace.references
    if signature.key in references.known:
        references.known[signature.key] = references.known[signature.key].with_constant(port.key, array)
        references.verify([signature.key])
    workspace.faithful = False
    drop_warmup(workspace)


def _path(nodes: dict[str, NodeDef], tensor: TensorName, outputs: list[str]) -> set[str]:
    """Return the nodes between a tensor and some outputs."""
    above = Adjacency(nodes).ancestors(map(input_node, outputs))
    consumers: dict[str, list[str]] = {}
    for name in above:
        for text in nodes[name].input if name in nodes else ():
            consumers.setdefault(input_node(text), []).append(name)
    first = [
        name
        for name in consumers.get(tensor.node, ())
        if any(_is(text, tensor) for text in nodes[name].input)
    ]
    seen: set[str] = set()
    while first:
        name = first.pop()
        if name not in seen:
            seen.add(name)
            first += consumers.get(name, ())
    return seen


def _needed_elsewhere(workspace: Workspace, signature: Signature, nodes: dict[str, NodeDef]) -> set[str]:
    """Return the nodes that other signatures need."""
    roots = [
        input_node(tensor)
        for key, other in workspace.original.signatures.items()
        if key != signature.key and key not in HIDDEN_SIGNATURES
        for port in (*other.outputs.values(), *other.inputs.values())
        for tensor in port.tensors
    ]
    return Adjacency(nodes).ancestors(roots) if roots else set()


def _is(text: str, tensor: TensorName) -> bool:
    """Return whether an input is a tensor, or waits for its node's first output."""
    if text.startswith("^"):
        return text[1:] == tensor.node and tensor.index == 0
    return input_tensor(text) == tensor


def _redirected(text: str, tensor: TensorName, constant: str, renamed: dict[str, str]) -> str:
    if _is(text, tensor):
        return f"^{constant}" if text.startswith("^") else constant
    mark = "^" if text.startswith("^") else ""
    name = input_node(text)
    return f"{mark}{renamed[name]}{text[len(mark) + len(name) :]}" if name in renamed else text


def _names_in(info: TensorInfo) -> Iterator[tuple[Any, str]]:
    """Yield where a TensorInfo names tensors: the message and the field."""
    kind = info.WhichOneof("encoding")
    if kind == "coo_sparse":
        for part in ("values", "indices", "dense_shape"):
            yield info.coo_sparse, f"{part}_tensor_name"
    elif kind == "composite_tensor":
        for component in info.composite_tensor.components:
            yield from _names_in(component)
    else:
        yield info, "name"


def _rename(info: TensorInfo, tensor: TensorName, constant: str, renamed: dict[str, str]) -> None:
    for message, field in _names_in(info):
        named = input_tensor(getattr(message, field))
        if named == tensor:
            setattr(message, field, f"{constant}:0")
        elif named.node in renamed:
            setattr(message, field, f"{renamed[named.node]}:{named.index}")


def _fill(node: NodeDef, dtype: int, array: Any) -> None:
    node.attr["dtype"].type = dtype
    value = node.attr["value"].tensor
    value.dtype = dtype
    value.tensor_shape.SetInParent()
    for size in array.shape:
        value.tensor_shape.dim.add(size=size)
    if array.dtype == object:
        value.string_val.extend(array.reshape(-1).tolist())
    else:
        value.tensor_content = array.tobytes()
