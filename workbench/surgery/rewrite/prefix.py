"""Prefixing: all rules by which the names of a model get the model's handle.

A name of a model lives in many places, and a place left out is not an error but a wrong number: two models whose
variables share a `shared_name` read each other's weights without a word. So each rule is a member of `Rule`, is
counted, and can be left out by a test that shows the fault this causes.

Sources: TensorFlow's node_def.proto, function.proto, op_def.proto, meta_graph.proto, variable.proto,
control_flow.proto; `ResourceMgr`/`ContainerInfo::Init` for what an empty `shared_name` means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from enum import StrEnum

from workbench import names
from workbench.disk.schema import (
    AttrValue,
    FunctionDef,
    GradientDef,
    NameAttrList,
    NodeDef,
    RegisteredGradient,
    ValuesDef,
    VariableDef,
)
from workbench.model.op_classes import REF_VARIABLES

# ResourceHandle's anonymous name: such a resource is private by definition (resource_handle.h).
ANONYMOUS = "cd2c89b7-88b7-44c8-ad83-06c2a9158347"
# NAME_MAX of Linux file systems, in bytes.
# Kernels that fall back to the node's own name when shared_name is empty.
_NAMED_BY_NODE = REF_VARIABLES | frozenset(
    {
        "BatchFunction",
        "Batch",
        "Unbatch",
        "UnbatchGrad",
        "Stage",
        "Unstage",
        "StagePeek",
    }
)
_TEMPORARY = frozenset({"TemporaryVariable", "DestroyTemporaryVariable"})
# Functions of one such name are taken for each other: grappler calls the one made for the device
# (implementation_selector.cc). Keras writes it for each recurrent layer.
_IMPLEMENTS = "api_implements"
_FUNCTION_NAME_ATTRS = ("forward_function_name", "backward_function_name")
# A node with none of these names nothing but its inputs and the functions it calls.
NAMING_ATTRS = frozenset({*_FUNCTION_NAME_ATTRS, "_gradient_op_type", "frame_name", "shared_name"})
NAMING_OPS = _NAMED_BY_NODE | _TEMPORARY | {"VarHandleOp"}


class Rule(StrEnum):
    """A kind of place in which a name occurs."""

    NODE = "node"
    INPUT = "input"
    CONTROL_INPUT = "control-input"
    COLOCATION = "colocation"
    FUNCTION = "function"
    FUNCTION_ATTR = "function-attr"
    FUNCTION_OP = "function-op"
    FUNCTION_NAME_ATTR = "function-name-attr"
    IMPLEMENTS = "implements"
    GRADIENT = "gradient"
    GRADIENT_OP_TYPE = "gradient-op-type"
    SHARED_NAME = "shared-name"
    EMPTY_SHARED_NAME = "empty-shared-name"
    FRAME = "frame-name"
    CHECKPOINT_KEY = "checkpoint-key"
    COLLECTION = "collection"
    VARIABLE_DEF = "variable-def"
    CONTROL_FLOW = "control-flow-context"
    SIGNATURE = "signature-tensor"
    SAVER = "saver"
    ASSET = "asset"


# Rules by which a name is given; all others only follow one of these to a place where it is used.
IDENTITIES = frozenset(
    {
        Rule.NODE,
        Rule.FUNCTION,
        Rule.GRADIENT_OP_TYPE,
        Rule.IMPLEMENTS,
        Rule.SHARED_NAME,
        Rule.EMPTY_SHARED_NAME,
        Rule.FRAME,
        Rule.CHECKPOINT_KEY,
        Rule.ASSET,
    }
)


class RenameLog:
    """The record of renamed names.

    Attributes:
        counts: how many places each rule changed.
        maps: old to new name, for the rules that give names.
    """

    def __init__(self) -> None:
        self.counts: Counter[Rule] = Counter()
        self.maps: dict[Rule, dict[str, str]] = {rule: {} for rule in Rule if rule in IDENTITIES}

    def add(self, rule: Rule, old: str, new: str) -> None:
        """Record one rename."""
        self.counts[rule] += 1
        if rule in IDENTITIES:
            self.maps[rule][old] = new


class Renamer:
    """Prefix all names of one model, in place, in messages that are copies.

    Args:
        handle: the model's handle; `handle/` is put before every name.
        functions: names of the functions of the model's library that are kept.
        gradient_ops: op types registered by the model's `registered_gradients`.
        without: rules to leave out; for tests only.
    """

    def __init__(
        self,
        handle: str,
        functions: Container[str] = (),
        gradient_ops: Container[str] = (),
        without: Iterable[Rule] = (),
    ) -> None:
        self.handle = handle
        self.prefix = f"{handle}/"
        self.functions = functions
        self.gradient_ops = gradient_ops
        self.log = RenameLog()
        self._without = frozenset(without)
        self._nodes = self.log.maps[Rule.NODE]

    def _new(self, rule: Rule, old: str) -> str:
        if rule in self._without:
            return old
        new = self.prefix + old
        self.log.add(rule, old, new)
        return new

    # -- single names

    def node(self, name: str, rule: Rule = Rule.NODE) -> str:
        """Return the new name of a main graph's node."""
        return self._new(rule, name)

    def tensor(self, name: str, rule: Rule) -> str:
        """Return the new name of a tensor, op or control input outside the nodes."""
        if not name:
            return name
        if name.startswith("^"):
            return "^" + self._new(rule, name[1:])
        return self._new(rule, name)

    def function(self, name: str, rule: Rule = Rule.FUNCTION) -> str:
        """Return the new name of a function; a function of another model stays."""
        return self._new(rule, name) if name in self.functions else name

    def key(self, key: str) -> str:
        """Return the new key of a checkpoint tensor."""
        return self._new(Rule.CHECKPOINT_KEY, key)

    def asset(self, filename: str, new: str) -> str:
        """Record the new name of an asset file and return it.

        Args:
            filename: relative to `assets/`.
            new: the same in the result, as `asset_names` gives it.
        """
        self.log.add(Rule.ASSET, filename, new)
        return new

    # -- nodes

    def main_node(self, node: NodeDef, old: str, kept: Container[str]) -> None:
        """Rename a main graph's node: its name, inputs, colocation and attributes.

        Args:
            node: the NodeDef, a copy.
            old: its name.
            kept: the model's nodes that are in the result, under their old names.
        """
        if Rule.NODE not in self._without:  # as `node` does, without its calls: there are many nodes
            self._nodes[old] = node.name = self.prefix + old
            self.log.counts[Rule.NODE] += 1
        inputs = list(node.input)
        if inputs:
            node.input[:] = self._inputs(inputs)
        if "_class" in node.attr:
            self._colocation(node, kept)
        self._attributes(node, old, in_body=False)

    def _inputs(self, inputs: list[str]) -> list[str]:
        """Return the new inputs of a node; counted together, as there are more of them than of anything else."""
        prefix = "" if Rule.INPUT in self._without else self.prefix
        control = "^" if Rule.CONTROL_INPUT in self._without else f"^{self.prefix}"
        renamed = [control + text[1:] if text[:1] == "^" else prefix + text for text in inputs]
        waits = sum(text[:1] == "^" for text in inputs)
        if prefix and waits < len(inputs):
            self.log.counts[Rule.INPUT] += len(inputs) - waits
        if waits and control != "^":
            self.log.counts[Rule.CONTROL_INPUT] += waits
        return renamed

    def _colocation(self, node: NodeDef, kept: Container[str]) -> None:
        places = node.attr["_class"].list.s
        renamed: list[bytes] = []
        for place in places:
            if not place.startswith(b"loc:@"):
                renamed.append(place)
                continue
            target = place[5:].decode("utf-8", "replace")
            if target in kept:
                renamed.append(b"loc:@" + self._new(Rule.COLOCATION, target).encode())
        if renamed:
            places[:] = renamed
        else:
            del node.attr["_class"]

    def body_node(self, node: NodeDef) -> None:
        """Rename what a body's node refers to globally; its name and inputs stay."""
        self._attributes(node, node.name, in_body=True)

    def _attributes(self, node: NodeDef, old_name: str, *, in_body: bool) -> None:
        attrs = node.attr
        listed = list(attrs)  # not `items`, which takes four times as long
        for name in listed:
            value = attrs[name]
            kind = value.WhichOneof("value")
            if kind is None:
                # Reading a key of a protobuf map makes it, and an attribute without a value stops every loader.
                del attrs[name]
            elif kind == "func" or (kind == "list" and name != "_output_shapes"):  # which most nodes have
                self._functions_in(value, kind)
        op = node.op
        if NAMING_ATTRS.isdisjoint(listed) and op not in NAMING_OPS and op not in self.functions:
            return
        if node.op in self.functions:
            node.op = self.function(node.op, Rule.FUNCTION_OP)
        for name in _FUNCTION_NAME_ATTRS:
            if name in attrs and attrs[name].s:
                text = attrs[name].s.decode("utf-8", "replace")
                attrs[name].s = self.function(text, Rule.FUNCTION_NAME_ATTR).encode()
        if "_gradient_op_type" in attrs:
            text = attrs["_gradient_op_type"].s.decode("utf-8", "replace")
            if text in self.gradient_ops:
                attrs["_gradient_op_type"].s = self._new(Rule.GRADIENT_OP_TYPE, text).encode()
        if "frame_name" in attrs:
            # Enter: all of one loop's share it, and two loops of one name in a graph are one broken loop.
            attrs["frame_name"].s = self._new(
                Rule.FRAME, attrs["frame_name"].s.decode("utf-8", "replace")
            ).encode()
        self._shared_name(node, old_name, in_body=in_body)

    def _function_attr(self, function: NameAttrList) -> None:
        function.name = self.function(function.name, Rule.FUNCTION_ATTR)
        if _IMPLEMENTS in function.attr and function.attr[_IMPLEMENTS].s:
            text = function.attr[_IMPLEMENTS].s.decode("utf-8", "replace")
            function.attr[_IMPLEMENTS].s = self._new(Rule.IMPLEMENTS, text).encode()
        for value in function.attr.values():
            self._functions_in(value, value.WhichOneof("value"))

    def _functions_in(self, value: AttrValue, kind: str | None) -> None:
        """Rename the functions in an attribute.

        Args:
            value: the attribute.
            kind: which field of it is set.
        """
        if kind == "func":
            self._function_attr(value.func)
        elif kind == "list":
            for function in value.list.func:
                self._function_attr(function)

    def _shared_name(self, node: NodeDef, old_name: str, *, in_body: bool) -> None:
        if node.op in _TEMPORARY:
            self._identity(node, "var_name", old_name, by_node=in_body or node.op.startswith("Destroy"))
        elif (
            "shared_name" in node.attr or node.op == "VarHandleOp" or (in_body and node.op in _NAMED_BY_NODE)
        ):
            sharing = "use_node_name_sharing" in node.attr and node.attr["use_node_name_sharing"].b
            by_node = node.op in _NAMED_BY_NODE or sharing
            self._identity(node, "shared_name", old_name, by_node=by_node)

    def _identity(self, node: NodeDef, attr: str, old_name: str, *, by_node: bool) -> None:
        text = node.attr[attr].s.decode("utf-8", "replace") if attr in node.attr else ""
        if text == ANONYMOUS:
            return
        if text:
            node.attr[attr].s = self._new(Rule.SHARED_NAME, text).encode()
        elif node.op == "VarHandleOp":
            # An empty name is a name: all such handles in a container are one variable.
            if Rule.EMPTY_SHARED_NAME not in self._without:
                node.attr[attr].s = self._new(Rule.EMPTY_SHARED_NAME, "").encode()
        elif by_node and Rule.EMPTY_SHARED_NAME not in self._without:
            node.attr[attr].s = self._new(Rule.EMPTY_SHARED_NAME, old_name).encode()

    # -- the function library

    def function_def(self, function: FunctionDef, naming: Iterable[int] | None = None) -> None:
        """Rename a copy of a FunctionDef and every global name in its body.

        Args:
            function: the FunctionDef, a copy.
            naming: where in its body the nodes stand that name more than their inputs; None for anywhere.
        """
        function.signature.name = self.function(function.signature.name)
        body = function.node_def
        for node in body if naming is None else map(body.__getitem__, naming):
            self.body_node(node)
        for name in _FUNCTION_NAME_ATTRS:
            if name in function.attr and function.attr[name].s:
                text = function.attr[name].s.decode("utf-8", "replace")
                function.attr[name].s = self.function(text, Rule.FUNCTION_NAME_ATTR).encode()
        if _IMPLEMENTS in function.attr and function.attr[_IMPLEMENTS].s:
            text = function.attr[_IMPLEMENTS].s.decode("utf-8", "replace")
            function.attr[_IMPLEMENTS].s = self._new(Rule.IMPLEMENTS, text).encode()
        for value in function.attr.values():
            self._functions_in(value, value.WhichOneof("value"))

    def gradient(self, gradient: GradientDef) -> None:
        """Rename the functions in a copy of a GradientDef."""
        gradient.function_name = self.function(gradient.function_name, Rule.GRADIENT)
        gradient.gradient_func = self.function(gradient.gradient_func, Rule.GRADIENT)

    def registered_gradient(self, gradient: RegisteredGradient) -> None:
        """Rename the names in a copy of a RegisteredGradient."""
        gradient.gradient_func = self.function(gradient.gradient_func, Rule.GRADIENT)
        if gradient.registered_op_type in self.gradient_ops:
            gradient.registered_op_type = self._new(Rule.GRADIENT_OP_TYPE, gradient.registered_op_type)

    # -- beside the graph

    def variable_def(self, variable: VariableDef) -> None:
        """Rename the names in a copy of a VariableDef."""
        for field in ("variable_name", "initial_value_name", "initializer_name", "snapshot_name"):
            setattr(variable, field, self.tensor(getattr(variable, field), Rule.VARIABLE_DEF))
        if variable.HasField("save_slice_info_def"):
            info = variable.save_slice_info_def
            info.full_name = self.tensor(info.full_name, Rule.VARIABLE_DEF)

    def values_def(self, values: ValuesDef, kept: Container[str]) -> None:
        """Rename a copy of a context's ValuesDef and drop names of removed nodes."""
        survivors = [name for name in values.values if names.input_node(name) in kept]
        values.values[:] = [self.tensor(name, Rule.CONTROL_FLOW) for name in survivors]
        external: Mapping[str, str] = dict(values.external_values)
        values.external_values.clear()
        for key, value in external.items():
            if names.input_node(key) in kept and names.input_node(value) in kept:
                values.external_values[self.tensor(key, Rule.CONTROL_FLOW)] = self.tensor(
                    value, Rule.CONTROL_FLOW
                )
