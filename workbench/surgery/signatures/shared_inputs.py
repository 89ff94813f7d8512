"""Shared inputs in the signature of a result: what they declare, and which models they feed."""

from __future__ import annotations

from collections.abc import Mapping, Set

from workbench import names
from workbench.disk.schema import TensorInfo, TensorProto
from workbench.findings import Finding
from workbench.model import shapes as shapes_
from workbench.model.op_classes import WITH_DEFAULT
from workbench.model.shapes import Shape
from workbench.names import show
from workbench.surgery.imported import ImportedModel
from workbench.surgery.resolve.endpoints import Endpoint
from workbench.surgery.resolve.join import Join
from workbench.surgery.resolve.shares import SharedInput
from workbench.surgery.rewrite.shared_inputs import SharedPlaceholders, node_names
from workbench.surgery.signatures.interface import ResultPort, info_tensors, port_info


def take_shared(join: Join, needed: Mapping[str, Set[str]]) -> list[ResultPort]:
    """Return the inputs of a result that models share; report those that nothing depends on.

    Args:
        join: its parts have their cuts already.
        needed: by handle, the nodes that the outputs of the result need.
    """
    taken = {*join.parts}
    found: list[ResultPort] = []
    for shared in join.shared:
        targets = []
        for target in shared.targets:
            bridges = {join.parts[target.handle].cuts[_tensor(tensor)] for tensor in target.tensors}
            if bridges & needed[target.handle]:
                targets.append(target)
                continue
            message = "No output of the result needs this input; the shared input does not feed it."
            join.findings.append(Finding("R9-dropped-input", "info", show(str(target)), message))
        if not targets:
            if not join.blocked:
                message = "No output of the result depends on an input that this one feeds."
                hint = "Share inputs that an output depends on, or leave it out."
                join.findings.append(Finding("share-unused", "error", show(str(shared), 1000), message, hint))
            continue
        nodes = node_names(shared, taken)
        taken.add(nodes[0].partition("/")[0])
        placeholders = SharedPlaceholders(shared, nodes, tuple(targets))
        _report_sizes(join, shared, targets)
        default = _default(join, shared, targets)
        info = _info(join, placeholders)
        found.append(ResultPort(shared.key, "", shared.key, info, default, shared=placeholders))
    return found


def _tensor(name: str) -> str:
    return str(names.input_tensor(name))


def _info(join: Join, found: SharedPlaceholders) -> TensorInfo:
    """Return the TensorInfo of a shared input."""
    shared, info = found.shared, TensorInfo()
    first = shared.targets[0]
    if first.kind == "dense":
        info.name, info.dtype = found.tensors[0], shared.dtypes[0]
        info.tensor_shape.CopyFrom(shapes_.to_proto(shared.shapes[0]))
        return info
    shape: Shape = None
    for target in shared.targets:
        part = join.parts[target.handle]
        assert target.signature is not None and target.key is not None  # bare tensors are dense
        own = port_info(part, part.meta.signatures[target.signature], target.key, "inputs")
        if target is first:
            info.CopyFrom(own)
        if own.HasField("tensor_shape"):
            shape = shapes_.both(shape, shapes_.from_proto(own.tensor_shape))
    if info.HasField("tensor_shape"):
        info.tensor_shape.CopyFrom(shapes_.to_proto(shape))
    _rename(info, dict(zip(info_tensors(info), found.tensors, strict=True)))
    return info


def _rename(info: TensorInfo, renames: Mapping[str, str]) -> None:
    kind = info.WhichOneof("encoding")
    if kind == "coo_sparse":
        sparse = info.coo_sparse
        for field in ("indices_tensor_name", "values_tensor_name", "dense_shape_tensor_name"):
            setattr(sparse, field, renames[getattr(sparse, field)])
    elif kind == "composite_tensor":
        for component in info.composite_tensor.components:
            _rename(component, renames)
    else:
        info.name = renames[info.name]


def _report_sizes(join: Join, shared: SharedInput, targets: list[Endpoint]) -> None:
    """Report models that take more than the shared input does."""
    for target in targets:
        for shape, own in zip(shared.shapes, target.shapes, strict=True):
            if shape is None or own is None or shape == own:
                continue
            batch = own[0] != shape[0]
            join.findings.append(
                Finding(
                    "share-sizes",
                    "warning" if batch else "info",
                    show(str(target)),
                    f"This input takes {shapes_.text(own)}; another one that shares its value takes less, so the "
                    f"result takes {shapes_.text(shape)}"
                    + (f": only a batch of {shape[0]} works." if batch else "."),
                )
            )


def _default(join: Join, shared: SharedInput, targets: list[Endpoint]) -> TensorProto | None:
    """Return the default that all targets have; report those that lose theirs."""
    defaults: list[TensorProto | None] = []
    for target in targets:
        part = join.parts[target.handle]
        declared = None
        if target.signature is not None and target.key is not None:
            declared = part.meta.signatures[target.signature].inputs[target.key].default
        defaults.append(declared)
        if declared is None and _has_default(part, target):
            _lost(join, shared, target)
    first = defaults[0]
    if first is not None and all(
        one is not None and one.SerializeToString() == first.SerializeToString() for one in defaults
    ):
        return first
    for target, default in zip(targets, defaults, strict=True):
        if default is not None:
            _lost(join, shared, target)
    return None


def _has_default(part: ImportedModel, target: Endpoint) -> bool:
    """Return whether an input may be left out: each of its components has a default in the graph."""
    return all(part.meta.nodes[name].op == WITH_DEFAULT for name in target.nodes)


def _lost(join: Join, shared: SharedInput, target: Endpoint) -> None:
    message = f"This input may be left out; the shared input {show(shared.key)!r} must be given."
    join.findings.append(Finding("share-default", "info", show(str(target)), message))
