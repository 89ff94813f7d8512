"""What is laid down from TensorFlow: kernels, fingerprints, the order in which C++ writes maps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.checks.cases import FLOAT, copy, node, tiny
from tests.tools.make_kernels import LIMIT
from workbench.checks.check import check_model
from workbench.checks.folder import fingerprint
from workbench.checks.graphs import kernels, ops
from workbench.disk import dtypes, optable, schema
from workbench.disk.serialized import wire
from workbench.disk.serialized.canonical import canonical
from workbench.errors import DamagedFile
from workbench.model import open_model


def test_the_table_of_kernels_is_small() -> None:
    assert Path(kernels.__file__).with_name("kernels.bin").stat().st_size < LIMIT


def test_kernels_by_dtype() -> None:
    assert kernels.lacking(node("n", "MatMul", T=FLOAT)) is None
    assert kernels.lacking(node("n", "MatMul", T=dtypes.BOOL)) == {"T": dtypes.BOOL}
    assert kernels.lacking(node("n", "ArgMax", T=FLOAT)) is None  # Tidx and output_type by their defaults
    assert kernels.lacking(node("n", "NoOp")) is None
    assert kernels.has_any("AccumulateNV2") and not kernels.has_any("TPUExecute")


def test_no_kernel_for_a_dtype(tmp_path: Path) -> None:
    path = tiny(
        tmp_path, node("a", "Cast", "x", SrcT=FLOAT, DstT=dtypes.enum("int16")),
        node("y", "SparseMatMul", "a", "a", Ta=dtypes.enum("int16"), Tb=dtypes.enum("int16")),
    )  # fmt: skip
    found = [one for one in check_model(open_model(path)).findings if one.code == "no-kernel"]
    assert [one.where for one in found] == ["y"]


@pytest.mark.needs_tf
def test_kernels_are_tensorflows() -> None:
    import tensorflow as tf

    from tests.tools.make_kernels import cpu_kernels

    if not tf.__version__.startswith("2.21."):
        pytest.skip("the table is that of TensorFlow 2.21")
    assert tf.version.GRAPH_DEF_VERSION == ops.GRAPH_VERSION
    theirs = cpu_kernels()
    for op in optable.all_names():  # others may have been registered by the tests
        combos = [] if any(not one for one in theirs.get(op, ())) else theirs.get(op, [])
        assert kernels.has_any(op) == (op in theirs or op in kernels.NEVER_RUN), op
        ours = kernels._combos(op)
        assert sorted(map(str, map(sorted, ours))) == sorted(map(str, map(sorted, combos))), op
        assert all(one in combos for one in ours), op


def test_maps_in_order() -> None:
    """A key before those it begins, and numbers upwards: upb does neither."""
    body = schema.FunctionDef()
    for number in (7, 0, 300, 2):
        for name in ("Tidx", "T", "x_1", "x", "Tindices"):
            body.arg_attr[number].attr[name].i = number
    given = body.SerializeToString(deterministic=True)
    ordered = canonical(given, body.DESCRIPTOR)
    assert ordered != given and len(ordered) == len(given)
    assert schema.FunctionDef.FromString(ordered) == body
    keys = [
        next((one.value for one in wire.fields(ordered, entry.body, entry.end) if one.number == 1), 0)
        for entry in wire.fields(ordered)
    ]
    assert keys == [0, 2, 7, 300]
    assert ordered.index(b"\x01T\x12") < ordered.index(b"\x04Tidx")
    assert canonical(ordered, body.DESCRIPTOR) == ordered
    assert canonical(b"\x3b\xff", body.DESCRIPTOR) == b"\x3b\xff"  # no message: as it was


@given(st.binary(max_size=100))
def test_any_bytes_are_fields_or_damaged(data: bytes) -> None:
    try:
        found = list(wire.fields(data))
    except DamagedFile:
        return
    assert [one.start for one in found] == [0, *(one.end for one in found)][: len(found)]
    assert not found or found[-1].end == len(data)


@pytest.mark.needs_tf
def test_fingerprints_are_tensorflows(tmp_path: Path, sample_models: Path) -> None:
    """As TensorFlow's own function computes them, of a TF1 and a TF2 model; then something is changed."""
    from tensorflow.core.protobuf import fingerprint_pb2
    from tensorflow.python.saved_model.pywrap_saved_model import fingerprinting

    for sample in ("digits", "digits_tf2"):
        path = copy(tmp_path / sample, sample)
        data = fingerprinting.CreateFingerprintDef(str(path))
        told = fingerprint_pb2.FingerprintDef.FromString(data)
        meta: Any = open_model(path).meta.proto
        assert fingerprint.signatures_hash(meta) == told.signature_def_hash
        assert fingerprint.objects_hash(meta) == told.saved_object_graph_hash
        (path / "fingerprint.pb").write_bytes(data)
        assert check_model(open_model(path)).findings == []
        _change(path / "saved_model.pb", lambda meta: meta.meta_info_def.tags.append("more"))
        (found,) = check_model(open_model(path), checksums=False).findings
        assert (
            found.code == "fingerprint-mismatch"
            and "Signatures and concrete functions are the same" in found.message
        )
        _change(path / "saved_model.pb", lambda meta: meta.signature_def["again"].SetInParent())
        found = next(
            one for one in check_model(open_model(path)).findings if one.code == "fingerprint-mismatch"
        )
        assert "the signatures" in found.message


def _change(file: Path, change: Any) -> None:
    message = schema.SavedModel.FromString(file.read_bytes())
    change(message.meta_graphs[0])
    file.write_bytes(message.SerializeToString(deterministic=True))
