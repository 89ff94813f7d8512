"""Reference variables (VariableV2) become resource variables (VarHandleOp).

The checkpoint stays as it is.

References run only in v1 Sessions in full: `tf.saved_model.load` shows no `variables` for them and refuses outputs of
a reference dtype. A variable one of whose users can't be expressed on a resource (Scatter*, RefSwitch, …) is left as
it is, and a finding says so.
"""

from __future__ import annotations

from workbench import names
from workbench.disk import dtypes
from workbench.disk.optable import input_args
from workbench.disk.schema import AttrValue, NodeDef
from workbench.model.op_classes import REF_VARIABLES
from workbench.model.tensors import is_vague_scalar
from workbench.names import show
from workbench.surgery.imported import ImportedModel, attr_type

_ASSIGNS = {
    "Assign": "AssignVariableOp",
    "AssignAdd": "AssignAddVariableOp",
    "AssignSub": "AssignSubVariableOp",
}


def rewrite_references(part: ImportedModel) -> int:
    """Rewrite every reference variable where possible; return how many were."""
    variables = [name for name, node in part.kept.items() if node.op in REF_VARIABLES]
    if not variables:
        return 0
    rewritten = _rewrite_all(part, variables)
    _bridge_references(part)
    return rewritten


def _rewrite_all(part: ImportedModel, variables: list[str]) -> int:
    consumers: dict[str, list[str]] = {}
    for name, node in part.kept.items():
        for text in node.input:
            if not text.startswith("^"):
                consumers.setdefault(names.input_node(text), []).append(name)
    rewritten = 0
    for variable in variables:
        users = _Users(part, variable, consumers)
        if users.obstacle is not None:
            part.note(
                "R7-ref-kept",
                "warning",
                show(variable),
                f"It stays a reference variable, because {users.obstacle} has no counterpart on resources.",
                "Its value is right, but tf.saved_model.load will not list it among the variables.",
            )
            continue
        users.rewrite()
        rewritten += 1
    return rewritten


class _Users:
    """Everything that uses one reference variable, directly or through an Assign."""

    def __init__(self, part: ImportedModel, variable: str, consumers: dict[str, list[str]]) -> None:
        self.part = part
        self.variable = variable
        self.assigns: dict[str, str] = {}  # Assign node -> the alias its reference came from
        self.others: list[tuple[str, int, str]] = []  # (node, input position, alias)
        self.obstacle: str | None = None
        aliases = [variable]
        for alias in aliases:
            for name in dict.fromkeys(consumers.get(alias, ())):
                self._look(name, alias, aliases)

    def _look(self, name: str, alias: str, aliases: list[str]) -> None:
        node = self.part.kept[name]
        positions = [
            index
            for index, text in enumerate(node.input)
            if not text.startswith("^") and names.input_node(text) == alias
        ]
        if node.op in _ASSIGNS and positions[0] == 0:
            self.assigns[name] = alias
            aliases.append(name)
            positions = positions[1:]
        elif node.op == "IsVariableInitialized":
            self.others.append((name, 0, alias))
            return
        refs = self._ref_positions(node)
        if refs is None:
            self.obstacle = f"{show(name)} ({show(node.op)}, an unknown op)"
            return
        for position in positions:
            if position in refs:
                self.obstacle = f"{show(name)} ({show(node.op)})"
            self.others.append((name, position, alias))

    def _ref_positions(self, node: NodeDef) -> set[int] | None:
        """Return the inputs where the op needs a reference; None for an unknown op."""
        if node.op in self.part.meta.functions:
            return set()
        op_def = self.part.meta.op_table.get(node.op)
        if op_def is None:
            return None
        ranges = input_args(node, op_def)
        if ranges is None:
            return None
        return {
            position
            for arg, place in zip(op_def.input_arg, ranges, strict=True)
            if arg.is_ref
            for position in range(place.first, place.first + place.size)
        }

    # -- rewriting

    def rewrite(self) -> None:
        part, node = self.part, self.part.kept[self.variable]
        dtype = dtypes.base(node.attr["dtype"].type)
        unchecked = any(
            "validate_shape" in part.kept[name].attr and not part.kept[name].attr["validate_shape"].b
            for name in self.assigns
        )
        shared = node.attr["shared_name"].s or self.variable.encode()
        kept = {key: node.attr[key] for key in ("container", "_class") if key in node.attr}
        shape = AttrValue()
        if unchecked or is_vague_scalar(node, part.meta.producer):
            shape.shape.unknown_rank = True
        else:
            shape.CopyFrom(node.attr["shape"])
        _become(node, "VarHandleOp", dtype=attr_type(dtype), shape=shape, **kept)
        node.attr["shared_name"].s = shared
        for name, alias in self.assigns.items():
            self._assign(part.kept[name], alias, dtype)
        for name, position, alias in self.others:
            self._other(part.kept[name], position, alias, dtype)
        self._outside(dtype)
        for definitions in part.variable_defs.values():
            for definition in definitions:
                if names.input_node(definition.variable_name) == self.variable:
                    definition.is_resource = True
                    if not definition.snapshot_name:
                        definition.snapshot_name = f"{self._read('', dtype).name}:0"

    def _wait(self, alias: str) -> list[str]:
        return [] if alias == self.variable else [f"^{alias}"]

    def _assign(self, node: NodeDef, alias: str, dtype: int) -> None:
        kept = {key: node.attr[key] for key in ("_class",) if key in node.attr}
        rest = [text for text in node.input[1:] if text.startswith("^")]
        value = node.input[1]
        inputs = [self.variable, value, *rest, *self._wait(alias)]
        op = _ASSIGNS[node.op]
        _become(node, op, dtype=attr_type(dtype), **kept)
        node.input[:] = list(dict.fromkeys(inputs)) if inputs[0] != inputs[1] else inputs

    def _other(self, node: NodeDef, position: int, alias: str, dtype: int) -> None:
        controls = [text for text in node.input if text.startswith("^")]
        if node.op == "IsVariableInitialized":
            kept = {key: node.attr[key] for key in ("_class",) if key in node.attr}
            _become(node, "VarIsInitializedOp", **kept)
            node.input[:] = [self.variable, *controls, *self._wait(alias)]
        elif node.op == "Identity":
            kept = {key: node.attr[key] for key in ("_class", "_output_shapes") if key in node.attr}
            _become(node, "ReadVariableOp", dtype=attr_type(dtype), **kept)
            node.input[:] = list(dict.fromkeys([self.variable, *controls, *self._wait(alias)]))
        else:
            # A read of its own: it must happen when this op runs, after what the op itself waits for.
            read = self._read(node.name, dtype)
            read.input.extend(dict.fromkeys([*controls, *self._wait(alias)]))
            node.input[position] = read.name

    def _read(self, for_node: str, dtype: int) -> NodeDef:
        name = f"{self.variable}/read_for/{for_node}" if for_node else f"{self.variable}/Read/ReadVariableOp"
        return self.part.new_node(name, "ReadVariableOp", [self.variable], dtype=attr_type(dtype))

    def _outside(self, dtype: int) -> None:
        """Replace the reference by a read where outputs or wires name it."""
        for alias in [self.variable, *self.assigns]:
            if f"{alias}:0" in self.part.exported:
                read = self._read(f"{alias}/output", dtype)
                read.input.extend(self._wait(alias))
                self.part.moved[f"{alias}:0"] = f"{read.name}:0"


def _bridge_references(part: ImportedModel) -> None:
    """Put an Identity behind references that are outputs: loaders refuse them.

    Such a variable stays a reference variable.
    """
    for tensor in sorted(part.exported - part.moved.keys()):
        parsed = names.input_tensor(tensor)
        node = part.kept.get(parsed.node)
        types = part.meta.output_types(node) if node is not None else None
        if types is None or parsed.index >= len(types) or not dtypes.is_ref(types[parsed.index]):
            continue
        dtype = attr_type(dtypes.base(types[parsed.index]))
        bridge = part.new_node(f"{parsed.node}/output", "Identity", [names.format_input(parsed)], T=dtype)
        part.moved[str(parsed)] = f"{bridge.name}:0"


def _become(node: NodeDef, op: str, **attrs: AttrValue) -> None:
    """Change a node to another op with the same name and device."""
    values = {key: AttrValue.FromString(value.SerializeToString()) for key, value in attrs.items()}
    node.op = op
    node.attr.clear()
    for key, value in values.items():
        node.attr[key].CopyFrom(value)
