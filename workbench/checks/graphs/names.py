"""Names that TensorFlow does not accept."""

from __future__ import annotations

import re

from workbench.checks.codes import Code, Found
from workbench.disk import optable
from workbench.graph.body import Body
from workbench.names import is_node_name, show

NODE_NAME = Code(
    "node-name", "error", "a node has a name that TensorFlow does not accept",
    "A name begins with a letter, a digit or a dot; after that only these and `_ / - > \\` are allowed; TensorFlow "
    "refuses to import the graph.",
    "Save the model again; a tool that edited the graph has made up the name.",
)  # fmt: skip
OP_NAME = Code(
    "op-name", "error", "an op has a name that no op can have",
    "Ops are registered in CamelCase, with a namespace before `>` if they have one: no library can bring this one. "
    "Where a function was meant, the library lacks it.",
    "Save the model again; a tool that edited the graph has made up the name, or lost a function.",
)  # fmt: skip

# `OpRegistry` validates with these (op_def_util.cc, ValidateOpDef); names that begin with _ are internal
_OP = re.compile(r"(?:_*[A-Z][A-Za-z0-9_]*>)*_*[A-Z][A-Za-z0-9_]*\Z")


def check(body: Body, found: Found) -> None:
    """Check the names of a body's nodes, and of ops unknown to TensorFlow."""
    functions = body.meta.functions
    told: set[str] = set()
    for name, node in body.nodes.items():
        if name and not is_node_name(name):
            found.add(NODE_NAME, body.where(name), "TensorFlow accepts no node of this name.")
        op = node.op
        if op and op not in told and op not in functions and not optable.is_known(op):
            told.add(op)
            if _OP.match(op) is None:
                found.add(OP_NAME, body.where(name), f"No op can be called {show(op)!r}, and no function is.")
