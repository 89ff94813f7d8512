"""Variables that a function opens by their name instead of a handle it is given."""

from __future__ import annotations

from tests.protos import function, node
from workbench.surgery.export.variable_defs import opened_by_name


def test_the_first_function_that_opens_a_variable_is_named() -> None:
    bodies = [
        function("plain", ["a"], node("n", "Neg", "a", T=1)),
        function("first", [], node("v", "VarHandleOp", shared_name="w"), node("u", "VarHandleOp", dtype=1)),
        function("second", [], node("v", "VarHandleOp", shared_name="w")),
        function("third", [], node("v", "VariableV2", shared_name="ref")),
    ]
    looked_at = [(body.signature.name, body.node_def) for body in bodies]
    assert opened_by_name(looked_at) == {"w": "first", "": "first"}
    assert opened_by_name([]) == {}
