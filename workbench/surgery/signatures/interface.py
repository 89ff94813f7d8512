"""The inputs and outputs of a join's result, before anything is renamed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from workbench.disk.schema import TensorInfo, TensorProto
from workbench.model import MetaGraph
from workbench.model import shapes as shapes_
from workbench.model.signature import Port, Signature
from workbench.surgery.imported import ImportedModel
from workbench.surgery.lineage import Reference, SourceTensors
from workbench.surgery.resolve.links import Link
from workbench.surgery.rewrite.shared_inputs import SharedPlaceholders


class ResultPort(NamedTuple):
    """One input or output of the result.

    Attributes:
        key: in the result's signature.
        handle: the part it comes from.
        own_key: its key there, or the node's name if no signature names it.
        info: TensorInfo with the part's own (old) names.
        default: value to use when it is not fed, or None.
        depends: for an output, whether an input of the result reaches it.
        shared: for an input that models share, its placeholders, whose names are final; `handle` is empty then.
    """

    key: str
    handle: str
    own_key: str
    info: TensorInfo
    default: TensorProto | None = None
    depends: bool = True
    shared: SharedPlaceholders | None = None

    @property
    def tensors(self) -> tuple[str, ...]:
        """The component tensors under the model's own names."""
        return tuple(info_tensors(self.info))

    @property
    def taking(self) -> tuple[SourceTensors, ...]:
        """The tensors of the models that take an input's value, under the models' own names."""
        if self.shared is None:
            return (SourceTensors(self.handle, self.tensors),)
        return tuple(SourceTensors(one.handle, one.tensors) for one in self.shared.targets)

    def own_keys(self, handle: str) -> list[str]:
        """Return the keys of a model's inputs that take an input's value."""
        if self.shared is None:
            return [self.own_key] if handle == self.handle else []
        return [one.key for one in self.shared.targets if one.handle == handle and one.key is not None]


@dataclass(slots=True)
class Interface:
    """The signature of the result, before anything is renamed.

    Attributes:
        inputs: in order: the first model's, then those of the others that are not wired.
        outputs: those of the models that feed no other, then those asked for besides.
        used: wires that some output needs.
        roots: for each part, what its outputs and wires need, as inputs of a node would be written.
        kept: signatures of the parts kept beside, by their new key.
    """

    inputs: list[ResultPort] = field(default_factory=list)
    outputs: list[ResultPort] = field(default_factory=list)
    used: list[Link] = field(default_factory=list)
    roots: dict[str, list[str]] = field(default_factory=dict)
    kept: dict[str, tuple[str, Signature]] = field(default_factory=dict)

    def reference(self) -> Reference:
        """Return how the signature of the result follows from the sources."""
        return Reference(
            {port.key: port.taking for port in self.inputs},
            {port.key: SourceTensors(port.handle, port.tensors) for port in self.outputs},
        )


def info_tensors(info: TensorInfo) -> Iterable[str]:
    """Yield the tensor names in a TensorInfo, one for each component."""
    kind = info.WhichOneof("encoding")
    if kind == "coo_sparse":
        sparse = info.coo_sparse
        yield from (sparse.indices_tensor_name, sparse.values_tensor_name, sparse.dense_shape_tensor_name)
    elif kind == "composite_tensor":
        for component in info.composite_tensor.components:
            yield from info_tensors(component)
    else:
        yield info.name


def rename_tensors(info: TensorInfo, rename: Callable[[str], str]) -> None:
    """Rename the tensors in a TensorInfo, in place.

    Args:
        info: the TensorInfo.
        rename: the name of a component to its new name.
    """
    kind = info.WhichOneof("encoding")
    if kind == "coo_sparse":
        sparse = info.coo_sparse
        for part in ("values", "indices", "dense_shape"):
            name = f"{part}_tensor_name"
            setattr(sparse, name, rename(getattr(sparse, name)))
    elif kind == "composite_tensor":
        for component in info.composite_tensor.components:
            rename_tensors(component, rename)
    else:
        info.name = rename(info.name)


def port_info(
    part: ImportedModel, signature: Signature, key: str, side: Literal["inputs", "outputs"]
) -> TensorInfo:
    """Return the TensorInfo of a key, made from the endpoint for a GraphDef."""
    return info_of(part.meta, signature, key, side)


def info_of(
    meta: MetaGraph, signature: Signature, key: str, side: Literal["inputs", "outputs"]
) -> TensorInfo:
    """Return the TensorInfo of a key of a signature, made from the endpoint for a GraphDef."""
    protos = meta.beside.signature_def
    if signature.key in protos:
        definition = protos[signature.key]
        info = TensorInfo()
        info.CopyFrom((definition.inputs if side == "inputs" else definition.outputs)[key])
        return info
    port: Port = getattr(signature, side)[key]
    info = TensorInfo(name=port.tensor, dtype=port.dtype)
    info.tensor_shape.CopyFrom(shapes_.to_proto(port.shape))
    return info
