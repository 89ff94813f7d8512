"""Write `workbench/disk/schema.pyi`: the types of the messages that `workbench/disk/schema.py` makes at run time.

Run by hand after a change of the schema, when `schema.bin` is compiled:
`python tests/tools/make_schema_stubs.py`. `tests/disk/test_schema.py` makes the stubs again and compares. A
field of an enum type is an `int` to read and also a `str` to construct; a message field is read-only, as in
protobuf; `HasField`, `ClearField` and `WhichOneof` take only names that exist.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.tools.compile_schema import compile_table  # noqa: E402  (a script beside the package, not in it)
from workbench.disk import schema  # noqa: E402

TARGET = ROOT / "workbench" / "disk" / "schema.pyi"

HEAD = """\
# Written by tests/tools/make_schema_stubs.py from schema.bin; see there. Not to be edited.

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, Literal, SupportsIndex, TypeVar, overload

from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message as Message

_T = TypeVar("_T")
_K = TypeVar("_K")
_M = TypeVar("_M", bound=Message)

def pool() -> DescriptorPool: ...
def message_class(full_name: str) -> type[Message]: ...
def enum(name: str) -> dict[str, int]: ...

class Repeated(Sequence[_T]):
    @overload
    def __getitem__(self, index: SupportsIndex, /) -> _T: ...
    @overload
    def __getitem__(self, index: slice, /) -> list[_T]: ...
    def __delitem__(self, index: int | slice, /) -> None: ...
    def __len__(self) -> int: ...
    def append(self, value: _T, /) -> None: ...
    def extend(self, values: Iterable[_T], /) -> None: ...
    def insert(self, index: int, value: _T, /) -> None: ...
    def pop(self, index: int = -1, /) -> _T: ...
    def remove(self, value: _T, /) -> None: ...
    def reverse(self) -> None: ...
    def sort(self, *, key: Callable[[_T], Any] | None = None, reverse: bool = False) -> None: ...
    def MergeFrom(self, other: Iterable[_T], /) -> None: ...

class RepeatedScalar(Repeated[_T]):
    @overload
    def __setitem__(self, index: int, value: _T, /) -> None: ...
    @overload
    def __setitem__(self, index: slice, values: Iterable[_T], /) -> None: ...

class RepeatedMessage(Repeated[_M]):
    def add(self, **fields: Any) -> _M: ...

class _Map(Mapping[_K, _T]):
    def __getitem__(self, key: _K, /) -> _T: ...
    def __delitem__(self, key: _K, /) -> None: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[_K]: ...
    def clear(self) -> None: ...
    def pop(self, key: _K, /) -> _T: ...

class ScalarMap(_Map[_K, _T]):
    def __setitem__(self, key: _K, value: _T, /) -> None: ...
    def update(self, other: Mapping[_K, _T], /) -> None: ...
    def MergeFrom(self, other: ScalarMap[_K, _T], /) -> None: ...

class MessageMap(_Map[_K, _M], Generic[_K, _M]):
    def get_or_create(self, key: _K, /) -> _M: ...
    def MergeFrom(self, other: MessageMap[_K, _M], /) -> None: ...

class EnumWrapper:
    def Name(self, number: int) -> str: ...
    def Value(self, name: str | None) -> int: ...
    def keys(self) -> list[str]: ...
    def values(self) -> list[int]: ...
    def items(self) -> list[tuple[str, int]]: ...
"""
WELL_KNOWN = {"google.protobuf.Any": "_Any", "google.protobuf.BoolValue": "_BoolValue"}
ANY = (
    "    def Pack(self, message: Message, /) -> None: ...",
    "    def Unpack(self, message: Message, /) -> bool: ...",
    "    def Is(self, descriptor: Any, /) -> bool: ...",
    "    def TypeName(self) -> str: ...",
)


def stubs() -> str:
    """Return the text of the stub file."""
    from google.protobuf import descriptor_pb2

    data, names = compile_table(), []
    while data:
        size = int.from_bytes(data[:4], "little")
        file = descriptor_pb2.FileDescriptorProto.FromString(data[4 : 4 + size])
        names += [f"{file.package}.{message.name}" for message in file.message_type]
        data = data[4 + size :]
    parts = [HEAD]
    parts += ["\n".join(_message(schema.pool().FindMessageTypeByName(name))) + "\n" for name in names]
    return "\n".join(parts)


def main() -> None:
    """Write the stubs."""
    TARGET.write_text(stubs(), encoding="utf-8")


def _message(descriptor: Any, indent: str = "") -> list[str]:
    """Return the lines of a message's class, nested messages and enums inside it."""
    lines = []
    for enum in descriptor.enum_types:
        lines.append(f"{enum.name}: EnumWrapper")
        lines += [f"{value.name}: int" for value in enum.values]
    for nested in descriptor.nested_types:
        if not nested.GetOptions().map_entry:
            lines += [*_message(nested), ""]
    for field in descriptor.fields:
        if _is_scalar(field):
            lines.append(f"{field.name}: {_type(field)}")
    for field in descriptor.fields:
        if not _is_scalar(field):
            lines += ["@property", f"def {field.name}(self) -> {_type(field)}: ..."]
    if descriptor.fields:
        lines += _call("__init__", ["self", "*", *map(_argument, descriptor.fields)], "None")
        lines += _call("ClearField", ["self", f"name: {_literal(f.name for f in descriptor.fields)}"], "None")
    present = [field.name for field in descriptor.fields if field.has_presence]
    if present:
        lines += _call("HasField", ["self", f"name: {_literal(present)}"], "bool")
    for oneof in descriptor.oneofs:
        if len(descriptor.oneofs) > 1:
            lines.append("@overload")
        members = _literal(field.name for field in oneof.fields)
        lines += _call("WhichOneof", ["self", f"name: {_literal([oneof.name])}"], f"{members} | None")
    if descriptor.full_name == "google.protobuf.Any":
        lines += [line.strip() for line in ANY]
    name = WELL_KNOWN.get(descriptor.full_name, descriptor.name)
    body = [f"{indent}    {line}" if line else "" for line in lines]
    return [f"{indent}class {name}(Message):{'' if body else ' ...'}", *body]


def _call(name: str, arguments: list[str], result: str) -> list[str]:
    return [f"def {name}({', '.join(arguments)}) -> {result}: ..."]


def _literal(names: Iterable[str]) -> str:
    quoted = (f'"{name}"' for name in names)
    return f"Literal[{', '.join(quoted)}]"


def _is_map(field: Any) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _repeated(field: Any) -> bool:
    found = getattr(field, "is_repeated", None)
    return bool(field.label == field.LABEL_REPEATED) if found is None else bool(found)


def _is_scalar(field: Any) -> bool:
    """Return whether a field can be assigned to."""
    return field.message_type is None and not _repeated(field)


def _one(field: Any) -> str:
    """Return the type of one value of a field."""
    if field.message_type is not None:
        full: str = field.message_type.full_name
        return WELL_KNOWN.get(full, full.removeprefix("tensorflow."))
    kinds = {
        field.CPPTYPE_STRING: "bytes" if field.type == field.TYPE_BYTES else "str",
        field.CPPTYPE_BOOL: "bool",
        field.CPPTYPE_FLOAT: "float",
        field.CPPTYPE_DOUBLE: "float",
    }
    return kinds.get(field.cpp_type, "int")


def _type(field: Any) -> str:
    """Return the type of a field as it is read."""
    if _is_map(field):
        key, value = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
        kind = "ScalarMap" if value.message_type is None else "MessageMap"
        return f"{kind}[{_one(key)}, {_one(value)}]"
    if _repeated(field):
        return f"{'RepeatedScalar' if field.message_type is None else 'RepeatedMessage'}[{_one(field)}]"
    return _one(field)


def _argument(field: Any) -> str:
    """Return the parameter of the constructor for a field."""
    if _is_map(field):
        key, value = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
        kind = f"Mapping[{_one(key)}, {_given(value)}]"
    elif _repeated(field):
        kind = f"Iterable[{_given(field)}]"
    else:
        kind = _given(field)
    return f"{field.name}: {kind} | None = None"


def _given(field: Any) -> str:
    """Return the type of one value of a field as the constructor takes it."""
    if field.message_type is not None:
        return f"{_one(field)} | Mapping[str, Any]"
    return "int | str" if field.enum_type is not None else _one(field)


if __name__ == "__main__":
    main()
