"""The keys of each command's `--json` output, for its help.

A test compares them with what is written.

A key ends in `?` where it is not always there. `a.b` is a key of the object under `a`, `a[].b` one of each object in
the list under `a`, `a.*.b` one of each object under a key of `a` that the model gives.
"""

from __future__ import annotations

from typing import NamedTuple

_FINDINGS = (
    "list of {code, severity, where, message, hint, action?, more?}; action: {name, arguments} of the hint; "
    "more: number of findings of this code that are not listed"
)
_PORTS = "key to {tensor, dtype, shape}; null for an unknown size and for a shape of unknown rank"
_VERSION = "version of this format: 1"
_PATH = "the model; for a folder of versions, the folder of the version"


class Shape(NamedTuple):
    """A form of a command's JSON.

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
    "reason": "reason of the verdict",
    "hint": "the next move, or null",
    "action?": "{name, arguments} of the hint",
    "verification": "what was run and compared, or null",
    "findings": _FINDINGS,
    "bytes": "bytes written",
    "seconds": "seconds by phase",
    "others?": "verifications of further signatures, by key",
}
_SIGNATURES = "key to {method_name, inputs, outputs} of all signatures"
_ADAPTERS = "list of {place, through: list of {adapter, makes, inserted}} of steps"
_EDIT = Shape("", {**_REPORT, "signatures?": _SIGNATURES})
_EDIT_DRY = Shape(
    "--dry-run",
    {
        "schema_version": _VERSION,
        "signatures": _SIGNATURES,
        "adapters": _ADAPTERS,
        "bytes": "bytes to write",
        "files": "files to write",
        "findings": _FINDINGS,
    },
)


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
                "meta_graphs[].tensorflow_version": "TensorFlow version that wrote it",
                "meta_graphs[].producer": "version of the graph",
                "meta_graphs[].object_graph": "whether it has an object graph (TF2)",
                "meta_graphs[].signatures": _SIGNATURES,
                "meta_graphs[].signatures.*.method_name": "text",
                "meta_graphs[].signatures.*.inputs": _PORTS,
                "meta_graphs[].signatures.*.outputs": _PORTS,
                "meta_graphs[].callables": "list of {path, variants: [{index, function, arguments, inputs, outputs}]}",
                "meta_graphs[].variables": "list of {name, key, dtype, shape, bytes, shard, trainable, slice?}",
                "meta_graphs[].ops": "op to its count, functions included",
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
    "explain": (
        Shape(
            "",
            {
                "schema_version": _VERSION,
                "subject": "what is explained, as WHAT names it",
                "kind": "model, signature, node, tensor, function, op, term or wire",
                "summary": "what it is",
                "sections": "list",
                "sections[].title": "text",
                "sections[].lines": "list",
                "sections[].lines[].text": "a sentence or a fact",
                "sections[].lines[].link": "WHAT that explains what the line is about, or null",
                "sections[].lines[].spans": "the text in pieces, list of {text, link}; link: WHAT, or null",
                "terms": "words of the glossary that the sentences use, for --term",
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
                "nodes": "nodes checked",
                "functions": "functions checked",
                "checksums": "{tensors, bytes} compared, or null",
                "counts": "number of findings by severity: {error, warning, info}",
                "findings": "list of {code, severity, where, message, hint, action?, more?, tag_set}",
            },
        ),
        Shape(
            "--codes",
            {"schema_version": _VERSION, "codes": "list of {code, severity, also, title, why, fix, group}"},
        ),
        Shape(
            "--explain",
            {
                "schema_version": _VERSION,
                "code": "its name",
                "severity": "error, warning or info",
                "also": "other severities that it may have",
                "title": "what is wrong",
                "why": "what it causes",
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
                "wires": "list of {from, to, fits, through: list of {adapter, makes, inserted}; only with adapters}",
                "steps": "list of {operation, and its fields}: what is done after the models are connected",
                "adapters": _ADAPTERS,
                "shared": "list of {key, to}: an input of the result, and the inputs it feeds",
                "before": "handle to {signature, inputs, outputs} of each model",
                "after": "{signature, inputs, outputs} of the result",
                "nodes": "handle to {kept, pruned, added, functions}",
                "renames": "handle to {counts, names}: old to new name, by rule",
                "rewritten": "counts of {references, described, frozen} variables",
                "checkpoints": "handle to {tensors, bytes, data_files} of each checkpoint that is kept",
                "bytes": "bytes to write",
                "files": "files to write",
                "findings": _FINDINGS,
            },
        ),
    ),
    "edit": (
        _EDIT,
        _EDIT_DRY,
        Shape("--list", {"schema_version": _VERSION, "operations": "name to {summary, fields}"}),
    ),
    "apply": (_EDIT, _EDIT_DRY),
    "verify": (
        Shape(
            "",
            {
                "schema_version": _VERSION,
                "path": "the result",
                "verdict": "verified, differs, inconclusive or not run",
                "reason": "reason of the verdict",
                "hint": "the next move, or null",
                "action?": "{name, arguments} of the hint",
                "sources": "list of {handle, path, digest, made_again}",
                "against": "the other model, or null",
                "signatures": "key to what was run and compared",
                "notes": "list of text",
                "seconds": "seconds by phase",
            },
        ),
    ),
    "run": (
        Shape(
            "",
            {
                "schema_version": _VERSION,
                "signature": "its key",
                "outputs": "key to {dtype, shape, values}; bytes that are not text are {b64}",
            },
        ),
    ),
    "probe": (
        Shape(
            "",
            {
                "schema_version": _VERSION,
                "signature": "its key",
                "made": "how each input was made that was not given, by component",
                "tensors": "list in the order in which they run",
                "tensors[].tensor": "address: CALL::node:0",
                "tensors[].op": "the op that makes it",
                "tensors[].dtype": "float32, string, …",
                "tensors[].shape": "list of sizes; null where it was not computed, or where iterations have several",
                "tensors[].size": "number of elements, of all iterations together",
                "tensors[].min": "least finite number, or null",
                "tensors[].max": "largest finite number, or null",
                "tensors[].mean": "mean of the finite numbers, or null",
                "tensors[].nan": "number of NaN",
                "tensors[].inf": "number of infinities",
                "tensors[].histogram": "counts in 16 bins of equal width from min to max",
                "tensors[].first": "the first values",
                "tensors[].runs": "how often it was computed: 0 if it was not, more than 1 in a loop",
                "tensors[].note": "why it has no value, or what was left out; or empty",
                "tensors[].iterations?": "in a loop, list of the same keys from dtype to first, and index",
                "tensors[].difference?": "with --and, {differing, size, largest, at, values, iteration, shapes, note}",
                "tensors[].other?": "with --and, the tensor on the second run, or null",
                "notes": "what was left out or differs",
            },
        ),
        Shape(
            "with --wires",
            {
                "schema_version": _VERSION,
                "signature": "its key",
                "made": "how each input was made that was not given, by component",
                "sources": "handle to the folder of the source",
                "wires": "list in the order in which the sources run",
                "wires[].wire": "as it is written: a@y = b@x",
                "wires[].given": "what the source alone gives, with the keys of a tensor",
                "wires[].expected": "the same after the adapters, by their reference",
                "wires[].arrived": "what the merged model has at the input",
                "wires[].difference": "of arrived from expected: {differing, size, largest, at, values, …}",
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
                "meta_graphs[].dangers": "list of {op, tier, why, node, path, signatures}: need --allow-unsafe",
                "meta_graphs[].excused": "the same with excuse: need no --allow-unsafe",
            },
        ),
    ),
    "show": (
        Shape(
            "",
            {
                "schema_version": _VERSION,
                "path": _PATH,
                "meta_graphs": "list; with --tag_set only that MetaGraph",
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
                "format": "format of the picture, or null without --format",
                "output": "file written, or null",
                "picture": "the picture as text with --format and without -o, else null",
                "boxes": "list of {id, title, subtitle, kind, owner, seam, path, count, opens, frame}",
                "edges": "list of {source, target, label, control, seam}; source and target are ids",
                "frames": "list of {id, title, path, frame}: opened scopes, and bodies of loops and branches",
                "notes": "list of text",
            },
        ),
    ),
    "learn": (
        Shape(
            "",
            {
                "schema_version": _VERSION,
                "lessons": "list",
                "lessons[].name": "name of the lesson",
                "lessons[].title": "text",
                "lessons[].summary": "what one learns, in a sentence",
                "lessons[].minutes": "how long it takes",
                "lessons[].steps": "number of pages before the questions",
                "lessons[].questions": "number of questions at the end",
                "lessons[].models": "names of models and files in the student's folder",
                "lessons[].path": "folder of the lesson",
            },
        ),
        Shape(
            "--check",
            {
                "schema_version": _VERSION,
                "seeds": "seeds that were tried",
                "lessons": "list",
                "lessons[].name": "name of the lesson",
                "lessons[].path": "folder of the lesson",
                "lessons[].works": "whether it has no error",
                "lessons[].findings": _FINDINGS,
            },
        ),
        Shape(
            "--mark",
            {
                "schema_version": _VERSION,
                "files": "list",
                "files[].path": "file of answers",
                "files[].name": "whose answers they are",
                "files[].lesson": "name of the lesson, or null",
                "files[].seed": "seed of the questions, or null",
                "files[].right": "number of right answers",
                "files[].questions": "number of questions",
                "files[].answers": "list of {question, given, result, said, answer}; "
                "result: right, wrong, empty, unreadable or not marked",
                "files[].error": "{code, message, where} of a file that can't be marked, or null",
            },
        ),
    ),
    "demo": (
        Shape(
            "",
            {
                "schema_version": _VERSION,
                "steps": "list of {command, output}: what each command prints with --json",
                "digit": "digit that was read, or null",
            },
        ),
    ),
}


def shapes_of(name: str) -> tuple[Shape, ...]:
    """Return the forms of a command's JSON; none for a command without."""
    from workbench.surgery.step import operation_names

    if name in JSON_KEYS:
        return JSON_KEYS[name]
    return (_EDIT, _EDIT_DRY) if name in operation_names() else ()


def described(name: str) -> str:
    """Return the keys of a command's JSON as a section of its help, or ""."""
    lines: list[str] = []
    for shape in shapes_of(name):
        lines.append(f"\nkeys of --json{f' with {shape.when}' if shape.when else ''}:")
        lines += [f"  {key}: {text}" for key, text in shape.keys.items()]
    return "\n".join(lines) + "\n" if lines else ""
