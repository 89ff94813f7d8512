"""Show a SavedModel as `saved_model_cli show` does, without TensorFlow.

Options and output are the same. It also shows GraphDefs and models that TensorFlow cannot load, and lists the ops
inside branches and loops. `workbench inspect` shows more in fewer lines.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from workbench.cli.arguments import add_json, completes_files
from workbench.cli.output import SCHEMA_VERSION, Output
from workbench.cli.several import each
from workbench.disk import schema
from workbench.disk.schema import StructuredValue, TensorShapeProto
from workbench.errors import UsageError
from workbench.model.model import Model, open_model
from workbench.names import show

if TYPE_CHECKING:
    from workbench.model.meta import MetaGraph
    from workbench.model.signature import Port

EXAMPLES = """\
examples:
  workbench show --dir ./model --all
  workbench show ./model
  workbench show ./model --tag_set serve
  workbench show ./model --tag_set serve --signature_def serving_default
  workbench show ./model --tag_set serve --list_ops
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_dir(parser)
    parser.add_argument("--all", action="store_true", help="show everything in every MetaGraph")
    parser.add_argument(
        "--tag_set", "--tag-set", metavar="T", help="tag set of the MetaGraph, such as serve,gpu"
    )
    parser.add_argument("--signature_def", "--signature", metavar="S", help="signature to show")
    parser.add_argument("--list_ops", "--list-ops", action="store_true", help="list the ops of the MetaGraph")
    add_json(parser, "print one line of JSON per model, in the form of inspect")


def add_dir(parser: argparse.ArgumentParser) -> None:
    """Add the models, as `--dir` or as plain arguments."""
    completes_files(
        parser.add_argument("models", nargs="*", metavar="MODEL", help="SavedModel folder or GraphDef file")
    )
    completes_files(parser.add_argument("--dir", metavar="MODEL", help="the same, as for saved_model_cli"))


def given_models(args: argparse.Namespace) -> list[str]:
    """Return the paths of the models that the arguments name.

    Raises:
        UsageError: none is named, or it is named in both ways.
    """
    if args.models and args.dir:
        raise UsageError("MODEL is given twice.", hint="Leave out --dir or MODEL.")
    if not (args.models or args.dir):
        raise UsageError("No MODEL is given.", hint="Name a SavedModel folder.")
    return args.models or [args.dir]


def run(args: argparse.Namespace, out: Output) -> int:
    """Show each model."""
    return each(given_models(args), out, partial(_show, args, out))


def _show(args: argparse.Namespace, out: Output, path: str) -> int:
    model = open_model(path)
    if out.json:
        out.emit(_as_json(model, args))
    elif args.all:
        _all(model, out)
    elif args.tag_set is None:
        if args.list_ops or args.signature_def:
            flag = "--list_ops" if args.list_ops else "--signature_def"
            raise UsageError(
                f"{flag} needs --tag_set (or --all).",
                hint=f"The tag sets are: {'; '.join(_tag_sets(model))}.",
            )
        _put(out, "The given SavedModel contains the following tag-sets:")
        for tags in _tag_sets(model):
            _put(out, repr(tags))
    else:
        _one(model.select(args.tag_set), args, out)
    return 0


def _as_json(model: Model, args: argparse.Namespace) -> dict[str, Any]:
    """Return what is shown as data; without --tag_set of all MetaGraphs."""
    from workbench.describe.signatures import signature_json

    metas = model.meta_graphs if args.tag_set is None else (model.select(args.tag_set),)
    found = []
    for meta in metas:
        signatures = meta.shown_signatures
        if args.signature_def is not None:
            signatures = {args.signature_def: meta.signature(args.signature_def)}
        found.append(
            {
                "tags": list(meta.tags),
                "signatures": {key: signature_json(signature) for key, signature in signatures.items()},
                "ops": sorted(op for op in meta.ops if op not in meta.functions),
            }
        )
    return {"schema_version": SCHEMA_VERSION, "path": str(model.read_from), "meta_graphs": found}


def _one(meta: MetaGraph, args: argparse.Namespace, out: Output) -> None:
    if args.list_ops:
        _ops(meta, out)
    if args.signature_def is not None:
        meta.signature(args.signature_def)
        _signature(meta, args.signature_def, out, 0)
        return
    _put(out, "The given SavedModel MetaGraphDef contains SignatureDefs with the following keys:")
    for key in sorted(meta.signatures):
        _put(out, f'SignatureDef key: "{show(key)}"')


def _tag_sets(model: Model) -> list[str]:
    return sorted(", ".join(sorted(map(show, meta.tags))) for meta in model.meta_graphs)


def _all(model: Model, out: Output) -> None:
    metas = sorted(model.meta_graphs, key=lambda meta: list(meta.tags))
    for meta in metas:
        tags = ", ".join(map(show, meta.tags))
        _put(out)
        _put(out, f"MetaGraphDef with tag-set: '{tags}' contains the following SignatureDefs:")
        for key in sorted(meta.signatures):
            _put(out)
            _put(out, f"signature_def['{show(key)}']:")
            _signature(meta, key, out, 1)
        _ops(meta, out)
    if any(meta.has_object_graph for meta in metas):
        _put(out)
        _put(out, "Concrete Functions:")
        for meta in metas:
            _concrete_functions(meta, out)


def _ops(meta: MetaGraph, out: Output) -> None:
    ops = sorted(show(op) for op in meta.ops if op not in meta.functions)
    listed = "{" + ", ".join(map(repr, ops)) + "}" if ops else "set()"
    _put(out, f"The MetaGraph with tag set {list(map(show, meta.tags))} contains the following ops: {listed}")


def _signature(meta: MetaGraph, key: str, out: Output, indent: int) -> None:
    signature = meta.signatures[key]
    lead = "  " * indent
    for side, ports in (("input", signature.inputs), ("output", signature.outputs)):
        _put(out, f"{lead}The given SavedModel SignatureDef contains the following {side}(s):")
        for name, port in sorted(ports.items()):
            _put(out, f"{lead}  {side}s['{show(name)}'] tensor_info:")
            _tensor_info(port, out, "  " * (indent + 1))
    _put(out, f"{lead}Method name is: {show(signature.method_name)}")


def _tensor_info(port: Port, out: Output, lead: str) -> None:
    names = {number: name for name, number in schema.enum("DataType").items()}
    shape = "unknown_rank"
    if port.shape is not None:
        shape = "(" + ", ".join("-1" if size is None else str(size) for size in port.shape) + ")"
    _put(out, f"{lead}    dtype: {names.get(port.dtype, port.dtype)}")
    _put(out, f"{lead}    shape: {shape}")
    # saved_model_cli leaves the name of a sparse or ragged input empty; its parts are worth having
    _put(out, f"{lead}    name: {', '.join(map(show, port.tensors))}")


def _concrete_functions(meta: MetaGraph, out: Output) -> None:
    concrete = meta.proto.object_graph_def.concrete_functions
    own = [found for found in meta.callables if "." not in found.path]
    for found in sorted(own, key=lambda found: found.path):
        _put(out, f"  Function Name: '{show(found.path)}'")
        for variant in found.variants:
            signature = concrete[variant.function].canonicalized_input_signature
            values = signature.tuple_value.values
            args = values[0].tuple_value.values if values else ()
            kwargs = values[1].dict_value.fields if len(values) > 1 else {}
            if not (args or kwargs):
                continue
            _put(out, f"    Option #{variant.index}")
            _put(out, "      Callable with:")
            _arguments(args, "Argument", out)
            _named(kwargs, out)
        _put(out)


def _arguments(values: Iterable[StructuredValue], kind: str, out: Output) -> None:
    lead = " " * 8
    for index, value in enumerate(values, 1):
        _put(out, f"{lead}{kind} #{index}")
        which = value.WhichOneof("kind")
        if which in ("tensor_spec_value", "bounded_tensor_spec_value"):
            _put(out, f"{lead}  {show(getattr(value, which).name)}: {_python(value)}")
        elif which == "string_value":
            _put(out, f"{lead}  {show(value.string_value)}")
        else:
            _put(out, f"{lead}  DType: {_type_name(value)}")
            _put(out, f"{lead}  Value: {_python(value, as_list=True)}")


def _named(fields: Mapping[str, StructuredValue], out: Output) -> None:
    lead = " " * 8
    for index, name in enumerate(sorted(fields), 1):
        _put(out, f"{lead}Named Argument #{index}")
        _put(out, f"{lead}  {show(name)}: {_python(fields[name])}")


def _type_name(value: StructuredValue) -> str:
    kind = value.WhichOneof("kind")
    if kind == "named_tuple_value":
        return show(value.named_tuple_value.name)
    if kind == "type_spec_value":
        return show(value.type_spec_value.type_spec_class_name)
    return {
        "none_value": "NoneType",
        "bool_value": "bool",
        "int64_value": "int",
        "float64_value": "float",
        "list_value": "list",
        "tuple_value": "tuple",
        "dict_value": "dict",
        "tensor_shape_value": "TensorShape",
        "tensor_dtype_value": "DType",
    }.get(kind or "", "object")


def _python(value: StructuredValue, *, as_list: bool = False) -> str:
    """Return a value's `repr` in TensorFlow.

    With `as_list` tuples have the brackets of saved_model_cli.
    """
    from workbench.disk import dtypes
    from workbench.model import structured

    kind = value.WhichOneof("kind")
    if kind in ("tensor_spec_value", "bounded_tensor_spec_value"):
        spec = getattr(value, kind)
        name = repr(show(spec.name)) if spec.name else "None"
        return f"TensorSpec(shape={_shape(spec.shape)}, dtype=tf.{dtypes.name(spec.dtype)}, name={name})"
    if kind == "type_spec_value":
        parts = [_python(part) for part in value.type_spec_value.type_state.tuple_value.values]
        return f"{show(value.type_spec_value.type_spec_class_name)}({', '.join(parts)})"
    if kind == "tensor_shape_value":
        text = _shape(value.tensor_shape_value)
        return f"TensorShape({'[' + text.strip('(,)') + ']' if text != 'None' else 'None'})"
    if kind == "tensor_dtype_value":
        return f"tf.{dtypes.name(value.tensor_dtype_value)}"
    if kind in ("list_value", "tuple_value"):
        parts = [_python(part) for part in getattr(value, kind).values]
        if kind == "list_value" or as_list:
            return f"[{', '.join(parts)}]"
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
    if kind == "dict_value":
        fields = value.dict_value.fields
        return "{" + ", ".join(f"{show(key)!r}: {_python(fields[key])}" for key in sorted(fields)) + "}"
    return structured.text(value)


def _shape(proto: TensorShapeProto) -> str:
    if proto.unknown_rank:
        return "None"
    sizes = ["None" if dim.size < 0 else str(dim.size) for dim in proto.dim]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def _put(out: Output, text: str = "") -> None:
    """Print a line unchanged: scripts read this format."""
    out.stdout.write(text.rstrip() + "\n")
