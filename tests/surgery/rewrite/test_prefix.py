"""Prefixing: each place where a name of a model lives, one by one, on messages made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protos import Func, function, node
from workbench.disk import schema
from workbench.surgery.rewrite.prefix import ANONYMOUS, Renamer, Rule


def renamer(*functions: str, gradient_ops: tuple[str, ...] = ()) -> Renamer:
    return Renamer("m", functions, gradient_ops)


def renamed(before: Any, *, kept: tuple[str, ...] = (), functions: tuple[str, ...] = ()) -> Any:
    renamer(*functions).main_node(before, before.name, kept)
    return before


def test_a_node_its_inputs_and_control_inputs() -> None:
    found = renamed(node("y", "AddV2", "x", "call:1", "^init", T=1))
    assert (found.name, list(found.input)) == ("m/y", ["m/x", "m/call:1", "^m/init"])


def test_colocation_follows_what_is_kept() -> None:
    before = node("y", "Neg", "x", T=1)
    before.attr["_class"].list.s.extend([b"loc:@x", b"loc:@gone", b"other"])
    assert list(renamed(before, kept=("x",)).attr["_class"].list.s) == [b"loc:@m/x", b"other"]
    before = node("y", "Neg", "x", T=1)
    before.attr["_class"].list.s.append(b"loc:@gone")
    assert "_class" not in renamed(before, kept=("x",)).attr


def test_functions_of_the_model_are_renamed_and_others_are_not() -> None:
    before = node("c", "Case", "x", branches=[Func("f"), Func("elsewhere")], f=Func("f"))
    found = renamed(before, functions=("f",))
    assert [one.name for one in found.attr["branches"].list.func] == ["m/f", "elsewhere"]
    assert found.attr["f"].func.name == "m/f"
    assert renamed(node("c", "f", "x"), functions=("f",)).op == "m/f", "a function called as an op"


@pytest.mark.parametrize(
    ("op", "given", "expected"),
    [
        ("VarHandleOp", "w", "m/w"),
        ("VarHandleOp", "", "m/"),  # an empty name is a name, too
        ("VariableV2", "w", "m/w"),
        ("VariableV2", "", "m/n"),  # the kernel takes the node's name
        ("HashTableV2", "table", "m/table"),
        ("HashTableV2", "", ""),  # private without a name
        ("VarHandleOp", ANONYMOUS, ANONYMOUS),
    ],
)
def test_shared_names(op: str, given: str, expected: str) -> None:
    assert renamed(node("n", op, shared_name=given)).attr["shared_name"].s == expected.encode()


def test_a_handle_without_the_attribute_gets_one() -> None:
    assert renamed(node("n", "VarHandleOp", dtype=1)).attr["shared_name"].s == b"m/"
    assert "shared_name" not in renamed(node("n", "Neg", "x", T=1)).attr


def test_the_frame_of_a_loop() -> None:
    assert renamed(node("e", "Enter", "x", frame_name="loop")).attr["frame_name"].s == b"m/loop"


def test_an_attribute_without_a_value_is_removed() -> None:
    before = node("y", "Neg", "x", T=1)
    before.attr["unset"].SetInParent()
    assert "unset" not in renamed(before).attr


def test_a_body_keeps_the_names_that_are_local_to_it() -> None:
    body = function(
        "f", ["a"], node("c", "PartitionedCall", "a", f=Func("g")), node("v", "VarHandleOp", shared_name="w")
    )
    renamer("f", "g").function_def(body)
    call, variable = body.node_def
    assert body.signature.name == "m/f"
    assert (call.name, list(call.input), call.attr["f"].func.name) == ("c", ["a"], "m/g")
    assert (variable.name, variable.attr["shared_name"].s) == ("v", b"m/w")


def test_gradients() -> None:
    gradient = schema.GradientDef(function_name="f", gradient_func="elsewhere")
    renamer("f").gradient(gradient)
    assert gradient == schema.GradientDef(function_name="m/f", gradient_func="elsewhere")
    registered = schema.RegisteredGradient(gradient_func="f", registered_op_type="Custom-1")
    renamer("f", gradient_ops=("Custom-1",)).registered_gradient(registered)
    assert registered == schema.RegisteredGradient(gradient_func="m/f", registered_op_type="m/Custom-1")


def test_a_variable_def() -> None:
    definition = schema.VariableDef(
        variable_name="w:0", initializer_name="w/Assign", snapshot_name="w/Read:0"
    )
    definition.save_slice_info_def.full_name = "whole"
    renamer().variable_def(definition)
    assert (definition.variable_name, definition.initializer_name) == ("m/w:0", "m/w/Assign")
    assert definition.snapshot_name == "m/w/Read:0" and definition.initial_value_name == ""
    assert definition.save_slice_info_def.full_name == "m/whole"


def test_what_was_renamed_is_counted_and_mapped() -> None:
    one = renamer("f")
    one.main_node(node("y", "PartitionedCall", "x", "^init", f=Func("f")), "y", ())
    assert one.log.counts == {Rule.NODE: 1, Rule.INPUT: 1, Rule.CONTROL_INPUT: 1, Rule.FUNCTION_ATTR: 1}
    assert one.log.maps[Rule.NODE] == {"y": "m/y"}
    assert one.key("w") == "m/w" and one.log.maps[Rule.CHECKPOINT_KEY] == {"w": "m/w"}
    assert one.tensor("", Rule.SIGNATURE) == "" and one.tensor("^init", Rule.COLLECTION) == "^m/init"
