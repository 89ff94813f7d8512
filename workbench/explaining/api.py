"""`workbench.explain`: a model, or something in it, explained."""

from __future__ import annotations

import os
from collections.abc import Iterable
from types import NoneType
from typing import TYPE_CHECKING

from workbench.disk import optable
from workbench.errors import UnknownName, expect
from workbench.explaining.addresses import Named, NodeTarget, find
from workbench.explaining.explanation import Explanation
from workbench.explaining.functions import explain_function, explain_signature
from workbench.explaining.models import explain_model
from workbench.explaining.nodes import explain_node
from workbench.explaining.ops import explain_op
from workbench.explaining.terms import explain_term, explain_terms
from workbench.explaining.view import View
from workbench.model import Model, as_model
from workbench.model.signature import Signature
from workbench.names import did_you_mean, show

if TYPE_CHECKING:
    from workbench.disk.schema import OpDef


def explain(
    model: Model | str | os.PathLike[str] | None = None,
    what: str | None = None,
    *,
    signature: str | None = None,
    tags: str | Iterable[str] | None = None,
) -> Explanation:
    """Return an explanation of a model, or of something in it, in plain sentences.

    Nothing is run, and TensorFlow is not imported.

    Args:
        model: an opened model or its path; None for an op or a term without a model.
        what: a signature, a key of its inputs or outputs, a node, a tensor `node:0`, a node inside calls
            `CALL::node`, a function, a callable, an op, or `term:WORD`; None for the whole model, or without a model
            for the list of terms.
        signature: the signature whose path and keys are meant; None for the obvious one.
        tags: the tag set, as of `open_model`.

    Raises:
        UnknownName: there is nothing of that name; the nearest names are in the hint.
        WorkbenchError: the model can't be opened.
    """
    expect(what, (str, NoneType), "What is explained", "text")
    if model is None:
        return _without_model(what)
    opened = as_model(model, tags)
    view = View(opened.meta, signature)
    path = str(opened.read_from)
    if what is None:
        return explain_model(view, path)
    target = find(view, what)
    if isinstance(target, Signature):
        return explain_signature(view, target, opened.read_from)
    if isinstance(target, NodeTarget):
        return explain_node(view, target.level, target.name, target.index)
    return _named(view, target, path)


def _named(view: View, target: Named, path: str) -> Explanation:
    if target.kind == "term":
        return explain_term(target.name, view, path)
    if target.kind == "function":
        return explain_function(view, target.name)
    op_def = view.meta.op_table.get(target.name)
    if op_def is None and target.name not in view.meta.ops:
        raise _no_op(target.name, view.meta.ops)
    return explain_op(view, target.name, op_def)


def _without_model(what: str | None) -> Explanation:
    if what is None:
        return explain_terms()
    kind, _, name = what.partition(":")
    if kind == "term":
        return explain_term(name)
    op = name if kind == "op" and name else what
    op_def: OpDef | None = optable.lookup(op)
    if op_def is None:
        raise _no_op(op, ())
    return explain_op(None, op, op_def)


def _no_op(op: str, more: Iterable[str]) -> UnknownName:
    hint = did_you_mean(op, [*more, *optable.all_names()], noun="ops")
    return UnknownName(f"There is no op {show(op)!r}.", hint=hint)
