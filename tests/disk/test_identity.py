"""What TensorFlow writes is read and written back byte for byte, binary and text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

from tests.zoo import ZOO, Example
from tests.zoo.common import commonly
from workbench.disk import schema
from workbench.disk.folder.location import find
from workbench.disk.folder.reading import load

pytestmark = pytest.mark.needs_tf

SLOW = {"keras_mobilenet_v2", "keras_resnet50"}


@pytest.mark.parametrize("name", commonly([name for name in ZOO if name not in SLOW]))
def test_the_file_is_written_back_as_it_was(name: str, zoo: Callable[[str], Example]) -> None:
    location = find(zoo(name).path)
    model = load(location)
    message = model.meta_graphs[0].graph_def if location.kind == "graphdef" else model
    content = location.file.read_bytes()
    if location.kind == "pbtxt":
        assert str(model) == content.decode()
    elif location.kind == "pb":
        assert model.SerializeToString(deterministic=True) == content
    elif location.text:  # tf.io.write_graph does not order maps: the same lines in another order
        assert sorted(str(message).splitlines()) == sorted(content.decode().splitlines())
    else:
        assert len(message.SerializeToString(deterministic=True)) == len(content)
        assert message == schema.GraphDef.FromString(content)


@pytest.mark.parametrize(
    "name",
    commonly(["v1_while_nested", "v1_names_and_places", "tf2_tables", "tf2_sparse", "keras_lstm"], 2),
)
def test_the_text_is_tensorflows(name: str, zoo: Callable[[str], Example], tmp_path: Path) -> None:
    from tensorflow.core.protobuf import saved_model_pb2

    location = find(zoo(name).path)
    ours = load(location)
    theirs = saved_model_pb2.SavedModel.FromString(location.file.read_bytes())
    assert str(ours) == str(theirs)
    (tmp_path / "saved_model.pbtxt").write_text(str(theirs), encoding="utf-8")
    assert load(find(tmp_path)) == ours


def test_fingerprints(zoo: Callable[[str], Example]) -> None:
    content = (zoo("tf2_module").path / "fingerprint.pb").read_bytes()
    message = schema.FingerprintDef.FromString(content)
    assert message.SerializeToString(deterministic=True) == content
    assert message.saved_model_checksum


@pytest.mark.parametrize("name", ["v1_adam_slots", "v1_partitioned"])
def test_variable_defs(name: str, zoo: Callable[[str], Example]) -> None:
    (meta,) = load(find(zoo(name).path)).meta_graphs
    written = meta.collection_def["variables"].bytes_list.value
    assert len(written) > 2
    for data in written:
        variable = schema.VariableDef.FromString(data)
        assert variable.variable_name
        assert variable.HasField("save_slice_info_def") or name == "v1_adam_slots"
        assert variable.SerializeToString(deterministic=True) == data


def test_control_flow_contexts(zoo: Callable[[str], Example]) -> None:
    seen = []
    for name, key, kind in (
        ("v1_while", "while_context", "WhileContextDef"),
        ("v1_cond", "cond_context", "CondContextDef"),
    ):
        for meta in load(find(zoo(name).path)).meta_graphs:
            for data in meta.collection_def[key].bytes_list.value:
                context: Any = getattr(schema, kind).FromString(data)
                assert context.context_name
                # TensorFlow does not order the map in it, so only the length can be compared
                assert len(context.SerializeToString(deterministic=True)) == len(data)
                seen.append(kind)
    assert set(seen) == {"WhileContextDef", "CondContextDef"}


def test_messages_packed_in_any(tmp_path: Path) -> None:
    import tensorflow as tf
    from google.protobuf import any_pb2
    from tensorflow.core.framework import node_def_pb2
    from tensorflow.core.protobuf import saved_model_pb2

    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph, v1.Session() as session:
        x = v1.placeholder(tf.float32, [None], name="x")
        packed = any_pb2.Any()
        packed.Pack(node_def_pb2.NodeDef(name="n", op="NoOp"))
        for as_text in (False, True):
            builder = v1.saved_model.Builder(str(tmp_path / str(as_text)))
            inputs = {"x": v1.saved_model.build_tensor_info(x)}
            signature = v1.saved_model.build_signature_def(inputs, inputs, "tensorflow/serving/predict")
            builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
            meta = builder._saved_model.meta_graphs[0]
            meta.meta_info_def.any_info.CopyFrom(packed)
            meta.collection_def["things"].any_list.value.add().CopyFrom(packed)
            builder.save(as_text=as_text)
    assert graph
    binary = load(find(tmp_path / "False"))
    content = (tmp_path / "False" / "saved_model.pb").read_bytes()
    assert binary.SerializeToString(deterministic=True) == content
    assert str(binary) == str(saved_model_pb2.SavedModel.FromString(content))
    text = (tmp_path / "True" / "saved_model.pbtxt").read_text()
    read = load(find(tmp_path / "True"))
    assert str(read) == text
    expanded = text_format.MessageToString(binary, descriptor_pool=schema.pool())
    assert "[type.googleapis.com/tensorflow.NodeDef]" in expanded
    assert text_format.Parse(expanded, schema.SavedModel(), descriptor_pool=schema.pool()) == binary
