"""Small files that claim much, written by hand: each a way in which a reader could be made to work or to swell.

Each was found by looking for what costs more than its bytes: a name that is repeated, a number that stands for
things, one thing that many others point to.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from tests.fuzz import tables
from tests.protos import Func, Shape, const, function, graph, meta_graph, node
from workbench.disk import crc, schema
from workbench.disk.checkpoint.ordered_code import slice_key
from workbench.disk.serialized.wire import encode_varint

Maker = Callable[[], bytes]
GRAPHS: dict[str, Maker] = {}
SHARDS: dict[str, Maker] = {}
TEXTS: dict[str, Maker] = {}


def graphs(make: Callable[[], Any]) -> Callable[[], Any]:
    def bytes_of() -> bytes:
        found = make()
        if isinstance(found, bytes):
            return found
        if found.DESCRIPTOR.name == "MetaGraphDef":
            found = schema.SavedModel(saved_model_schema_version=1, meta_graphs=[found])
        return bytes(found.SerializeToString())

    GRAPHS[make.__name__] = bytes_of
    return make


def _model(fields: bytes) -> bytes:
    """A SavedModel of one MetaGraph that has a node and, besides, these fields."""
    meta = meta_graph(graph(node("x", "NoOp"))).SerializeToString() + fields
    return b"\x08\x01\x12" + encode_varint(len(meta)) + meta


def _field(number: int, content: bytes) -> bytes:
    return encode_varint(number << 3 | 2) + encode_varint(len(content)) + content


@graphs
def a_million_signatures() -> Any:
    number = schema.MetaGraphDef.DESCRIPTOR.fields_by_name["signature_def"].number
    entries = (_field(1, b"%x" % index) for index in range(1_000_000))
    return _model(b"".join([_field(number, entry) for entry in entries]))


@graphs
def empty_meta_graphs() -> Any:
    return _model(b"") + _field(2, b"") * 400_000


@graphs
def empty_assets() -> Any:
    number = schema.MetaGraphDef.DESCRIPTOR.fields_by_name["asset_file_def"].number
    return _model(_field(number, b"") * 400_000)


@graphs
def empty_functions() -> Any:
    found = meta_graph(graph(node("x", "NoOp")))
    library = schema.FunctionDefLibrary.FromString(_field(1, b"") * 200_000)
    found.graph_def.library.CopyFrom(library)
    return found


@graphs
def inputs_that_name_nothing_among_names_alike() -> Any:
    nodes = (node("a" * 190 + f"{index:05d}", "NoOp") for index in range(2000))
    return meta_graph(graph(*nodes), s=({f"k{index}": "a" * 180 + f"x{index}" for index in range(200)}, {}))


@graphs
def calls_of_functions_that_are_not_there() -> Any:
    functions = [function("f" * 50 + str(index), []) for index in range(2000)]
    calls = (node(f"n{index}", "PartitionedCall", f=Func("f" * 50 + f"x{index}")) for index in range(2000))
    return meta_graph(graph(*calls, functions=functions))


def _splits(count: int) -> list[Any]:
    nodes = []
    for index in range(count):
        split = node(f"s{index}", "Unpack", T=1)
        split.attr["num"].i = 1 << 14
        nodes.append(split)
    return nodes


@graphs
def sinks_that_claim_thousands_of_outputs() -> Any:
    return graph(*_splits(5000))


@graphs
def one_sink_that_claims_a_million_outputs() -> Any:
    (split,) = _splits(1)
    split.attr["num"].i = 1_000_000
    return graph(split)


@graphs
def signatures_of_nodes_that_claim_thousands_of_outputs() -> Any:
    return meta_graph(graph(*_splits(2000)), s=({f"k{index}": f"s{index}:5" for index in range(2000)}, {}))


@graphs
def an_op_with_a_hundred_thousand_args() -> Any:
    nodes = (node(f"n{index}", "My") for index in range(2000))
    found = meta_graph(graph(*nodes), s=({f"k{index}": f"n{index}:0" for index in range(2000)}, {}))
    op = found.meta_info_def.stripped_op_list.op.add(name="My")
    for _ in range(20_000):
        op.output_arg.add(type_attr="t")
        op.attr.add(name="u")
    return found


@graphs
def a_shape_of_a_billion_elements_and_more() -> Any:
    tensor = schema.TensorProto(dtype=1, float_val=[1.0])
    tensor.tensor_shape.dim.add(size=10**9)
    nodes = (
        node("c", "Const", dtype=1, value=tensor),
        node("v", "VarHandleOp", dtype=1, shape=Shape((1 << 62,) * 254)),
    )
    return meta_graph(graph(*nodes), s=({"x": "c:0"}, {"y": "v:0"}))


@graphs
def a_shape_of_a_hundred_thousand_dimensions() -> Any:
    nodes = [node(f"v{index}", "VarHandleOp", dtype=1) for index in range(3000)]
    nodes[0].attr["shape"].shape.dim.extend([schema.TensorShapeProto.Dim(size=1)] * 100_000)
    return meta_graph(graph(*nodes))


def _restored(count: int, *more: Any, key: str) -> Any:
    nodes = [node("all", "NoOp", *(f"^a{index}" for index in range(count))), *more]
    for index in range(count):
        nodes.append(node(f"v{index}", "VarHandleOp", dtype=1))
        nodes.append(node(f"a{index}", "AssignVariableOp", f"v{index}", key.format(index)))
    found = meta_graph(graph(*nodes))
    found.saver_def.restore_op_name = "all"
    return found


@graphs
def consts_that_claim_a_million_strings_each() -> Any:
    more = []
    for index in range(1000):
        more += [
            const(f"c{index}", "x", count=1 << 20),
            node(f"r{index}", "RestoreV2", "p", f"c{index}", f"c{index}"),
        ]
    return _restored(1000, *more, key="r{}:1000000")


@graphs
def one_long_key_for_thousands_of_variables() -> Any:
    text = "a/" * 100_000 + "b/.ATTRIBUTES/VARIABLE_VALUE"
    found = _restored(
        3000, const("c", text, count=1 << 20), node("r", "RestoreV2", "p", "c", "c"), key="r:{}"
    )
    found.object_graph_def.nodes.add().children.add(local_name="a", node_id=0)
    return found


@graphs
def functions_that_unfold_without_end_under_the_saver() -> Any:
    leaf = function("leaf", [], *(node(f"c{index}", "RestoreV2", "p", "n", "n") for index in range(500)))
    functions = [leaf]
    for depth in range(31):
        below = Func(f"f{depth + 1}" if depth < 30 else "leaf")
        functions.append(
            function(f"f{depth}", [], *(node(f"c{at}", "PartitionedCall", f=below) for at in range(3)))
        )
    found = meta_graph(graph(node("go", "PartitionedCall", f=Func("f0")), functions=functions))
    found.saver_def.restore_op_name = "go"
    return found


@graphs
def functions_ten_thousand_deep() -> Any:
    functions = [
        function(f"f{depth}", [], node("c", "PartitionedCall", f=Func(f"f{(depth + 1) % 10_000}")))
        for depth in range(10_000)
    ]
    go = node("go", "PartitionedCall", f=Func("f0"))
    return meta_graph(graph(go, functions=functions), s=({}, {"y": "go:0"}))


@graphs
def name_scopes_ten_thousand_deep() -> Any:
    return meta_graph(graph(*(node("a/" * (1000 * step) + "n", "NoOp") for step in range(1, 11))))


@graphs
def a_chain_of_objects() -> Any:
    found = meta_graph(graph(node("x", "NoOp")))
    for index in range(50_000):
        found.object_graph_def.nodes.add().children.add(local_name="a", node_id=index + 1)
    return found


@graphs
def objects_in_a_circle() -> Any:
    found = meta_graph(graph(node("x", "NoOp")))
    for index in range(1000):
        one = found.object_graph_def.nodes.add()
        for step in range(50):
            one.children.add(local_name=f"c{step}", node_id=(index + step) % 1000)
    return found


@graphs
def an_object_with_a_million_children() -> Any:
    found = meta_graph(graph(node("x", "NoOp")))
    root, _ = found.object_graph_def.nodes.add(), found.object_graph_def.nodes.add()
    children = root.children
    children.extend(type(children.add())(local_name=f"{index:x}", node_id=1) for index in range(1_000_000))
    return found


@graphs
def a_long_signature_that_thousands_of_callables_share() -> Any:
    found = meta_graph(graph(node("x", "NoOp")))
    objects = found.object_graph_def
    objects.nodes.add().children.add(local_name="f", node_id=1)
    concrete = objects.concrete_functions["f"]
    text = schema.StructuredValue(string_value="x" * 100)
    concrete.canonicalized_input_signature.tuple_value.values.add().tuple_value.values.extend([text] * 3000)
    concrete.canonicalized_input_signature.tuple_value.values.add().dict_value.SetInParent()
    objects.nodes.add().function.concrete_functions.extend(["f"] * 50_000)
    return found


def _bundle(entries: dict[bytes, Any], shard: bytes, shards: int = 1) -> bytes:
    header = schema.BundleHeaderProto(num_shards=shards)
    header.version.producer = 1
    items = [(b"", bytes(header.SerializeToString()))]
    items += [
        (key, value if isinstance(value, bytes) else value.SerializeToString())
        for key, value in entries.items()
    ]
    index = tables.write(sorted(items))
    return struct.pack("<I", len(index)) + index + shard


def _entry(shape: tuple[int, ...] = (2,), **fields: Any) -> Any:
    message = schema.BundleEntryProto(dtype=1, **fields)
    for size in shape:
        message.shape.dim.add(size=size)
    return message


def shards(make: Maker) -> Maker:
    SHARDS[make.__name__] = make
    return make


@shards
def entries_without_a_dtype() -> bytes:
    return _bundle({b"%x" % index: b"" for index in range(40_000)}, bytes(8))


@shards
def entries_in_shards_that_are_not_there() -> bytes:
    entries = {b"%x" % index: _entry(size=8, shard_id=index) for index in range(10_000)}
    return _bundle(entries, bytes(8), shards=99_999)


@shards
def an_index_of_99999_shards() -> bytes:
    return _bundle({b"w": _entry(size=8, shard_id=5)}, bytes(8), shards=99_999)


@shards
def a_partitioned_tensor_of_which_nothing_is_there() -> bytes:
    whole = _entry((4, 1 << 31))
    entries: dict[bytes, Any] = {b"w": whole}
    for row in range(4):
        place = whole.slices.add()
        place.extent.add(start=row, length=1)
        place.extent.add(start=0, length=1 << 31)
        entries[slice_key(b"w", [(row, 1), (0, 1 << 31)])] = _entry(
            (1, 1 << 31), size=1 << 33, offset=row << 33
        )
    return _bundle(entries, bytes(8))


@shards
def a_partitioned_tensor_whose_slices_share_their_bytes() -> bytes:
    data = bytes(20_000)
    whole = _entry((5000 * 1000,))
    entries: dict[bytes, Any] = {b"w": whole}
    for part in range(1000):
        whole.slices.add().extent.add(start=5000 * part, length=5000)
        key = slice_key(b"w", [(5000 * part, 5000)])
        entries[key] = _entry((5000,), size=20_000, crc32c=crc.masked(data))
    return _bundle(entries, data)


def texts(make: Maker) -> Maker:
    TEXTS[make.__name__] = make
    return make


def _text(inner: bytes) -> bytes:
    return b"saved_model_schema_version: 1\nmeta_graphs { graph_def { " + inner + b" } }\n"


@texts
def a_number_that_no_field_holds() -> bytes:
    return _text(b"versions { producer: 99999999999999999999999999 }")


@texts
def a_number_of_five_thousand_digits() -> bytes:
    return _text(b"versions { bad_consumers: " + b"9" * 5000 + b" }")


@texts
def text_without_an_end_to_its_depth() -> bytes:
    return _text(b"node { attr { key: 'a' value { func { attr { key: 'a' value { func { " * 20_000)


@texts
def tiny_nodes() -> bytes:
    return _text(b"node{}" * 50_000)


@texts
def a_list_of_numbers() -> bytes:
    numbers = b",".join([b"1"] * 200_000)
    return _text(b"node{name:'a' op:'b' attr{key:'a' value{list{i:[" + numbers + b"]}}}}")


@texts
def a_line_of_blanks() -> bytes:
    return _text(b" " * 500_000)
