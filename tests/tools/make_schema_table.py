"""Write `workbench/disk/schema_table.py` from the descriptors of the installed TensorFlow.

Run by hand when TensorFlow gains a field: `python tests/tools/make_schema_table.py`, then
`python tests/tools/compile_schema.py` and `python tests/tools/make_schema_stubs.py`. Messages
come in the order in which they are met on a walk from `ROOTS`; only what can be reached from there is written.
Comments are TensorFlow's business, not ours.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

ROOTS = (
    "tensorflow.SavedModel",
    "tensorflow.OpList",
    "tensorflow.TrackableObjectGraph",
    "tensorflow.BundleHeaderProto",
    "tensorflow.BundleEntryProto",
    "tensorflow.FingerprintDef",
    "tensorflow.VariableDef",
    "tensorflow.SaverDef",
    "tensorflow.ControlFlowContextDef",
    "tensorflow.CondContextDef",
    "tensorflow.WhileContextDef",
    "tensorflow.QueueRunnerDef",
    "tensorflow.CompositeTensorVariantMetadata",
    "tensorflow.Example",
    "tensorflow.SequenceExample",
)
TARGET = Path(__file__).parents[2] / "workbench" / "disk" / "schema_table.py"

HEAD = '''"""The messages a SavedModel is made of, in the language of `.proto` files, a field a line.

Written by `tests/tools/make_schema_table.py` from the descriptors of TensorFlow {version}. Not imported at
run time: `tests/tools/compile_schema.py` compiles it to `schema.bin`, and a test holds the two together.
Left out is what changes neither bytes nor text: comments, `reserved`, `deprecated`, `jstype`, and
`packed = true`, which is the default of proto3.
"""

FILES: dict[str, str] = {{}}
'''


def tensorflow_pool() -> Any:
    """The descriptor pool that TensorFlow's own messages are in."""
    from google.protobuf import descriptor_pool
    from tensorflow.core.example import example_pb2  # noqa: F401  (these fill the pool)
    from tensorflow.core.protobuf import (  # noqa: F401
        composite_tensor_variant_pb2,
        control_flow_pb2,
        fingerprint_pb2,
        queue_runner_pb2,
        saved_model_pb2,
        tensor_bundle_pb2,
        trackable_object_graph_pb2,
    )

    return descriptor_pool.Default()


def main() -> None:
    """Write the table."""
    import tensorflow as tf

    pool = tensorflow_pool()
    tops: dict[str, Any] = {}
    for root in ROOTS:
        _walk(pool.FindMessageTypeByName(root), tops, set())
    files: dict[tuple[str, str], list[Any]] = {}
    for top in tops.values():
        files.setdefault((top.file.package, _syntax(top.file)), []).append(top)
    parts = [HEAD.format(version=tf.__version__)]
    written = {key: _file_name(*key) for key in files}
    order = sorted(files, key=lambda key: (not key[0].startswith("google"), key[0] == "tensorflow", key[1]))
    for place, key in enumerate(order):
        package, syntax = key
        lines = [f'syntax = "{syntax}";', f"package {package};"]
        lines += [f'import "{written[earlier]}";' for earlier in order[:place]]
        for top in files[key]:
            lines.append("")
            lines += _enum(top, "") if _is_enum(top) else _message(top, "")
        parts.append(f'FILES["{written[key]}"] = """\n' + "\n".join(lines) + '\n"""\n')
    TARGET.write_text("\n".join(parts), encoding="utf-8")


def _walk(descriptor: Any, tops: dict[str, Any], seen: set[str]) -> None:
    """Collect the outermost message or enum of everything reachable, in the order met."""
    if descriptor.full_name in seen:
        return
    seen.add(descriptor.full_name)
    top = descriptor
    while top.containing_type is not None:
        top = top.containing_type
    tops.setdefault(top.full_name, top)
    if top is not descriptor:
        _walk(top, tops, seen)
    if _is_enum(descriptor):
        return
    for field in descriptor.fields:
        for used in (field.message_type, field.enum_type):
            if used is not None:
                _walk(used, tops, seen)
    for nested in descriptor.nested_types:
        _walk(nested, tops, seen)


def _is_enum(descriptor: Any) -> bool:
    return hasattr(descriptor, "values_by_number")


def _syntax(file: Any) -> str:
    return "proto3" if file.serialized_pb.endswith(b"b\x06proto3") else "proto2"


def _file_name(package: str, syntax: str) -> str:
    if package.startswith("google"):
        return "workbench/well_known.proto"
    suffix = "" if syntax == "proto3" else "_proto2"
    return f"workbench/{package.replace('.', '_')}{suffix}.proto"


def _message(descriptor: Any, indent: str) -> list[str]:
    lines = [f"{indent}message {descriptor.name} {{"]
    inner = indent + "  "
    for enum in descriptor.enum_types:
        lines += _enum(enum, inner)
    for nested in descriptor.nested_types:
        if not nested.GetOptions().map_entry:
            lines += _message(nested, inner)
    done = set()
    for field in descriptor.fields:
        oneof = field.containing_oneof
        if oneof is None:
            lines.append(inner + _field(field))
        elif oneof.name not in done:
            done.add(oneof.name)
            lines.append(f"{inner}oneof {oneof.name} {{")
            lines += [f"{inner}  {_field(member)}" for member in oneof.fields]
            lines.append(f"{inner}}}")
    return [*lines, f"{indent}}}"]


def _enum(descriptor: Any, indent: str) -> list[str]:
    values = [f"{indent}  {value.name} = {value.number};" for value in descriptor.values]
    return [f"{indent}enum {descriptor.name} {{", *values, f"{indent}}}"]


def _field(field: Any) -> str:
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        key, value = entry.fields_by_name["key"], entry.fields_by_name["value"]
        return f"map<{_type(key)}, {_type(value)}> {field.name} = {field.number};"
    if _repeated(field):
        label = "repeated "
    else:
        label = "optional " if _syntax(field.file) == "proto2" else ""
    # packed is the default of proto3 only, and says nothing about what has a length anyway
    scalar = entry is None and field.type not in (field.TYPE_STRING, field.TYPE_BYTES)
    options = ""
    if label == "repeated " and scalar and field.is_packed != (_syntax(field.file) == "proto3"):
        options = f" [packed = {'true' if field.is_packed else 'false'}]"
    return f"{label}{_type(field)} {field.name} = {field.number}{options};"


def _repeated(field: Any) -> bool:
    found = getattr(field, "is_repeated", None)
    return bool(field.label == field.LABEL_REPEATED) if found is None else bool(found)


def _type(field: Any) -> str:
    for used in (field.message_type, field.enum_type):
        if used is not None:
            return str(used.full_name).removeprefix("tensorflow.")
    names = {
        value: name[len("TYPE_") :].lower()
        for name, value in vars(type(field)).items()
        if name.startswith("TYPE_")
    }
    return names[field.type]


if __name__ == "__main__":
    main()
