"""The schema says what TensorFlow's descriptors say, and what is committed is what the table compiles to."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

from tests.tools.compile_schema import compile_table
from tests.tools.make_schema_stubs import stubs
from tests.tools.make_schema_table import ROOTS, tensorflow_pool
from workbench.disk import dtypes, schema
from workbench.errors import UnknownName


def test_the_compiled_schema_is_the_table() -> None:
    assert Path(schema.__file__).with_name("schema.bin").read_bytes() == compile_table()


def test_the_types_are_those_of_the_schema() -> None:
    assert Path(schema.__file__).with_name("schema.pyi").read_text(encoding="utf-8") == stubs()


def test_every_declared_member_exists() -> None:
    """What a type checker lets through exists at run time: each class of the stubs against a real object."""
    node = schema.NodeDef()
    real = {
        "Repeated": node.input,
        "RepeatedScalar": node.input,
        "RepeatedMessage": schema.GraphDef().node,
        "_Map": node.attr,
        "ScalarMap": schema.FunctionDef().ret,
        "MessageMap": node.attr,
        "EnumWrapper": schema.SaverDef.CheckpointFormatVersion,
        "_BoolValue": schema.TrackableObjectGraph.TrackableObject().has_checkpoint_values,
        "_Any": schema.MetaGraphDef().meta_info_def.any_info,
    }
    classes = [top for top in ast.parse(stubs()).body if isinstance(top, ast.ClassDef)]
    for stub in classes:
        one = real.pop(stub.name) if stub.name in real else getattr(schema, stub.name)()
        for member in stub.body:
            name = getattr(member, "name", None) or getattr(getattr(member, "target", None), "id", None)
            assert name is None or hasattr(one, name), (stub.name, name)
    assert not real and len(classes) > 70


def test_a_class_is_made_once_and_knows_its_fields() -> None:
    assert schema.SavedModel is schema.SavedModel
    model = schema.SavedModel(saved_model_schema_version=1)
    model.meta_graphs.add().graph_def.node.add(name="x").attr["dtype"].type = dtypes.FLOAT
    assert schema.SavedModel.FromString(model.SerializeToString()) == model


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"no message tensorflow\.NoSuchDef"):
        _ = schema.NoSuchDef
    assert not hasattr(schema, "__path__")
    with pytest.raises(KeyError):
        schema.enum("NoSuchEnum")


def test_an_any_goes_through_text() -> None:
    collection = schema.CollectionDef()
    collection.any_list.value.add().Pack(schema.SignatureDef(method_name="m"))
    for text in (str(collection), text_format.MessageToString(collection, descriptor_pool=schema.pool())):
        read = text_format.Parse(text, schema.CollectionDef(), descriptor_pool=schema.pool())
        assert read == collection
    meta_info = schema.MetaGraphDef().meta_info_def
    text_format.Parse(
        'any_info { [type.googleapis.com/tensorflow.NodeDef] { name: "n" } }',
        meta_info,
        descriptor_pool=schema.pool(),
    )
    node = schema.NodeDef()
    assert meta_info.any_info.Unpack(node)
    assert node.name == "n"


def test_the_default_pool_stays_free_of_tensorflow() -> None:
    code = (
        "from workbench.disk import schema\n"
        "schema.SavedModel(), schema.message_class('google.protobuf.Any')\n"
        "from google.protobuf import any_pb2, descriptor_pool, wrappers_pb2\n"
        "try: descriptor_pool.Default().FindMessageTypeByName('tensorflow.SavedModel')\n"
        "except KeyError: print('free')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "free"


@pytest.mark.needs_tf
def test_every_message_agrees_with_tensorflow() -> None:
    theirs = tensorflow_pool()
    messages: dict[str, Any] = {}
    enums: dict[str, Any] = {}
    for root in ROOTS:
        _collect(theirs.FindMessageTypeByName(root), messages, enums)
    assert len(messages) > 110
    assert len(enums) == 9
    for name, message in messages.items():
        assert _facts(schema.pool().FindMessageTypeByName(name)) == _facts(message), name
    for name, enum in enums.items():
        assert _values(schema.pool().FindEnumTypeByName(name)) == _values(enum), name


@pytest.mark.needs_tf
def test_the_dtypes_are_tensorflows() -> None:
    import numpy as np
    import tensorflow as tf

    numbers = {number for number in schema.enum("DataType").values() if number < dtypes.REF}
    assert numbers == set(dtypes._TABLE)
    for number in numbers - {dtypes.INVALID}:
        theirs = tf.dtypes.as_dtype(number)
        assert dtypes.name(number) == theirs.name
        assert dtypes.name(number + dtypes.REF) == tf.dtypes.as_dtype(number + dtypes.REF).name
        assert dtypes.enum(theirs.name) == number
        if number in (dtypes.RESOURCE, dtypes.VARIANT, dtypes.STRING):
            assert dtypes.size(number) is None
            continue
        assert dtypes.size(number) == theirs.size
        ours = dtypes.numpy(number)
        if ours is None:  # an ml_dtypes that is older than this TensorFlow
            continue
        assert ours.itemsize == theirs.size
        assert ours == (
            np.dtype(theirs.name.removeprefix("q")) if theirs.is_quantized else theirs.as_numpy_dtype
        )


def test_names_of_dtypes() -> None:
    assert dtypes.name(101) == "float32_ref"
    assert dtypes.name(77) == "dtype_77"
    assert dtypes.name(177) == "dtype_177"
    assert dtypes.enum("DT_BFLOAT16") == dtypes.enum("bfloat16") == 14
    assert dtypes.enum("DT_INVALID") == dtypes.INVALID
    assert dtypes.enum("DT_STRING_REF") == dtypes.enum("string_ref") == 107
    assert (dtypes.base(107), dtypes.base(7), dtypes.is_ref(107), dtypes.is_ref(7)) == (7, 7, True, False)
    with pytest.raises(UnknownName, match="float32"):
        dtypes.enum("float23")
    with pytest.raises(UnknownName):
        dtypes.enum("DT_FLAOT")


def _collect(message: Any, messages: dict[str, Any], enums: dict[str, Any]) -> None:
    if message.full_name in messages:
        return
    messages[message.full_name] = message
    for field in message.fields:
        if field.message_type is not None:
            _collect(field.message_type, messages, enums)
        if field.enum_type is not None:
            enums[field.enum_type.full_name] = field.enum_type
    for nested in message.nested_types:
        _collect(nested, messages, enums)


def _facts(message: Any) -> dict[str, Any]:
    """All that decides about bytes, text and JSON of a message."""
    fields = [
        (
            field.number,
            field.name,
            field.json_name,
            field.type,
            _repeated(field),
            field.is_packed,
            field.has_presence,
            field.default_value,
            field.message_type and field.message_type.full_name,
            field.enum_type and field.enum_type.full_name,
            field.containing_oneof and field.containing_oneof.name,
        )
        for field in message.fields
    ]
    return {
        "fields": fields,  # in the order of declaration
        "oneofs": [(oneof.name, [field.name for field in oneof.fields]) for oneof in message.oneofs],
        "map": message.GetOptions().map_entry,
        "nested": sorted(nested.name for nested in message.nested_types),
        "enums": sorted(enum.name for enum in message.enum_types),
    }


def _repeated(field: Any) -> bool:
    found = getattr(field, "is_repeated", None)
    return bool(field.label == field.LABEL_REPEATED) if found is None else bool(found)


def _values(enum: Any) -> list[tuple[str, int]]:
    return [(value.name, value.number) for value in enum.values]
