"""Compile `workbench/disk/schema_table.py` to `workbench/disk/schema.bin`.

Run by hand after a change of the table: `python tests/tools/compile_schema.py`. It needs protobuf, not
TensorFlow and not protoc, and reads just the part of the `.proto` language that the table is written in: one
statement a line. `schema.bin` holds, for each file of the table, the length of its serialised
FileDescriptorProto (uint32, little endian) and the bytes of it. `tests/disk/test_schema.py` compiles again
and compares.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from workbench.disk.schema_table import FILES  # noqa: E402  (a script beside the package, not in it)

TARGET = ROOT / "workbench" / "disk" / "schema.bin"

FieldProto = descriptor_pb2.FieldDescriptorProto
FIELD = re.compile(
    r"(?:(?P<label>optional|repeated) )?(?:map<(?P<key>\w+), (?P<value>[\w.]+)>|(?P<type>[\w.]+)) "
    r"(?P<name>\w+) = (?P<number>\d+)(?: \[packed = (?P<packed>true|false)\])?;"
)
VALUE = re.compile(r"(?P<name>\w+) = (?P<number>-?\d+);")


def compile_table() -> bytes:
    """The table as bytes of `schema.bin`, the files that others import first."""
    files = [_compile(name, text).SerializeToString(deterministic=True) for name, text in FILES.items()]
    return b"".join(len(data).to_bytes(4, "little") + data for data in files)


def main() -> None:
    """Write the compiled table."""
    TARGET.write_bytes(compile_table())


def _compile(name: str, text: str) -> Any:
    file = descriptor_pb2.FileDescriptorProto(name=name)
    scopes: list[Any] = [file]
    oneof = False
    for line in filter(None, map(str.strip, text.splitlines())):
        scope, words = scopes[-1], line.split()
        if line == "}":
            oneof, finished = False, oneof
            if not finished:
                scopes.pop()
        elif words[0] == "syntax":
            syntax = line.split('"')[1]
            if syntax != "proto2":  # which is the default, and is not written
                file.syntax = syntax
        elif words[0] == "package":
            file.package = words[1].rstrip(";")
        elif words[0] == "import":
            file.dependency.append(line.split('"')[1])
        elif words[0] == "message":
            kind = file.message_type if scope is file else scope.nested_type
            scopes.append(kind.add(name=words[1]))
        elif words[0] == "enum":
            scopes.append(scope.enum_type.add(name=words[1]))
        elif words[0] == "oneof":
            scope.oneof_decl.add(name=words[1])
            oneof = True
        elif isinstance(scope, descriptor_pb2.EnumDescriptorProto):
            match = VALUE.fullmatch(line)
            assert match, line
            scope.value.add(name=match["name"], number=int(match["number"]))
        else:
            path = ".".join(["", file.package, *(outer.name for outer in scopes[1:])])
            _add_field(scope, path, line, oneof)
    assert scopes == [file], name
    return file


def _add_field(message: Any, path: str, line: str, oneof: bool) -> None:
    match = FIELD.fullmatch(line)
    assert match, line
    field = message.field.add(name=match["name"], number=int(match["number"]))
    field.label = FieldProto.LABEL_OPTIONAL
    if match["key"]:
        camel = "".join(part.capitalize() for part in match["name"].split("_")) + "Entry"
        entry = message.nested_type.add(name=camel)
        entry.options.map_entry = True
        for number, kind in enumerate(("key", "value"), start=1):
            inner = entry.field.add(name=kind, number=number, label=FieldProto.LABEL_OPTIONAL)
            _set_type(inner, match[kind])
        field.label, field.type = FieldProto.LABEL_REPEATED, FieldProto.TYPE_MESSAGE
        field.type_name = f"{path}.{camel}"
        return
    _set_type(field, match["type"])
    if match["label"] == "repeated":
        field.label = FieldProto.LABEL_REPEATED
    if match["packed"]:
        field.options.packed = match["packed"] == "true"
    if oneof:
        field.oneof_index = len(message.oneof_decl) - 1


def _set_type(field: Any, name: str) -> None:
    """A scalar by its number; a message or an enum by its full name, which of both the pool finds out."""
    if f"TYPE_{name.upper()}" in FieldProto.Type.keys():  # noqa: SIM118  (an enum wrapper has no `in`)
        field.type = FieldProto.Type.Value(f"TYPE_{name.upper()}")
    else:
        field.type_name = f".{name}" if name.startswith("google.") else f".tensorflow.{name}"


if __name__ == "__main__":
    main()
