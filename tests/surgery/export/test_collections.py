"""Contexts of control flow, versions and what the collections of a result say."""

from __future__ import annotations

from workbench.disk import schema
from workbench.surgery.export.collections import kept_contexts
from workbench.surgery.rewrite.prefix import Renamer

KEPT = dict.fromkeys(("pivot", "pred", "a", "b"), schema.NodeDef())


def cond(pivot: str = "pivot", pred: str = "pred:0", *values: str) -> schema.CondContextDef:
    found = schema.CondContextDef(context_name="cond", pivot_name=pivot, pred_name=pred)
    found.values_def.values.extend(values)
    return found


def kept(*entries: bytes, collection: str = "cond_context") -> tuple[list[bytes], int]:
    damaged: list[None] = []
    found = kept_contexts(collection, entries, KEPT, Renamer("m"), lambda: damaged.append(None))
    return found, len(damaged)


def test_a_context_is_renamed_and_forgets_what_is_gone() -> None:
    ((data,), damaged) = kept(cond("pivot", "pred:0", "a:0", "gone:0").SerializeToString())
    found = schema.CondContextDef.FromString(data)
    assert (found.context_name, found.pivot_name, found.pred_name) == ("m/cond", "m/pivot", "m/pred:0")
    assert list(found.values_def.values) == ["m/a:0"] and damaged == 0


def test_a_context_without_its_pivot_or_predicate_is_removed() -> None:
    assert kept(cond("gone").SerializeToString(), cond(pred="gone:0").SerializeToString()) == ([], 0)


def test_an_entry_that_is_damaged_is_reported_and_the_others_stay() -> None:
    found, damaged = kept(b"\xff\xff", cond().SerializeToString())
    assert len(found) == 1 and damaged == 1


def test_a_loop_keeps_the_exits_that_are_there() -> None:
    loop = schema.WhileContextDef(
        context_name="while", pivot_name="pivot", pivot_for_pred_name="pred", pivot_for_body_name="gone"
    )
    loop.loop_exit_names.extend(["a:0", "gone:0"])
    loop.loop_enter_names.append("b:0")
    ((data,), _) = kept(loop.SerializeToString(), collection="while_context")
    found = schema.WhileContextDef.FromString(data)
    assert (found.pivot_for_pred_name, found.pivot_for_body_name) == ("m/pred", "")
    assert (list(found.loop_exit_names), list(found.loop_enter_names)) == (["m/a:0"], ["m/b:0"])


def test_a_nested_context_goes_by_itself() -> None:
    outer = cond()
    for pivot in ("a", "gone"):
        outer.nested_contexts.add().cond_ctxt.CopyFrom(cond(pivot))
    ((data,), _) = kept(outer.SerializeToString())
    nested = schema.CondContextDef.FromString(data).nested_contexts
    assert [one.cond_ctxt.pivot_name for one in nested] == ["m/a"]
