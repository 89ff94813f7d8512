"""Which inputs of a signature are the parts of one sparse or ragged tensor, and must fit each other.

A TF1 signature says so itself. A TF2 one lists the parts as inputs of their own, whatever their keys; the function
that they reach as arguments still knows, as long as the model has its objects. Where it has none, dtypes, shapes and
keys (`x`, `x_1`, `x_2`) tell the parts of sparse ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from workbench.disk import dtypes
from workbench.graph.level import Level, Value
from workbench.graph.trace import reached
from workbench.model import MetaGraph, Shape, Signature
from workbench.model.structured import Spec
from workbench.names import parse_tensor
from workbench.runtime.component_tensors import SPARSE_PARTS, ComponentTensor, component_names
from workbench.runtime.inputs.flow import PASSING

_INTEGERS = (dtypes.INT64, dtypes.INT32)


@dataclass(frozen=True, slots=True)
class Group:
    """Component tensors that are filled together.

    Attributes:
        kind: `dense` is one component; `sparse` indices, values and dense shape; `ragged` flat values and then
            row splits, the outermost first.
        names: the components.
        shape: of the tensor they make, as far as it is known; not used for `dense`.
    """

    kind: Literal["dense", "sparse", "ragged"]
    names: tuple[str, ...]
    shape: Shape = None


def find_groups(
    signature: Signature,
    components: Mapping[str, ComponentTensor],
    known: Iterable[Group] = (),
    *,
    guess: bool = False,
) -> list[Group]:
    """Return the groups of a signature's inputs, each component in one.

    Args:
        signature: the signature.
        components: its inputs.
        known: groups that the structure of the model tells (`structured_groups`).
        guess: also take `x` and an integer vector `x_1` for a ragged tensor.
    """
    found: list[Group] = []
    open_components = dict(components)

    def take(group: Group) -> None:
        found.append(group)
        for part in group.names:
            del open_components[part]

    for port in signature.inputs.values():
        names = component_names(port)
        if port.kind != "dense" and all(name in open_components for name in names):
            take(Group("sparse" if port.kind == "sparse" else "ragged", names, port.shape))
    for group in known:
        if all(part in open_components for part in group.names):
            take(group)
    for name in list(open_components):
        if name in open_components:
            guessed = _numbered(name, open_components, guess) or _named(name, open_components)
            if guessed is not None:
                take(guessed)
    return [*found, *(Group("dense", (name,)) for name in open_components)]


def structured_groups(meta: MetaGraph, tensors: Mapping[str, str]) -> list[Group]:
    """Return the groups that arrive as parts of one argument at a function whose structure the model stores.

    Args:
        meta: the MetaGraph.
        tensors: component to a tensor of its main graph.
    """
    arguments: dict[str, dict[int, Spec]] = {}
    for callable_ in meta.callables:
        for variant in callable_.variants:
            for spec in variant.inputs:
                if spec.kind in ("sparse", "ragged") and spec.count > 1:
                    parts = range(spec.first, spec.first + spec.count)
                    arguments.setdefault(variant.function, {}).update(dict.fromkeys(parts, spec))
    if not arguments:
        return []
    main = Level.of(meta)
    parts_of: dict[tuple[Level, Spec], dict[int, str]] = {}
    for component, tensor in tensors.items():
        at = parse_tensor(tensor)
        for value in reached(Value(main, at.node, at.index), PASSING) if at is not None else ():
            body = value.level.body
            if value.name in body.arguments and body.name in arguments:
                position = list(body.arguments).index(value.name)
                spec_ = arguments[body.name].get(position)
                if spec_ is not None:
                    parts_of.setdefault((value.level, spec_), {}).setdefault(
                        position - spec_.first, component
                    )
    found: list[Group] = []
    taken: set[str] = set()
    for (_, spec), parts_ in parts_of.items():
        names = tuple(parts_[number] for number in sorted(parts_))
        if len(names) == spec.count and len(set(names)) == len(names) and not taken & set(names):
            found.append(Group("sparse" if spec.kind == "sparse" else "ragged", names, spec.shape))
            taken.update(names)
    return found


def _numbered(name: str, components: Mapping[str, ComponentTensor], guess: bool) -> Group | None:
    """`x`, `x_1`, `x_2`, …, the parts of an argument `x`."""
    names = [name]
    while f"{name}_{len(names)}" in components:
        names.append(f"{name}_{len(names)}")
    for count in range(len(names), 1, -1):
        parts = tuple(names[:count])
        if count == 3 and _is_sparse([components[part] for part in parts]):
            return Group("sparse", parts)
        if guess and _is_ragged([components[part] for part in parts]):
            return Group("ragged", parts)
    return None


def _named(name: str, components: Mapping[str, ComponentTensor]) -> Group | None:
    """`x/indices`, `x/values` and `x/shape` (or `x/dense_shape`), whatever stands between."""
    stem = name.removesuffix("indices")
    if stem == name:
        return None
    for last in (SPARSE_PARTS[2], "shape"):
        parts = (name, f"{stem}values", f"{stem}{last}")
        if all(part in components for part in parts) and _is_sparse([components[part] for part in parts]):
            return Group("sparse", parts)
    return None


def _is_sparse(parts: list[ComponentTensor]) -> bool:
    indices, values, dense_shape = parts
    return (
        indices.dtype == dense_shape.dtype == dtypes.INT64
        and _rank(indices) in (2, None)
        and _rank(values) in (1, None)
        and _rank(dense_shape) in (1, None)
        and None not in (_rank(indices), _rank(dense_shape))
    )


def _is_ragged(parts: list[ComponentTensor]) -> bool:
    return all(part.dtype in _INTEGERS and _rank(part) == 1 and part.shape == (None,) for part in parts[1:])


def _rank(component: ComponentTensor) -> int | None:
    return None if component.shape is None else len(component.shape)
