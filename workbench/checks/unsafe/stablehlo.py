"""Which functions of the process a StableHLO module calls by name: the targets of its custom calls.

XlaCallModule keeps its module as text or as MLIR bytecode of StableHLO's portable dialect (VHLO). The bytecode is read
strictly: what is not of the form that is known here gives no answer, and no answer is taken for the worst.

Sources: "MLIR Bytecode Format" (mlir.llvm.org/docs/BytecodeFormat) and StableHLO's `VhloBytecode.cpp`; checked against
`serialize_portable_artifact_str` of TensorFlow 2.21.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_MAGIC = b"ML\xefR"
_VERSIONS = (5, 6)  # older ones keep an op's own attributes elsewhere
_STRINGS, _DIALECTS, _ATTRS, _OFFSETS, _IR, _PROPERTIES = 0, 1, 2, 3, 4, 8
_STRING_ATTR = 14  # VhloBytecode.cpp: kStringV1Attr
_CALL = "vhlo.custom_call_v1"
_TARGET_AT = 2  # of the properties, by name: api_version, backend_config, call_target_name, …
_DEEPEST = 200
_TEXT = re.compile(rb"\bstablehlo\.custom_call @([A-Za-z_][A-Za-z0-9_.$]*)\(")

HARMLESS = frozenset(
    {
        *("shape_assertion", "Sharding", "SPMDFullToShardShape", "SPMDShardToFullShape"),
        *(
            "stablehlo.dynamic_reduce_window",
            "stablehlo.dynamic_rng_bit_generator",
            "stablehlo.dynamic_top_k",
        ),
    }
)
"""Targets that the compiler itself replaces by what they mean: assertions and marks, no code that is called."""


class _Unknown(Exception):
    """The bytecode has an unknown form."""


def may_call(module: bytes) -> bool:
    """Return whether a module may have custom calls: a glance. In text an op's name may be written with escapes."""
    return b"custom_call" in module or (b"\\" in module and not module.startswith(_MAGIC))


def custom_call_targets(module: bytes) -> frozenset[str] | None:
    """Return the targets of a module's custom calls; None if that can't be told.

    Args:
        module: the attr `module` of an XlaCallModule.
    """
    if not may_call(module):
        return frozenset()
    if not module.startswith(_MAGIC):
        found = _TEXT.findall(module)
        if b"\\" in module or len(found) != module.count(b"custom_call"):
            return None
        return frozenset(name.decode() for name in found)
    try:
        return _Module(module).targets()
    except (_Unknown, IndexError, ValueError):
        return None


class _Reader:
    """Reads numbers and sections of bytecode in order."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def take(self, size: int) -> bytes:
        if size > self.left:
            raise _Unknown
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self) -> int:
        """Return a number; the low bits of its first byte say how many bytes follow."""
        first = self.byte()
        if not first:
            return int.from_bytes(self.take(8), "little")
        more = (first & -first).bit_length() - 1
        return int.from_bytes(bytes([first]) + self.take(more), "little") >> (more + 1)

    def flagged(self) -> tuple[int, bool]:
        value = self.number()
        return value >> 1, bool(value & 1)

    def section(self, whole: bool = False) -> tuple[int, _Reader]:
        """Return the kind and content of a section; alignment counts from the file's start."""
        kind = self.byte()
        size = self.number()
        if kind & 0x80:
            alignment = self.number()
            if not whole or not 0 < alignment <= 4096:
                raise _Unknown
            while self.at % alignment:
                if self.byte() != 0xCB:
                    raise _Unknown
        return kind & 0x7F, _Reader(self.take(size))


@dataclass(slots=True)
class _Module:
    """A module of bytecode, split into sections."""

    data: bytes
    sections: dict[int, _Reader] = field(default_factory=dict)
    strings: list[bytes] = field(default_factory=list)
    ops: list[str] = field(default_factory=list)
    attrs: list[tuple[str, bytes, bool]] = field(default_factory=list)
    properties: list[bytes] = field(default_factory=list)
    found: set[str] = field(default_factory=set)

    def targets(self) -> frozenset[str]:
        reader = _Reader(self.data, len(_MAGIC))
        if reader.number() not in _VERSIONS:
            raise _Unknown
        while reader.byte():  # who wrote it
            pass
        while reader.left:
            kind, section = reader.section(whole=True)
            if kind in self.sections:
                raise _Unknown
            self.sections[kind] = section
        if not {_STRINGS, _DIALECTS, _ATTRS, _OFFSETS, _IR, _PROPERTIES} <= self.sections.keys():
            raise _Unknown
        self._read_strings()
        dialects = self._read_dialects()
        self._read_attrs(dialects)
        self._read_properties()
        ir = self.sections[_IR]
        self._block(ir, 0)
        if ir.left:
            raise _Unknown
        return frozenset(self.found)

    def _read_strings(self) -> None:
        section = self.sections[_STRINGS]
        sizes = [section.number() for _ in range(section.number())][::-1]
        for size in sizes:
            text = section.take(size)
            if not text.endswith(b"\0"):
                raise _Unknown
            self.strings.append(text[:-1])
        if section.left:
            raise _Unknown

    def _read_dialects(self) -> list[str]:
        section = self.sections[_DIALECTS]
        dialects = []
        for _ in range(section.number()):
            name, versioned = section.flagged()
            dialects.append(self.strings[name].decode())
            if versioned:
                section.section()
        if not set(dialects) <= {"builtin", "vhlo"}:
            raise _Unknown
        section.number()  # of ops
        while section.left:
            dialect = dialects[section.number()]
            for _ in range(section.number()):
                name, _ = section.flagged()
                self.ops.append(f"{dialect}.{self.strings[name].decode()}")
        if any("custom_call" in op and op != _CALL for op in self.ops):
            raise _Unknown
        return dialects

    def _read_attrs(self, dialects: list[str]) -> None:
        offsets, data = self.sections[_OFFSETS], self.sections[_ATTRS]
        number = offsets.number()
        offsets.number()  # of types, which come behind
        while len(self.attrs) < number:
            dialect = dialects[offsets.number()]
            for _ in range(offsets.number()):
                size, custom = offsets.flagged()
                self.attrs.append((dialect, data.take(size), custom))

    def _read_properties(self) -> None:
        section = self.sections[_PROPERTIES]
        self.properties = [section.take(section.number()) for _ in range(section.number())]
        if section.left:
            raise _Unknown

    def _block(self, reader: _Reader, depth: int) -> None:
        number, has_arguments = reader.flagged()
        if has_arguments:
            for _ in range(reader.number()):
                _, has_location = reader.flagged()
                if has_location:
                    reader.number()
            if reader.byte():  # orders of uses
                raise _Unknown
        for _ in range(number):
            self._op(reader, depth)

    def _op(self, reader: _Reader, depth: int) -> None:
        op = self.ops[reader.number()]
        mask = reader.byte()
        if mask & ~0x5F or depth > _DEEPEST:
            raise _Unknown
        reader.number()  # location
        if mask & 0x01:
            reader.number()  # further attributes
        if mask & 0x40:
            properties = self.properties[reader.number()]
        if op == _CALL:
            if not mask & 0x40:
                raise _Unknown
            self.found.add(self._target(properties))
        for bit in (0x02, 0x04, 0x08):  # results, operands, successors
            if mask & bit:
                for _ in range(reader.number()):
                    reader.number()
        if mask & 0x10:
            number, isolated = reader.flagged()
            for _ in range(number):
                inner = reader
                if isolated:
                    kind, inner = reader.section()
                    if kind != _IR:
                        raise _Unknown
                self._region(inner, depth + 1)
                if isolated and inner.left:
                    raise _Unknown

    def _region(self, reader: _Reader, depth: int) -> None:
        blocks = reader.number()
        if blocks:
            reader.number()  # of values
        for _ in range(blocks):
            self._block(reader, depth)

    def _target(self, properties: bytes) -> str:
        reader = _Reader(properties)
        indices = []
        while reader.left:
            indices.append(reader.number())
        dialect, data, custom = self.attrs[indices[_TARGET_AT]]
        attr = _Reader(data)
        if dialect != "vhlo" or not custom or attr.number() != _STRING_ATTR:
            raise _Unknown
        text = self.strings[attr.number()].decode()
        if attr.left:
            raise _Unknown
        return text
