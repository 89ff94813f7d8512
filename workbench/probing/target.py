"""What is run: a signature, or a callable as the signature that is made of it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from workbench.errors import UnknownName, expect
from workbench.findings import Finding
from workbench.model import MetaGraph, Model, Port, Signature, as_model
from workbench.model.assets import check_inside
from workbench.names import did_you_mean, show
from workbench.runtime.api import refuse_unsafe
from workbench.runtime.chain import Call
from workbench.runtime.component_tensors import component_names
from workbench.surgery.resolve.callables import Prepared, prepare_named, usual_callable, variant_name


@dataclass(frozen=True, slots=True)
class Target:
    """A signature that is run.

    Attributes:
        model: the opened model.
        meta: its MetaGraph; of a callable a copy in which it is a signature.
        signature: one of its signatures.
        call: the callable that the signature was made of; None for a signature of the model.
    """

    model: Model
    meta: MetaGraph
    signature: Signature
    call: Call | None = None


def find_target(
    model: Model | str | os.PathLike[str], tags: str | Iterable[str] | None, name: str | None
) -> Target:
    """Open a model and return what a name means there.

    Args:
        model: an opened model, or what `open_model` takes.
        tags: tag set of the MetaGraph; None for the obvious one.
        name: key of a signature, a callable (`__call__`, `encode[2]` as `inspect` lists them), or None for
            `serving_default`, the only signature, or the usual callable of a model without signatures.

    Raises:
        UnknownName: there is no such signature or callable; the hint has the nearest.
        DiskError: it can't be opened, or an asset lies outside the model.
    """
    opened = as_model(model, tags)
    meta = opened.meta
    check_inside(meta.assets)
    if name is None:
        name = usual_callable(meta)
    if name is None or name in meta.signatures:
        return Target(opened, meta, meta.signature(name))
    prepared = prepare_named(opened, name) if isinstance(name, str) else None
    if isinstance(prepared, Finding):
        raise UnknownName(prepared.message, where=show(name), hint=prepared.hint)
    if prepared is None:
        expect(name, str, "A signature", "text")
        raise _unknown(meta, name)
    return _of_callable(opened, prepared)


def open_to_run(
    model: Model | str | os.PathLike[str],
    tags: str | Iterable[str] | None,
    name: str | None,
    *,
    allow_unsafe: bool,
) -> Target:
    """Open a model and return what is to be run, if it may be.

    Raises:
        NotAllowedToRun: unsafe ops are reached, and nobody allowed it.
        UnknownName, DiskError: as for `find_target`.
    """
    target = find_target(model, tags, name)
    if not allow_unsafe:
        refuse_unsafe(target.meta, target.signature.key)
    return target


def _of_callable(model: Model, prepared: Prepared) -> Target:
    called = prepared.called
    signature = prepared.meta.signature(called.key)
    sides = []
    for ports, tensors in ((signature.inputs, called.inputs), (signature.outputs, called.outputs)):
        names = _components(ports.values())
        sides.append(tuple(names.get(tensor, tensor) for tensor in tensors))
    return Target(model, prepared.meta, signature, Call(called.path, called.index, *sides))


def _components(ports: Iterable[Port]) -> dict[str, str]:
    """Return the name of the value of each tensor."""
    return {
        tensor: name
        for port in ports
        for name, tensor in zip(component_names(port), port.tensors, strict=True)
    }


def _unknown(meta: MetaGraph, name: str) -> UnknownName:
    """Return the error for a name that is neither a signature nor a callable."""
    callables = (
        [variant_name(meta, one, variant) for one in meta.callables for variant in one.variants]
        if meta.has_object_graph
        else []
    )
    known = [*meta.shown_signatures, *callables]
    kinds = (
        ("signature or callable", "signatures and callables") if callables else ("signature", "signatures")
    )
    return UnknownName(
        f"There is no {kinds[0]} {show(name)!r}.", hint=did_you_mean(name, known, noun=kinds[1])
    )
