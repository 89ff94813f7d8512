"""The keys of what each command writes with `--json`, for its help; a test compares them with what comes out.

A key ends in `?` where it is not always there. `a.b` is a key of the object under `a`, `a[].b` one of each object in
the list under `a`, `a.*.b` one of each object under a key of `a` that the model gives.
"""

from __future__ import annotations

from typing import NamedTuple

_FINDINGS = "list of {code, severity, where, message, hint}"
_PORTS = "key to {tensor, dtype, shape}; a size that is free is null, and so is a shape of unknown rank"
_VERSION = "of this format: 1"
_PATH = "the model; of a folder of versions, the version's folder"


class Shape(NamedTuple):
    """One form of a command's JSON.

    Attributes:
        when: with which options, or empty for the usual form.
        keys: key to what it is.
    """

    when: str
    keys: dict[str, str]


_REPORT = {
    "schema_version": _VERSION,
    "path": "the result, or null if it was not published",
    "verdict": "verified, differs, inconclusive, not run or unverified",
    "reason": "why, in words",
    "verification": "what was run and compared, or null",
    "findings": _FINDINGS,
    "bytes": "written",
    "seconds": "by phase",
    "others?": "verifications of further signatures, by key",
}
_EDIT = Shape("", _REPORT)
_EDIT_DRY = Shape(
    "--dry-run",
    {
        "schema_version": _VERSION,
        "bytes": "to be written",
        "files": "to be written",
        "findings": _FINDINGS,
    },
)


def _with(shape: Shape, **keys: str) -> Shape:
    return Shape(shape.when, {**shape.keys, **keys})


_SIGNATURES = "key to {method_name, inputs, outputs} of all signatures"

JSON_KEYS: dict[str, tuple[Shape, ...]] = {
    "inspect": (
        Shape(
            "",
            {
                "schema_version": _VERSION,
                "path": _PATH,
                "format": "pb, pbtxt or graphdef",
                "meta_graphs": "list",
                "meta_graphs[].tags": "list of text",
                "meta_graphs[].tensorflow_version": "that wrote it",
                "meta_graphs[].producer": "version of the graph",
                "meta_graphs[].object_graph": "whether it is of TF2",
                "meta_graphs[].signatures": _SIGNATURES,
                "meta_graphs[].signatures.*.method_name": "text",
                "meta_graphs[].signatures.*.inputs": _PORTS,
                "meta_graphs[].signatures.*.outputs": _PORTS,
                "meta_graphs[].callables": "list of {path, variants: [{index, function, arguments, inputs, outputs}]}",
                "meta_graphs[].variables": "list of {name, key, dtype, shape, bytes, shard, trainable, slice?}",
                "meta_graphs[].ops": "op to its number, functions included",
                "meta_graphs[].unknown_ops": "ops that TensorFlow 2.21 does not have",
                "meta_graphs[].nodes": "number of nodes of the main graph",
                "meta_graphs[].functions": "list of {name, nodes}",
                "meta_graphs[].assets": "list of {filename, tensor, bytes}",
                "meta_graphs[].node_list?": "with --nodes: list of {name, op, inputs, outputs}",
                "findings": _FINDINGS,
                "origin?": "of a result: {recipe, proof, verdict}",
            },
        ),
    ),
    "check": (
        Shape(
            "",
            {
                "schema_version": _VERSION,
                "path": _PATH,
                "for": "serving or null",
                "nodes": "looked at",
                "functions": "looked at",
                "checksums": "{tensors, bytes} compared, or null",
                "counts": "number of findings by severity: {error, warning, info}",
                "findings": "list of {code, severity, where, message, hint, tag_set}",
            },
        ),
        Shape("--codes", {"schema_version": _VERSION, "codes": "list of {code, severity, title, why, fix}"}),
        Shape(
            "--explain",
            {
                "schema_version": _VERSION,
                "code": "its name",
                "severity": "error, warning or info",
                "title": "what is the matter",
                "why": "what happens because of it",
                "fix": "the next move",
            },
        ),
    ),
    "merge": (
        Shape(
            "",
            {
                **_REPORT,
                "signature": "of the result: {key, inputs, outputs}",
                "call?": "{shell, python, rest} to call the result, if it was published",
            },
        ),
        Shape(
            "--dry-run",
            {
                "schema_version": _VERSION,
                "wires": "list of {from, to, fits}",
                "before": "handle to {signature, inputs, outputs} of each model",
                "after": "{signature, inputs, outputs} of the result",
                "nodes": "handle to {kept, pruned, added, functions}",
                "renames": "handle to {counts, names}: what was renamed to what, by rule",
                "rewritten": "numbers of {references, described, frozen} variables",
                "bytes": "to be written",
                "files": "to be written",
                "findings": _FINDINGS,
            },
        ),
    ),
    "signature": (_with(_EDIT, signatures=_SIGNATURES), _with(_EDIT_DRY, signatures=_SIGNATURES)),
    "flatten": (_EDIT, _EDIT_DRY),
    "freeze": (_EDIT, _EDIT_DRY),
    "verify": (
        Shape(
            "",
            {
                "schema_version": _VERSION,
                "path": "the result",
                "verdict": "verified, differs, inconclusive or not run",
                "reason": "why, in words",
                "hint": "the next move, or null",
                "sources": "list of {handle, path, digest, made_again}",
                "against": "the other model, or null",
                "signatures": "key to what was run and compared",
                "notes": "list of text",
                "seconds": "by phase",
            },
        ),
    ),
    "run": (
        Shape(
            "",
            {
                "schema_version": _VERSION,
                "signature": "its key",
                "outputs": "key to {dtype, shape, values}; bytes that are no text are {b64}",
            },
        ),
    ),
    "scan": (
        Shape(
            "",
            {
                "schema_version": _VERSION,
                "path": _PATH,
                "meta_graphs": "list",
                "meta_graphs[].tags": "list of text",
                "meta_graphs[].dangers": "list of {op, tier, why, node, path, signatures}: what is asked about",
                "meta_graphs[].excused": "the same with excuse: what nobody needs to be asked about",
            },
        ),
    ),
    "show": (
        Shape(
            "",
            {
                "schema_version": _VERSION,
                "path": _PATH,
                "meta_graphs": "list, of --tag_set only that",
                "meta_graphs[].tags": "list of text",
                "meta_graphs[].signatures": f"{_SIGNATURES}; of --signature_def only that",
                "meta_graphs[].ops": "list of text",
            },
        ),
    ),
    "draw": (
        Shape(
            "",
            {
                "schema_version": _VERSION,
                "path": _PATH,
                "format": "of the picture, or null if none was asked for",
                "output": "the file that was written, or null",
                "picture": "the picture as text with --format and without -o, else null",
                "boxes": "list of {id, title, subtitle, kind, owner, seam, path, count, opens, frame}",
                "edges": "list of {source, target, label, control, seam}, ends by id",
                "frames": "list of {id, title, path, frame}: boxes that show a body inside",
                "notes": "list of text",
            },
        ),
    ),
    "demo": (
        Shape(
            "",
            {
                "schema_version": _VERSION,
                "steps": "list of {command, output}: what each command gives with --json",
                "digit": "that was read, or null",
            },
        ),
    ),
}


def described(name: str) -> str:
    """Return the keys of a command's JSON as a section of its help; empty if it has none."""
    lines: list[str] = []
    for shape in JSON_KEYS.get(name, ()):
        lines.append(f"\nkeys of --json{f' with {shape.when}' if shape.when else ''}:")
        lines += [f"  {key}: {text}" for key, text in shape.keys.items()]
    return "\n".join(lines) + "\n" if lines else ""
