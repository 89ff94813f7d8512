"""Checkpoints and TensorFlow: each reads what the other writes, and the bytes are the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.disk import dtypes
from workbench.disk.checkpoint.bundle import Bundle, JoinPart, Tensor, join, write

pytestmark = pytest.mark.needs_tf


def save(prefix: Path, tensors: dict[str, Any], slices: dict[str, str] | None = None) -> Path:
    """TensorFlow writes tensors; a name may carry `@n` so that its slices can be told apart."""
    import tensorflow as tf

    names = list(tensors)
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=[name.partition("@")[0] for name in names],
        shape_and_slices=[(slices or {}).get(name, "") for name in names],
        tensors=[tensors[name] for name in names],
    )
    return prefix


def restored(prefix: Path, key: str) -> Any:
    import tensorflow as tf

    return tf.train.load_checkpoint(str(prefix)).get_tensor(key)


def many_kinds() -> dict[str, Any]:
    import tensorflow as tf

    numbers = np.array([[1, 0, 2]])
    found = {
        dtype.name: tf.cast(tf.constant(numbers), dtype)
        for dtype in (
            tf.bfloat16,
            tf.half,
            tf.float32,
            tf.float64,
            tf.complex64,
            tf.complex128,
            tf.bool,
            tf.int8,
        )
    }
    return found | {
        "scalar": tf.constant(3, tf.uint64),
        "empty": tf.zeros([0, 3]),
        "text": tf.constant(b"x" * 70_000),
        "words": tf.constant([[b"", b"a"], [b"\0\xff" * 100, "ä".encode()]]),
        "no words": tf.zeros([0], tf.string),
    }


def as_list(tensor: Any) -> Any:
    value = tensor.numpy()
    return value if isinstance(value, bytes) else value.tolist()


def test_reads_what_tensorflow_writes(tmp_path: Path) -> None:
    tensors = many_kinds()
    bundle = Bundle.open(save(tmp_path / "v", tensors))
    assert bundle.keys() == sorted(tensors) and bundle.verify() == []
    for key, tensor in tensors.items():
        found = bundle.array(key)
        assert found.shape == tensor.shape and found.tolist() == as_list(tensor), key
        assert bundle.entry(key).dtype == tensor.dtype.as_datatype_enum


def test_small_dtypes(tmp_path: Path) -> None:
    import tensorflow as tf
    from tensorflow.python.framework import dtypes as tf_dtypes

    for name in ("int4", "uint4", "float8_e5m2", "float8_e4m3fn"):
        small = tf.int8 if "int" in name else tf.float32  # what can be cast to them
        tensor = tf.cast(tf.constant([1, 0, 2, 1], small), getattr(tf_dtypes, name))
        bundle = Bundle.open(save(tmp_path / name, {"x": tensor}))
        assert bundle.entry("x").size == 4 and bundle.verify() == []
        assert bundle.array("x").astype(int).tolist() == [1, 0, 2, 1]


def test_variants(tmp_path: Path) -> None:
    import tensorflow as tf
    from tensorflow.python.ops import list_ops

    lists = [
        list_ops.tensor_list_from_tensor(tf.reshape(tf.range(n, dtype=tf.float32), [n, 1]), [1])
        for n in (1, 90)
    ]
    bundle = Bundle.open(save(tmp_path / "v", {"x": tf.stack(lists), "y": tf.zeros([2])}))
    assert bundle.entry("x").shape == (2,) and bundle.verify() == []
    shard = bundle.shards[0]
    data = bytearray(shard.read_bytes())
    for place in range(0, bundle.entry("x").size, 7):
        data[place] ^= 4
        shard.write_bytes(data)
        assert [(f.code, f.where) for f in bundle.verify()] == [("bad-tensor", "x")]
        data[place] ^= 4


def test_writes_what_tensorflow_writes(tmp_path: Path) -> None:
    tensors = many_kinds()
    save(tmp_path / "theirs", tensors)
    mine: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        number, value = tensor.dtype.as_datatype_enum, tensor.numpy()
        content = np.array(value, object).ravel().tolist() if number == dtypes.STRING else value.tobytes()
        mine[key] = number, tuple(tensor.shape), content
    write(tmp_path / "ours", mine)
    for end in (".index", ".data-00000-of-00001"):
        assert (tmp_path / f"ours{end}").read_bytes() == (tmp_path / f"theirs{end}").read_bytes()


def test_an_empty_checkpoint_is_as_tensorflow_writes_it(tmp_path: Path) -> None:
    import tensorflow as tf

    save(tmp_path / "part", {"x": tf.zeros([0])})
    save(tmp_path / "theirs", {"x": tf.zeros([0])})
    write(tmp_path / "ours", {"x": (dtypes.FLOAT, (0,), b"")})
    assert (tmp_path / "ours.index").read_bytes() == (tmp_path / "theirs.index").read_bytes()
    write(tmp_path / "none", {})
    assert tf.train.load_checkpoint(str(tmp_path / "none")).get_variable_to_shape_map() == {}


SLICES = {"w@0": "20000 3 0,64:-", "w@1": "20000 3 64,8128:-", "w@2": "20000 3 8192,11808:-"}
TILES = {f"t@{r}{c}": f"4 6 {2 * r},2:{3 * c},3" for r in (0, 1) for c in (0, 1)}


def sliced(prefix: Path) -> Path:
    """A checkpoint of TensorFlow's with `w` cut in rows, `t` cut in tiles, and string tensor `s` cut in two."""
    w = np.arange(60_000, dtype=np.float32).reshape(20_000, 3)
    t = np.arange(24, dtype=np.int64).reshape(4, 6)
    tensors: dict[str, Any] = {"w@0": w[:64], "w@1": w[64:8192], "w@2": w[8192:]}
    tensors |= {f"t@{r}{c}": t[2 * r : 2 * r + 2, 3 * c : 3 * c + 3] for r in (0, 1) for c in (0, 1)}
    tensors |= {"s@0": np.array([b"one"]), "s@1": np.array([b"two", b"three"]), "plain": np.float32(7)}
    return save(prefix, tensors, SLICES | TILES | {"s@0": "3 0,1", "s@1": "3 1,2"})


def check_sliced(prefix: Path, scope: str) -> None:
    """All of `sliced`, read by TensorFlow: whole, and each slice as a partitioned variable restores it."""
    import tensorflow as tf

    w = np.arange(60_000, dtype=np.float32).reshape(20_000, 3)
    t = np.arange(24, dtype=np.int64).reshape(4, 6)
    assert (restored(prefix, f"{scope}w") == w).all()
    assert (restored(prefix, f"{scope}t") == t).all()
    assert restored(prefix, f"{scope}plain") == 7
    parts = tf.raw_ops.RestoreV2(
        prefix=str(prefix),
        tensor_names=[f"{scope}{name}" for name in "wwttss"],
        shape_and_slices=[SLICES["w@1"], "20000 3 60,100:-", TILES["t@11"], "4 6 1,2:-", "3 0,1", "3 1,2"],
        dtypes=[tf.float32, tf.float32, tf.int64, tf.int64, tf.string, tf.string],
    )
    expected = [w[64:8192], w[60:160], t[2:, 3:], t[1:3], [b"one"], [b"two", b"three"]]
    assert all((part.numpy() == wanted).all() for part, wanted in zip(parts, expected, strict=True))


def test_reads_slices(tmp_path: Path) -> None:
    bundle = Bundle.open(sliced(tmp_path / "v"))
    assert bundle.keys() == ["plain", "s", "t", "w"]
    assert (bundle.array("w").ravel() == np.arange(60_000)).all()
    assert (bundle.array("t").ravel() == np.arange(24)).all()
    assert bundle.strings("s") == [b"one", b"two", b"three"]
    assert bundle.verify() == []


def sharded(prefix: Path) -> Path:
    """Three shards, as TensorFlow merges them."""
    import tensorflow as tf

    parts = [
        save(
            prefix.with_name(f"part{n}"),
            {f"x{n}": np.full(5, n, np.float32), f"y{n}": np.array([b"y%d" % n])},
        )
        for n in range(3)
    ]
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=list(map(str, parts)), destination_prefix=str(prefix))
    assert len(list(prefix.parent.glob(f"{prefix.name}.data-*-of-00003"))) == 3
    return prefix


def test_tensorflow_reads_what_is_joined(tmp_path: Path) -> None:
    one, two = Bundle.open(sliced(tmp_path / "one")), Bundle.open(sharded(tmp_path / "two"))
    out = tmp_path / "out" / "variables"
    extra: dict[str, Tensor] = {
        "_graph": (dtypes.STRING, (), [b"proto"]),
        "n": (dtypes.INT64, (1,), bytes(8)),
    }
    join([JoinPart(one, "a"), JoinPart(two, "b"), JoinPart(one, "c")], out, extra=extra)
    assert Bundle.open(out).num_shards == 6 and Bundle.open(out).verify() == []
    check_sliced(out, "a/")
    check_sliced(out, "c/")
    for number in range(3):
        assert restored(out, f"b/x{number}").tolist() == [number] * 5
        assert restored(out, f"b/y{number}").tolist() == [b"y%d" % number]
    assert restored(out, "_graph") == b"proto" and restored(out, "n").tolist() == [0]
    import tensorflow as tf

    found = set(tf.train.load_checkpoint(str(out)).get_variable_to_shape_map())
    assert found == set(Bundle.open(out))


def test_tensorflow_writes_the_same_when_it_merges(tmp_path: Path) -> None:
    """A join without prefixes is what MergeV2Checkpoints makes of the same parts."""
    import tensorflow as tf

    parts = [save(tmp_path / f"part{n}", {f"x{n}": np.full(n, n, np.int32)}) for n in range(3)]
    join([JoinPart(Bundle.open(part)) for part in parts], tmp_path / "ours")
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=list(map(str, parts)), destination_prefix=str(tmp_path / "theirs")
    )
    theirs = sorted(tmp_path.glob("theirs.*"))
    assert len(theirs) == 4
    for path in theirs:
        assert path.read_bytes() == path.with_name(path.name.replace("theirs", "ours")).read_bytes()


def test_variables_that_tensorflow_1_partitioned(tmp_path: Path) -> None:
    """Two graphs with real partitioned variables, joined, restored into the graphs under other names."""
    import tensorflow as tf

    v1 = tf.compat.v1

    def build(scope: str) -> Any:
        anything = v1.random_uniform_initializer()
        with v1.variable_scope(scope, partitioner=v1.fixed_size_partitioner(3, axis=0), use_resource=True):
            rows = v1.get_variable("rows", [10, 4], initializer=anything)
        with v1.variable_scope(scope, partitioner=v1.fixed_size_partitioner(2, axis=1), use_resource=False):
            columns = v1.get_variable("columns", [3, 5], initializer=anything)
        return tf.convert_to_tensor(rows), tf.convert_to_tensor(columns)

    values = {}
    for name in ("one", "two"):
        with tf.Graph().as_default(), v1.Session() as session:
            tensors = build("m")
            session.run(v1.global_variables_initializer())
            values[name] = session.run(tensors)
            v1.train.Saver(sharded=True).save(session, str(tmp_path / name), write_meta_graph=False)
    bundles = {name: Bundle.open(tmp_path / name) for name in values}
    assert (values["one"][0] != values["two"][0]).all()
    for name, (rows, columns) in values.items():
        assert bundles[name].keys() == ["m/columns", "m/rows"]
        assert len(bundles[name].entry("m/rows").slices) == 3
        assert (bundles[name].array("m/rows") == rows).all()
        assert (bundles[name].array("m/columns") == columns).all()
    join([JoinPart(bundle, name) for name, bundle in bundles.items()], tmp_path / "out")
    for name in values:
        with tf.Graph().as_default(), v1.Session() as session:
            tensors = build(f"{name}/m")
            v1.train.Saver().restore(session, str(tmp_path / "out"))
            for found, expected in zip(session.run(tensors), values[name], strict=True):
                assert (found == expected).all()
