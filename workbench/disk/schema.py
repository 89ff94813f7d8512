"""The messages of a SavedModel, without TensorFlow.

`schema.SavedModel`, `schema.NodeDef`, … are protobuf message classes, made when they are first asked for, in
a descriptor pool of our own: the same names in the default pool would make a later `import tensorflow` in
this process fail. All fields TensorFlow has are there, so that what is read can be written back byte for byte
and text format can be read at all.

A type checker takes their fields from `schema.pyi`, which also has the names of protobuf's containers
(`RepeatedMessage`, `MessageMap`, …): those are for annotations only. `Message` is the class of all of them.

`schema_table.py` is the table to read; `schema.bin` is the same, compiled, because parsing the table at each
start would cost more than all the rest here.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message as Message


def _filled() -> DescriptorPool:
    made = DescriptorPool()
    with open(os.path.join(os.path.dirname(__file__), "schema.bin"), "rb") as file:
        while head := file.read(4):
            made.AddSerializedFile(file.read(int.from_bytes(head, "little")))
    return made


_pool = _filled()
_making = Lock()  # two threads must not make two classes for one message


def pool() -> DescriptorPool:
    """Return the private descriptor pool.

    `google.protobuf.text_format` needs it to expand an `Any`.
    """
    return _pool


def message_class(full_name: str) -> type[Message]:
    """Return the class of a message by its full name.

    As in `google.protobuf.Any` and `tensorflow.CollectionDef.NodeList`.

    Raises:
        KeyError: the schema has no such message.
    """
    with _making:
        return message_factory.GetMessageClass(_pool.FindMessageTypeByName(full_name))


def enum(name: str) -> dict[str, int]:
    """Return the values of an enum of package `tensorflow` by name.

    As in `enum("DataType")["DT_FLOAT"]`.

    Raises:
        KeyError: the schema has no such enum.
    """
    values = _pool.FindEnumTypeByName(f"tensorflow.{name}").values
    return {value.name: value.number for value in values}


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    try:
        found = message_class(f"tensorflow.{name}")
    except KeyError:
        raise AttributeError(f"the schema has no message tensorflow.{name}") from None
    globals()[name] = found
    return found
