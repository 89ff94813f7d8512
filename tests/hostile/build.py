"""Builds small SavedModels by hand: a main graph, functions, an object graph and the checkpoint they restore from.

What would do harm is a *mark*: a node that writes a file whose name the caller gives. Made without a mark, the same
model has a NoOp in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.protos import Func, attr, node
from workbench.disk import schema
from workbench.disk.checkpoint import bundle_write

FLOAT, INT32, STRING, INT64, BOOL, RESOURCE, VARIANT = 1, 3, 7, 9, 10, 20, 21
SECRET = "the secret of 7731"
"""What stands in the file that a model must not read."""
VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
Ports = Mapping[str, int]
Where = str | None


def number(value: float | int | bool, dtype: int = FLOAT) -> Any:
    """A scalar TensorProto."""
    found = schema.TensorProto(dtype=dtype)
    found.tensor_shape.SetInParent()
    kind = {FLOAT: "float_val", INT32: "int_val", INT64: "int64_val", BOOL: "bool_val"}[dtype]
    getattr(found, kind).append(value)
    return found


def text(value: str | bytes, shape: Sequence[int] = ()) -> Any:
    """A string TensorProto, a scalar if no shape is given."""
    found = schema.TensorProto(dtype=STRING)
    found.tensor_shape.SetInParent()
    for size in shape:
        found.tensor_shape.dim.add().size = size
    found.string_val.append(value.encode() if isinstance(value, str) else value)
    return found


def constant(name: str, value: Any, dtype: int | None = None) -> Any:
    """A Const: a text, a number, or a TensorProto."""
    if isinstance(value, str | bytes):
        value = text(value)
    elif isinstance(value, bool):
        value = number(value, BOOL)
    elif isinstance(value, int | float):
        value = number(value, dtype or FLOAT)
    return node(name, "Const", dtype=value.dtype, value=value)


def vector(values: Sequence[float | int], dtype: int = INT32) -> Any:
    """A TensorProto of rank 1."""
    found = schema.TensorProto(dtype=dtype)
    found.tensor_shape.dim.add().size = len(values)
    kind = {FLOAT: "float_val", INT32: "int_val", INT64: "int64_val"}[dtype]
    getattr(found, kind).extend(values)
    return found


def integer(value: int) -> Any:
    """An attr that is a number."""
    return schema.AttrValue(i=value)


def flag(value: bool) -> Any:
    """An attr that is true or false."""
    return schema.AttrValue(b=value)


def texts(*values: str) -> Any:
    """An attr that is a list of strings."""
    found = schema.AttrValue()
    found.list.SetInParent()
    found.list.s.extend(value.encode() for value in values)
    return found


def shapes(*ranks: int | None) -> Any:
    """An attr that is a list of shapes of these ranks, all sizes open."""
    found = schema.AttrValue()
    found.list.SetInParent()
    for rank in ranks:
        shape = found.list.shape.add()
        shape.unknown_rank = rank is None
        for _ in range(rank or 0):
            shape.dim.add().size = -1
    return found


def marking(mark: Where, *, name: str = "w", inside: bool = True) -> list[Any]:
    """Nodes of which the last, called `name`, writes the file `mark`; a NoOp of that name without one."""
    if mark is None:
        return [node(name, "NoOp")]
    end = ":output:0" if inside else ""
    return [
        constant(f"{name}_where", mark),
        constant(f"{name}_what", "written"),
        node(name, "WriteFile", f"{name}_where{end}", f"{name}_what{end}"),
    ]


def spec(name: str, dtype: int, rank: int | None = None) -> Any:
    """A StructuredValue: one tensor."""
    found = schema.StructuredValue()
    found.tensor_spec_value.name = name
    found.tensor_spec_value.dtype = dtype
    shape = found.tensor_spec_value.shape
    shape.unknown_rank = rank is None
    for _ in range(rank or 0):
        shape.dim.add().size = -1
    return found


def structure(value: Any) -> Any:
    """A StructuredValue of lists, tuples, dicts, texts, None and StructuredValues."""
    found = schema.StructuredValue()
    if isinstance(value, schema.StructuredValue):
        return value
    if value is None:
        found.none_value.SetInParent()
    elif isinstance(value, str):
        found.string_value = value
    elif isinstance(value, dict):
        found.dict_value.SetInParent()
        for key, one in value.items():
            found.dict_value.fields[key].CopyFrom(structure(one))
    else:
        kind = found.tuple_value if isinstance(value, tuple) else found.list_value
        kind.SetInParent()
        kind.values.extend(structure(one) for one in value)
    return found


def function_def(
    name: str,
    inputs: Ports,
    outputs: Mapping[str, tuple[str, int]],
    nodes: Iterable[Any],
    *,
    after: Sequence[str] = (),
    attrs: Mapping[str, Any] | None = None,
) -> Any:
    """A FunctionDef; `after` are the nodes that run whether or not an output needs them."""
    found = schema.FunctionDef(node_def=nodes)
    found.signature.name = name
    found.signature.is_stateful = True
    for key, dtype in inputs.items():
        found.signature.input_arg.add(name=key, type=dtype)
    for key, (tensor, dtype) in outputs.items():
        found.signature.output_arg.add(name=key, type=dtype)
        found.ret[key] = tensor
    for one in after:
        found.signature.control_output.append(one)
        found.control_ret[one] = one
    for key, value in (attrs or {}).items():
        found.attr[key].CopyFrom(attr(value))
    return found


@dataclass
class Build:
    """A model of one MetaGraph that grows.

    Attributes:
        mark: the file that what does harm writes, None for the harmless twin.
        tags: of the MetaGraph.
        meta: the MetaGraphDef.
        tensors: what the checkpoint holds besides its own object graph.
        attributes: of objects, by number: names of their tensors with their checkpoint keys.
        assets: name and content of the files under `assets/`.
        files: more files, by their path in the folder.
    """

    mark: Where = None
    tags: tuple[str, ...] = ("serve",)
    meta: Any = field(default_factory=lambda: schema.MetaGraphDef())
    tensors: dict[str, Any] = field(default_factory=dict)
    attributes: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    assets: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.meta.meta_info_def.tags.extend(self.tags)
        self.meta.meta_info_def.tensorflow_version = "2.21.0"
        self.meta.graph_def.versions.producer = 2000

    # -- the graph

    def add(self, *nodes: Any) -> Build:
        """Nodes of the main graph."""
        self.meta.graph_def.node.extend(nodes)
        return self

    def library(self, *functions: Any) -> Build:
        """Functions of the library."""
        self.meta.graph_def.library.function.extend(functions)
        return self

    def marked(self, name: str = "w") -> Build:
        """The mark in the main graph."""
        return self.add(*marking(self.mark, name=name, inside=False))

    def signature(
        self, key: str = "serving_default", *, outputs: Mapping[str, tuple[str, int]], **inputs: int
    ) -> Build:
        """A signature: `x=FLOAT` is an input of the tensor `x:0`; outputs are (tensor, dtype)."""
        found = self.meta.signature_def[key]
        found.method_name = "tensorflow/serving/predict"
        tensors = {name: (f"{name}:0", dtype) for name, dtype in inputs.items()}
        for ports, given in ((found.inputs, tensors), (found.outputs, outputs)):
            for name, (tensor, dtype) in given.items():
                ports[name].name, ports[name].dtype = tensor, dtype
                ports[name].tensor_shape.unknown_rank = True
        return self

    def plain(self, *after: str) -> Build:
        """`x` float32 → `y`, the same; y is computed after some nodes."""
        self.add(node("x", "Placeholder", dtype=FLOAT, shape=schema.AttrValue(shape=_unknown())))
        self.add(node("y", "Identity", "x", *(f"^{one}" for one in after), T=FLOAT))
        return self.signature(x=FLOAT, outputs={"y": ("y:0", FLOAT)})

    def collection(self, name: str, *names: str) -> Build:
        """A collection of nodes or tensors."""
        self.meta.collection_def[name].node_list.value.extend(names)
        return self

    def variable_defs(self, name: str, *defs: Any) -> Build:
        """A collection of VariableDefs."""
        found = self.meta.collection_def[name].bytes_list
        found.value.extend(one.SerializeToString(deterministic=True) for one in defs)
        return self

    def asset(self, tensor: str, filename: str, content: str | None = None) -> Build:
        """An AssetFileDef; with content, a file of that name under `assets/` too."""
        found = self.meta.asset_file_def.add(filename=filename)
        found.tensor_info.name = tensor
        found.tensor_info.dtype = STRING
        if content is not None:
            self.assets[filename] = content
        return self

    # -- the objects

    @property
    def objects(self) -> Any:
        """The nodes of the object graph; the root is there from the first time on."""
        graph = self.meta.object_graph_def
        if not graph.nodes:
            self._user(graph.nodes.add(), "_generic_user_object")
        return graph.nodes

    def _new(self) -> tuple[int, Any]:
        number = len(self.objects)
        return number, self.objects.add()

    def _user(self, found: Any, identifier: str) -> None:
        found.user_object.identifier = identifier
        found.user_object.version.producer = found.user_object.version.min_consumer = 1

    def user(self, identifier: str = "_generic_user_object", *, registered: str = "", **children: int) -> int:
        """A user object, with children by name."""
        number, found = self._new()
        self._user(found, identifier)
        found.registered_name = registered
        for name, child in children.items():
            self.child(number, name, child)
        return number

    def resource(self, **children: int) -> int:
        """A resource, with children by name."""
        number, found = self._new()
        found.resource.SetInParent()
        for name, child in children.items():
            self.child(number, name, child)
        return number

    def asset_object(self, index: int) -> int:
        """An asset as an object, by the position of its AssetFileDef."""
        number, found = self._new()
        found.asset.asset_file_def_index = index
        return number

    def constant_object(self, operation: str) -> int:
        """A constant, which is a node of the main graph."""
        number, found = self._new()
        found.constant.operation = operation
        return number

    def variable(self, name: str, value: float = 2.0, *, key: str | None = None) -> int:
        """A float32 [1] variable with its value in the checkpoint."""
        number, found = self._new()
        found.variable.dtype, found.variable.name, found.variable.trainable = FLOAT, name, True
        found.variable.shape.dim.add().size = 1
        self.restored(number, "VARIABLE_VALUE", key or f"{name}{VALUE}", value)
        return number

    def restored(self, number: int, name: str, key: str, value: float = 1.0) -> None:
        """A float32 [1] tensor in the checkpoint that belongs to an object."""
        self.attributes.setdefault(number, []).append((name, key))
        self.tensors[key] = (FLOAT, [1], np.array([value], np.float32).tobytes())

    def child(self, parent: int, name: str, child: int) -> int:
        """Puts an object under another."""
        self.objects[parent].children.add(node_id=child, local_name=name)
        return child

    def saveable(self, number: int, name: str, save: int, restore: int) -> None:
        """Two functions that save and restore an object."""
        found = self.objects[number].saveable_objects[name]
        found.save_function, found.restore_function = save, restore

    # -- functions that objects have

    def concrete(
        self,
        name: str,
        inputs: Ports | None = None,
        outputs: Mapping[str, tuple[str, int]] | None = None,
        nodes: Iterable[Any] = (),
        *,
        after: Sequence[str] = (),
        captures: Sequence[int] = (),
        captured: Ports | None = None,
        takes: Any = None,
        gives: Any = None,
        keywords: bool = False,
        attrs: Mapping[str, Any] | None = None,
    ) -> str:
        """A concrete function. Its name.

        Args:
            name: in the library.
            inputs: its own arguments, with their dtypes.
            outputs: its results: (tensor, dtype).
            nodes: the body.
            after: nodes that run in any case.
            captures: objects that are bound to the arguments of `captured`.
            captured: more arguments, with their dtypes.
            takes: the canonical structure of the arguments; None for all inputs by position.
            gives: the structure of the results; None for a dict of all.
            keywords: the arguments are given by name, as a signature's are.
            attrs: of the FunctionDef.
        """
        given, results = dict(inputs or {}), dict(outputs or {})
        both = {**given, **(captured or {})}
        self.library(function_def(name, both, results, nodes, after=after, attrs=attrs))
        found = self.meta.object_graph_def.concrete_functions[name]
        found.bound_inputs.extend(captures)
        specs = {key: spec(key, dtype) for key, dtype in given.items()}
        if takes is None:
            takes = ((), specs) if keywords else (tuple(specs.values()), {})
        found.canonicalized_input_signature.CopyFrom(structure(takes))
        if gives is None:
            gives = {key: spec(key, dtype) for key, (_, dtype) in results.items()} or None
        found.output_signature.CopyFrom(structure(gives))
        return name

    def bare(self, name: str, *keywords: str, positional: int | None = None) -> int:
        """An object that is one concrete function."""
        number, found = self._new()
        found.bare_concrete_function.concrete_function_name = name
        found.bare_concrete_function.argument_keywords.extend(keywords)
        found.bare_concrete_function.allowed_positional_arguments = (
            len(keywords) if positional is None else positional
        )
        return number

    def function(self, *names: str, args: Sequence[str] = ()) -> int:
        """An object that is a `tf.function` of some concrete functions."""
        number, found = self._new()
        found.function.concrete_functions.extend(names)
        full = found.function.function_spec.fullargspec.named_tuple_value
        full.name = "FullArgSpec"
        parts = {
            "args": list(args),
            "varargs": None,
            "varkw": None,
            "defaults": None,
            "kwonlyargs": [],
            "kwonlydefaults": None,
            "annotations": {},
        }
        for key, value in parts.items():
            full.values.add(key=key, value=structure(value))
        found.function.function_spec.input_signature.CopyFrom(structure(None))
        return number

    def marker(self, name: str = "marker", **options: Any) -> int:
        """A function without arguments that leaves the mark and returns 1; as an object."""
        self.marker_function(name)
        return self.function(name, **options)

    def marker_function(self, name: str = "marker", mark: Where = None) -> str:
        """A concrete function without arguments that leaves the mark and returns 1."""
        one = constant("one", 1.0)
        nodes = [*marking(mark or self.mark), one, node("r", "Identity", "one:output:0", "^w", T=FLOAT)]
        result = spec("r", FLOAT, 0)
        return self.concrete(name, {}, {"r": ("r:output:0", FLOAT)}, nodes, after=["w"], gives=result)

    def serve(
        self,
        key: str = "serving_default",
        nodes: Iterable[Any] = (),
        *,
        after: Sequence[str] = (),
        captures: Sequence[int] = (),
        captured: Ports | None = None,
        inputs: Sequence[str] = (),
        outputs: Mapping[str, tuple[str, int]] | None = None,
    ) -> str:
        """A signature as `tf.saved_model.save` writes it: a call in the main graph, and an object. The function.

        It is `x` float32 → `y`, the same, after what its nodes do; `outputs` take the place of y. `inputs` are the
        tensors of the main graph for the captures.
        """
        name = f"serve_{key}"
        results = dict(outputs or {"y": ("y:output:0", FLOAT)})
        body = [*nodes, node("y", "Identity", "x", *(f"^{one}" for one in after), T=FLOAT)]
        self.concrete(
            name,
            {"x": FLOAT},
            results,
            body,
            after=after,
            captures=captures,
            captured=captured,
            keywords=True,
        )
        signatures = self._signatures()
        self.child(signatures, key, self.bare(name, "x", positional=1))
        prefix = "" if key == "serving_default" else f"{key}_"
        shape = schema.AttrValue(shape=_unknown())
        self.add(node(f"{prefix}x", "Placeholder", dtype=FLOAT, shape=shape))
        call = node(
            f"{prefix}call",
            "StatefulPartitionedCall",
            f"{prefix}x",
            *inputs,
            f=Func(name),
            Tin=_types([FLOAT, *(captured or {}).values()]),
            Tout=_types([dtype for _, dtype in results.values()]),
        )
        self.add(call)
        ends = {one: (f"{prefix}call:{at}", dtype) for at, (one, (_, dtype)) in enumerate(results.items())}
        self.signature(key, outputs=ends, **{f"{prefix}x": FLOAT})
        found = self.meta.signature_def[key]
        if prefix:
            found.inputs["x"].CopyFrom(found.inputs[f"{prefix}x"])
            del found.inputs[f"{prefix}x"]
        return name

    def _signatures(self) -> int:
        for one in self.objects[0].children:
            if one.local_name == "signatures":
                return int(one.node_id)
        return self.child(0, "signatures", self.user("signature_map"))

    # -- writing

    def save(self, folder: Path) -> Path:
        """Writes the folder; a checkpoint is written where there are objects or tensors."""
        return write(folder, self)


def _types(dtypes: Sequence[int]) -> Any:
    found = schema.AttrValue()
    found.list.SetInParent()
    found.list.type.extend(dtypes)
    return found


types = _types


def _unknown() -> Any:
    found = schema.TensorShapeProto()
    found.unknown_rank = True
    return found


def tracked(build: Build) -> bytes:
    """The object graph of the checkpoint: the objects of the model with what is kept of each."""
    found = schema.TrackableObjectGraph()
    for number, one in enumerate(build.meta.object_graph_def.nodes):
        made = found.nodes.add()
        made.children.extend(one.children)
        made.slot_variables.extend(one.slot_variables)
        for name, key in build.attributes.get(number, ()):
            made.attributes.add(name=name, full_name=name, checkpoint_key=key)
        made.has_checkpoint_values.value = True
    return bytes(found.SerializeToString(deterministic=True))


def write(folder: Path, *builds: Build, message: Any = None) -> Path:
    """Writes a model of one or more MetaGraphs, and the files of the first."""
    folder.mkdir(parents=True)
    if message is None:
        metas = [build.meta for build in builds]
        message = schema.SavedModel(saved_model_schema_version=1, meta_graphs=metas)
    data = message if isinstance(message, bytes) else message.SerializeToString(deterministic=True)
    (folder / "saved_model.pb").write_bytes(data)
    first = builds[0]
    tensors = dict(first.tensors)
    if first.meta.HasField("object_graph_def"):
        tensors["_CHECKPOINTABLE_OBJECT_GRAPH"] = (STRING, [], [tracked(first)])
    if tensors:
        bundle_write.write(folder / "variables" / "variables", tensors)
    files = {f"assets/{name}": content for name, content in first.assets.items()} | first.files
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder
