"""`workbench.explain`: a model, or something in it, explained."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterable
from types import NoneType
from typing import TYPE_CHECKING

from workbench.disk import optable
from workbench.errors import UnknownName, expect
from workbench.explaining.addresses import Named, NodeTarget, find
from workbench.explaining.explanation import Explanation
from workbench.explaining.functions import explain_argument, explain_function, explain_signature
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

_KEPT = 500
"""How many explanations of one model are kept."""


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
        signature: the signature that the path and keys belong to; None for the obvious one.
        tags: the tag set, as of `open_model`.

    Raises:
        UnknownName: there is nothing of that name; the nearest names are in the hint.
        WorkbenchError: the model can't be opened.
    """
    expect(what, (str, NoneType), "What is explained", "text")
    if model is None:
        return _without_model(what)
    return Explainer(as_model(model, tags), signature).explain(what)


class Explainer:
    """Explain things of one model; each explanation is made once.

    Any thread may ask; one explanation is made at a time.

    Args:
        model: the opened model.
        signature: the signature that the path and keys belong to; None for the obvious one.

    Raises:
        UnknownName: there is no such signature.
    """

    def __init__(self, model: Model, signature: str | None = None) -> None:
        self.model = model
        self.view = View(model.meta, signature)
        self._made: OrderedDict[str | None, Explanation] = OrderedDict()
        self._making = threading.Lock()

    def kept(self, what: str | None) -> Explanation | None:
        """Return an explanation that was made before, or None."""
        return self._made.get(what)

    def explain(self, what: str | None = None) -> Explanation:
        """Return the explanation of what `explain` takes.

        Raises:
            UnknownName: there is nothing of that name; the nearest names are in the hint.
        """
        with self._making:
            found = self._made.get(what)
            if found is None:
                found = self._made[what] = self._make(what)
                if len(self._made) > _KEPT:
                    self._made.popitem(last=False)
            return found

    def _make(self, what: str | None) -> Explanation:
        view, path = self.view, str(self.model.read_from)
        if what is None:
            return explain_model(view, path)
        target = find(view, what)
        if isinstance(target, Signature):
            return explain_signature(view, target, self.model.read_from)
        if isinstance(target, NodeTarget):
            if target.name not in target.level.nodes:
                return explain_argument(view, target.level, target.name)
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
