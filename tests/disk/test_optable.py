"""The op table is TensorFlow's, and args become flat tensors as TensorFlow makes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

from tests.forking.client import FORKING
from tests.tools.make_optable import LIMIT
from workbench.disk import dtypes, optable, schema
from workbench.disk.optable import OpTable, lookup

FLOAT, INT32, INT64, STRING = dtypes.FLOAT, dtypes.INT32, dtypes.INT64, dtypes.STRING


def node(op: str, **attrs: Any) -> Any:
    """A NodeDef; an int attr is a number, `T=(x,)` a dtype, a list a list of dtypes."""
    made = schema.NodeDef(name="n", op=op)
    for key, value in attrs.items():
        if isinstance(value, int):
            made.attr[key].i = value
        elif isinstance(value, tuple):
            made.attr[key].type = value[0]
        else:
            made.attr[key].list.SetInParent()
            made.attr[key].list.type.extend(value)
    return made


@pytest.mark.parametrize(
    ("made", "types", "ranges"),
    [
        (node("MatMul", T=(FLOAT,)), [FLOAT], [("product", 0, 1)]),
        (node("ArgMax", T=(FLOAT,)), [INT64], [("output", 0, 1)]),  # output_type by its default
        (node("ArgMax", T=(FLOAT,), output_type=(INT32,)), [INT32], [("output", 0, 1)]),
        (node("Split", T=(FLOAT,), num_split=3), [FLOAT] * 3, [("output", 0, 3)]),
        (node("Unpack", T=(FLOAT,), num=0), [], [("output", 0, 0)]),
        (node("IdentityN", T=[FLOAT, STRING]), [FLOAT, STRING], [("output", 0, 2)]),
        (node("StatefulPartitionedCall", Tin=[], Tout=[]), [], [("output", 0, 0)]),
        (node("VariableV2", dtype=(FLOAT,)), [FLOAT + dtypes.REF], [("ref", 0, 1)]),
        (
            node("UniqueWithCounts", T=(STRING,)),
            [STRING, INT32, INT32],
            [("y", 0, 1), ("idx", 1, 1), ("count", 2, 1)],
        ),
        (
            node(
                "ParseExampleV2",
                num_sparse=2,
                Tdense=[FLOAT],
                sparse_types=[INT64, STRING],
                ragged_value_types=[],
                ragged_split_types=[],
            ),
            [INT64, INT64, INT64, STRING, INT64, INT64, FLOAT],
            [
                ("sparse_indices", 0, 2),
                ("sparse_values", 2, 2),
                ("sparse_shapes", 4, 2),
                ("dense_values", 6, 1),
                ("ragged_values", 7, 0),
                ("ragged_row_splits", 7, 0),
            ],
        ),
        (node("NoOp"), [], []),
    ],
    ids=lambda value: getattr(value, "op", None) or None,
)
def test_flat_outputs(made: Any, types: list[int], ranges: list[tuple[str, int, int]]) -> None:
    op_def = lookup(made.op)
    assert optable.output_types(made, op_def) == types
    assert optable.output_args(made, op_def) == ranges


def test_flat_inputs() -> None:
    made = node("ConcatV2", N=2, T=(FLOAT,))
    assert optable.input_args(made, lookup("ConcatV2")) == [("values", 0, 2), ("axis", 2, 1)]
    assert optable.input_types(made, lookup("ConcatV2")) == [FLOAT, FLOAT, INT32]  # Tidx by its default
    assert optable.input_types(node("Assign", T=(FLOAT,)), lookup("Assign")) == [FLOAT + dtypes.REF, FLOAT]


@pytest.mark.parametrize(
    "made",
    [
        node("MatMul"),
        node("Split", T=(FLOAT,)),
        node("Split", T=(FLOAT,), num_split=-1),
        node("Split", T=(FLOAT,), num_split=10**15),
        node("Split", T=(FLOAT,), num_split=(FLOAT,)),
        node("IdentityN"),
        node("IdentityN", T=[FLOAT, 0]),
        node("VariableV2", dtype=(0,)),
    ],
)
def test_what_cannot_be_resolved_is_none(made: Any) -> None:
    assert optable.output_types(made, lookup(made.op)) is None


def test_a_placeholder_of_a_function_is_not_a_dtype() -> None:
    made = schema.NodeDef(name="n", op="MatMul")
    made.attr["T"].placeholder = "T"
    assert optable.output_types(made, lookup("MatMul")) is None


def test_looking_does_not_write_into_the_node() -> None:
    made = node("ArgMax", T=(FLOAT,))
    before = made.SerializeToString(deterministic=True)
    optable.output_types(made, lookup("ArgMax"))
    optable.attr(made, None, "missing")
    assert made.SerializeToString(deterministic=True) == before


def test_defaults_of_attrs() -> None:
    assert optable.attr(node("MatMul"), lookup("MatMul"), "transpose_a").WhichOneof("value") == "b"
    assert optable.attr(node("MatMul"), lookup("MatMul"), "T") is None
    assert optable.attr(node("MatMul"), lookup("MatMul"), "no_such_attr") is None
    assert optable.attr(node("MatMul"), None, "T") is None


def test_the_models_list_serves_for_what_tensorflow_does_not_know() -> None:
    listed = text_format.Parse(
        'op { name: "MyOp" output_arg { name: "x" type: DT_INT64 } } op { name: "MatMul" }', schema.OpList()
    )
    table = OpTable(listed)
    assert optable.output_types(node("MyOp"), table.get("MyOp")) == [INT64]
    assert len(table.get("MatMul").input_arg) == 2  # ours wins
    assert table.get("Nowhere") is None
    assert ("MyOp" in table, "MatMul" in table, "Nowhere" in table) == (True, True, False)
    assert table.unknown(["Nowhere", "MyOp", "MatMul", "Nowhere", "Elsewhere"]) == ["Elsewhere", "Nowhere"]
    assert OpTable().get("MyOp") is None
    assert lookup("MyOp") is None


def test_the_table_is_small_and_whole() -> None:
    assert Path(optable.__file__).with_name("ops.bin").stat().st_size < LIMIT
    assert len(optable.all_names()) == 1910
    assert lookup("VarHandleOp").is_stateful
    assert not lookup("MatMul").is_stateful
    assert lookup("MatMul") is lookup("MatMul")
    assert not any(arg.description for arg in lookup("MatMul").input_arg)


@pytest.mark.needs_tf
def test_the_table_is_tensorflows() -> None:
    """In an interpreter of its own: TFLite's converter, where another test has used it, registers ops of its own."""
    code = (
        "import tensorflow as tf\n"
        "from tests.tools.make_optable import tensorflow_ops\n"
        "from workbench.disk import optable\n"
        "if tf.__version__.startswith('2.21.'):\n"
        "    theirs = tensorflow_ops()\n"
        "    assert optable.all_names() == list(theirs)\n"
        "    for name, op_def in theirs.items():\n"
        "        ours = optable.lookup(name).SerializeToString(deterministic=True)\n"
        "        assert ours == op_def.SerializeToString(deterministic=True), name\n"
        "print('compared')\n"
    )
    top = Path(__file__).resolve().parents[2]
    done = FORKING.program(code, folder=top)
    assert done.stdout.strip().endswith("compared"), done.stderr[-2000:]


@pytest.mark.needs_tf
def test_output_types_are_those_of_tensorflows_graphs() -> None:
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, [None, 4])
        ref = tf.compat.v1.get_variable("ref", [4, 3], use_resource=False)
        tf.compat.v1.assign_add(ref, tf.ones([4, 3]))
        y = tf.matmul(x, ref) + tf.Variable(tf.zeros([3]))
        tf.split(y, [1, 2], axis=1)
        tf.unique_with_counts(tf.strings.as_string(tf.reshape(y, [-1])))
        tf.cond(tf.reduce_sum(y) > 0, lambda: (y, tf.shape(y)), lambda: (y, tf.shape(x)))
        tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * 2), (tf.constant(0), y))
        tf.io.parse_example(
            tf.compat.v1.placeholder(tf.string, [None]),
            {"a": tf.io.VarLenFeature(tf.int64), "b": tf.io.FixedLenFeature([2], tf.float32)},
        )
        tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["k"], [1]), -1).lookup(
            tf.constant(["k"])
        )
        tf.raw_ops.Batch(
            in_tensors=[x, y],
            num_batch_threads=1,
            max_batch_size=2,
            batch_timeout_micros=1,
            grad_timeout_micros=1,
        )
        tf.image.decode_png(tf.compat.v1.placeholder(tf.string, []))
    assert len(graph.get_operations()) >= 50
    for operation in graph.get_operations():
        made = schema.NodeDef.FromString(operation.node_def.SerializeToString())
        op_def = lookup(made.op)
        wanted = [output.dtype.as_datatype_enum for output in operation.outputs]
        assert optable.output_types(made, op_def) == wanted, made.name
        given = [tensor.dtype.base_dtype.as_datatype_enum for tensor in operation.inputs]
        ours = optable.input_types(made, op_def)
        assert ours is not None
        assert [dtypes.base(number) for number in ours] == given, made.name
        ranges = optable.output_args(made, op_def)
        assert ranges is not None
        assert sum(size for _, _, size in ranges) == len(wanted)
