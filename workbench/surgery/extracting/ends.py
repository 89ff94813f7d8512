"""Where a part begins and ends: its inputs and outputs, looked up, with the calls inlined that they are in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

from workbench import names
from workbench.disk.schema import TensorInfo, TensorProto
from workbench.findings import Finding
from workbench.graph.needs import Needs
from workbench.model import MetaGraph
from workbench.model.op_classes import MUST_BE_FED
from workbench.model.shapes import to_proto
from workbench.model.signature import HIDDEN_SIGNATURES, Port, Signature
from workbench.names import UNUSABLE_ARGUMENT, is_unusable_argument, show
from workbench.surgery.exposing.comparison import Comparison
from workbench.surgery.exposing.inner_tensors import InnerTensor, InnerTensors
from workbench.surgery.extracting.open_calls import open_calls
from workbench.surgery.imported import is_placeholder, unique_name
from workbench.surgery.lineage import Derived, Reference, SourceTensors
from workbench.surgery.resolve.endpoints import chosen_signature
from workbench.surgery.resolve.inside_calls import inline_paths, path_of
from workbench.surgery.signatures.interface import info_of, info_tensors, rename_tensors
from workbench.surgery.workspace import Workspace

_FED = "\0fed:"  # no node name starts with NUL
End: TypeAlias = tuple[str, str]
"""`input` or `output`, and a key."""


@dataclass(slots=True)
class Ends:
    """The inputs and outputs of a part.

    Attributes:
        meta: the MetaGraph, or a copy with calls inlined, whose tensors they are.
        inputs: TensorInfo by key.
        outputs: likewise.
        defaults: values of inputs that may be left out, by key.
        cuts: input tensor `n:k` that is no placeholder, to the placeholder that replaces it.
        reference: what the signature of the part must agree with.
    """

    meta: MetaGraph
    inputs: dict[str, TensorInfo] = field(default_factory=dict)
    outputs: dict[str, TensorInfo] = field(default_factory=dict)
    defaults: dict[str, TensorProto] = field(default_factory=dict)
    cuts: dict[str, str] = field(default_factory=dict)
    reference: Reference = field(default_factory=lambda: Reference({}, {}))


def find_ends(
    workspace: Workspace, outputs: Mapping[str, str], inputs: Mapping[str, str], wanted: str | None
) -> Ends | None:
    """Look up the ends of a part, or report what is wrong with them.

    Args:
        workspace: gets the findings; it is not changed.
        outputs: by key, as they are written.
        inputs: likewise; empty for the placeholders that the outputs need.
        wanted: key of the signature whose keys may be written; None for the obvious one, if there is one.

    Raises:
        ModelError: a call can't be inlined.
    """
    chosen = chosen_signature(workspace.original, "model", wanted, step=True)
    if isinstance(chosen, Finding) and wanted is not None:
        workspace.findings.append(chosen)
        return None
    return _Search(workspace, chosen if isinstance(chosen, Signature) else None).find(outputs, inputs)


class _Search:
    """The steps of one search."""

    def __init__(self, workspace: Workspace, chosen: Signature | None) -> None:
        self.workspace = workspace
        self.original = workspace.original
        self.chosen = chosen
        self.known = workspace.references.known
        reference = self.known.get(chosen.key) if chosen is not None else None
        # the reference of the chosen signature, if a callable gives it: for a part that is all of it
        self.called = reference if reference is not None and reference.prepared is not None else None
        self.comparison = Comparison(
            workspace, reference.of_tensors() if reference is not None else Reference({}, {})
        )
        # the source's tensors of each input and output, where they are known already
        self.given: dict[str, tuple[SourceTensors, ...]] = {}
        self.gives: dict[str, Derived] = {}

    def find(self, outputs: Mapping[str, str], inputs: Mapping[str, str]) -> Ends | None:
        workspace = self.workspace
        if not outputs:
            told = "No output is named, so nothing would be in the part."
            workspace.note("extract-nothing", "error", "outputs", told, "Name its outputs: KEY=TENSOR.")
        self._check_keys(outputs, inputs)
        ends = Ends(self.original)
        written = {("output", key): text for key, text in outputs.items()}
        written |= {("input", key): text for key, text in inputs.items()}
        self._take_ports(ends, written)
        found = self._look_up(written)
        if workspace.blocked:
            return None
        sources = self.comparison.sources(
            {end: one for end, one in found.items() if not self._is_known(end)}, lambda end: end[1]
        )
        for end, taken in (sources or {}).items():
            self._note_source(end, taken)
        if sources is None:
            return None
        ends.meta, tensors = self._inlined(found)
        for (side, key), one in found.items():
            info = TensorInfo(name=tensors[side, key], dtype=one.dtype)
            info.tensor_shape.CopyFrom(to_proto(one.shape))
            (ends.inputs if side == "input" else ends.outputs)[key] = info
        self._find_inputs(ends, given=bool(inputs))
        self._cut(ends)
        if workspace.blocked:
            return None
        ends.inputs, ends.outputs = _in_order(ends.inputs, inputs), _in_order(ends.outputs, outputs)
        reference = self._reference(ends)
        if reference is None:
            return None
        ends.reference = reference
        return ends

    def _reference(self, ends: Ends) -> Reference | None:
        """Return what the part must agree with, or report why there is nothing."""
        called = self.called
        if called is not None and not ends.cuts:
            outputs = [found in called.outputs.values() for found in self.gives.values()]
            if all(outputs) and all(found in called.inputs.values() for found in self.given.values()):
                return replace(called, inputs=self.given, outputs=self.gives)
        reference = self.comparison.reference(self.given, self.gives)
        return None if reference is None else self.comparison.runnable(reference)

    def _find_inputs(self, ends: Ends, *, given: bool) -> None:
        """Open the calls of which only some results are needed, and find the inputs if none are given."""
        fed = [tensor for info in ends.inputs.values() for tensor in info_tensors(info)]
        feeds, candidates = ({}, {}) if given else self._candidates(ends.meta)
        needed = [tensor for info in ends.outputs.values() for tensor in info_tensors(info)]
        opened = open_calls(self.workspace.model, self.original, ends.meta, needed, [*fed, *feeds])
        ends.meta = opened.meta
        for info in ends.outputs.values():
            rename_tensors(info, lambda text: opened.moved.get(str(names.input_tensor(text)), text))
        if not given:
            self._default_inputs(ends, feeds, candidates)

    # -- what is named

    def _ports(self, side: str) -> Mapping[str, Port]:
        if self.chosen is None:
            return {}
        return self.chosen.inputs if side == "input" else self.chosen.outputs

    def _take_ports(self, ends: Ends, written: Mapping[End, str]) -> None:
        """Take what the chosen signature agrees with for its keys, and the sparse and composite ones as they are."""
        reference = self.known.get(self.chosen.key) if self.chosen is not None else None
        for (side, key), text in written.items():
            port = self._ports(side).get(text)
            if port is None or self.chosen is None:
                continue
            if reference is not None and side == "input" and text in reference.inputs:
                self.given[key] = reference.inputs[text]
            elif reference is not None and side == "output" and text in reference.outputs:
                self.gives[key] = reference.outputs[text]
            if port.kind == "dense":
                continue
            info = TensorInfo()
            info.CopyFrom(
                info_of(self.original, self.chosen, text, "inputs" if side == "input" else "outputs")
            )
            (ends.inputs if side == "input" else ends.outputs)[key] = info
            if not self._is_known((side, key)):
                self._note_source((side, key), self.workspace.source_tensors(port.tensors))

    def _is_known(self, end: End) -> bool:
        return end[1] in (self.given if end[0] == "input" else self.gives)

    def _note_source(self, end: End, source: tuple[SourceTensors, ...]) -> None:
        if not source:
            self.comparison.no_source(end[1])
        elif end[0] == "input":
            self.given[end[1]] = source
        else:
            self.gives[end[1]] = source[0]

    def _check_keys(self, outputs: Iterable[str], inputs: Iterable[str]) -> None:
        for key in (*outputs, *inputs):
            if not key:
                self.workspace.note("signature-key-name", "error", "key", "A key can't be empty.")
        for key in inputs:
            if is_unusable_argument(key):
                told = f"{show(key)!r} can't be the key of an input: {UNUSABLE_ARGUMENT}."
                hint = f"Choose another key, for example {show(key)}_."
                self.workspace.note("signature-key-name", "error", show(key), told, hint)

    def _look_up(self, written: Mapping[End, str]) -> dict[End, InnerTensor]:
        """Look up dense tensors, or report what is wrong with them."""
        lookups = {
            "output": InnerTensors(self.original, self.chosen, side="source", loops=False),
            "input": InnerTensors(self.original, self.chosen, side="target", loops=False),
        }
        found: dict[End, InnerTensor] = {}
        for (side, key), text in written.items():
            port = self._ports(side).get(text)
            if port is not None and port.kind != "dense":
                continue
            one = lookups[side].find(text)
            if isinstance(one, Finding):
                self.workspace.findings.append(one)
            else:
                found[side, key] = one
        return found

    def _inlined(self, found: Mapping[End, InnerTensor]) -> tuple[MetaGraph, dict[End, str]]:
        """Return the MetaGraph with the calls inlined that tensors are in, and what they are in it."""
        paths = {end: path_of(one.value.level.calls) for end, one in found.items()}
        meta, scopes = self.original, {"": ""}
        if any(paths.values()):
            meta, done = inline_paths(self.workspace.model, meta, [path for path in paths.values() if path])
            scopes |= {path: f"{scope}/" for path, scope in done.places.items()}
        return meta, {
            end: f"{scopes[paths[end]]}{one.value.name}:{one.value.index}" for end, one in found.items()
        }

    # -- inputs

    def _candidates(self, meta: MetaGraph) -> tuple[dict[str, str], dict[str, tuple[Signature, str]]]:
        """Return the tensors of signatures' inputs with a mark each, and the signature and key of each mark."""
        signatures = [self.chosen] if self.chosen is not None else []
        signatures += [
            one
            for key, one in meta.signatures.items()
            if key not in HIDDEN_SIGNATURES and (self.chosen is None or key != self.chosen.key)
        ]
        marks: dict[str, tuple[Signature, str]] = {}
        feeds: dict[str, str] = {}
        for signature in signatures:
            for key, port in signature.inputs.items():
                tensors = [str(names.input_tensor(tensor)) for tensor in port.tensors]
                if any(tensor in feeds for tensor in tensors):
                    continue
                mark = f"{_FED}{signature.key}#{key}"
                marks[mark] = signature, key
                feeds |= dict.fromkeys(tensors, mark)
        return feeds, marks

    def _default_inputs(
        self, ends: Ends, feeds: Mapping[str, str], marks: Mapping[str, tuple[Signature, str]]
    ) -> None:
        """Take the inputs of signatures that the outputs need, then the other placeholders they need."""
        needed = [tensor for info in ends.outputs.values() for tensor in info_tensors(info)]
        reached = Needs(ends.meta).nodes(needed, feeds)
        for mark, (signature, key) in marks.items():
            if mark in reached:
                self._take(ends, signature, key)
        nodes = ends.meta.nodes
        for name in sorted(one for one in reached if one in nodes and nodes[one].op in MUST_BE_FED):
            tensor = ends.meta.node_tensor(f"{name}:0")
            assert tensor is not None
            info = TensorInfo(name=f"{name}:0", dtype=tensor.dtype)
            info.tensor_shape.CopyFrom(to_proto(tensor.shape))
            key = unique_name(name.rpartition("/")[2], ends.inputs)
            self._add(ends, key, info, self.workspace.source_tensors([f"{name}:0"]))

    def _take(self, ends: Ends, signature: Signature, own: str) -> None:
        """Add an input of a signature to those of the part, under its key."""
        key = unique_name(own, ends.inputs)
        port = signature.inputs[own]
        known = self.known[signature.key].inputs.get(own, ()) if signature.key in self.known else ()
        info = TensorInfo()
        info.CopyFrom(info_of(ends.meta, signature, own, "inputs"))
        self._add(ends, key, info, known or self.workspace.source_tensors(port.tensors))
        if port.default is not None:
            ends.defaults[key] = port.default

    def _add(self, ends: Ends, key: str, info: TensorInfo, source: tuple[SourceTensors, ...]) -> None:
        ends.inputs[key] = info
        self._note_source(("input", key), source)

    def _cut(self, ends: Ends) -> None:
        """Choose the placeholders that replace inputs, and report what the outputs need besides."""
        nodes = ends.meta.nodes
        owners: dict[str, str] = {}
        for key, info in ends.inputs.items():
            for part, tensor in enumerate(info_tensors(info)):
                name = names.input_tensor(tensor)
                if owners.setdefault(str(name), key) != key:
                    told = f"{show(owners[str(name)])!r} and {show(key)!r} would both feed {show(str(name))}."
                    self.workspace.note(
                        "signature-shared-input", "error", show(key), told, "Leave one of them out."
                    )
                elif name.node in nodes and not is_placeholder(nodes[name.node]):
                    taken = {**nodes, **dict.fromkeys(ends.cuts.values())}
                    base = re.sub(r"[^A-Za-z0-9_.]", "_", key).lstrip("_") or "input"
                    ends.cuts[str(name)] = unique_name(f"{base}_{part}" if part else base, taken)
        feeds = {tensor: f"{_FED}{key}" for tensor, key in owners.items() if tensor not in ends.cuts}
        names_of = {name: f"{_FED}{owners[tensor]}" for tensor, name in ends.cuts.items()}
        needs = Needs(ends.meta, ends.cuts)
        used: set[str] = set()
        for key, info in ends.outputs.items():
            reached = needs.nodes(list(info_tensors(info)), feeds)
            bare = sorted(name for name in reached if name in nodes and nodes[name].op in MUST_BE_FED)
            if bare:
                told = f"It needs {names.count(len(bare), 'placeholder')} that no input feeds: "
                hint = f"Add an input {show(bare[0])}:0, or one behind it."
                self.workspace.note(
                    "signature-unfeedable",
                    "error",
                    show(key),
                    f"{told}{', '.join(map(show, bare[:6]))}.",
                    hint,
                )
            marks = {
                names_of.get(mark, mark) for mark in reached if mark.startswith(_FED) or mark in names_of
            }
            used |= marks
            if not marks and not bare:
                told = "It depends on no input, so it has the same value whatever is given."
                self.workspace.note(
                    "extract-constant",
                    "warning",
                    show(key),
                    told,
                    "Leave the output out, unless this is intended.",
                )
        for key in ends.inputs:
            if f"{_FED}{key}" not in used:
                told = "None of the outputs depends on this input, but callers have to give it."
                self.workspace.note("signature-unused-input", "warning", show(key), told, "Leave it out.")


_Value = TypeVar("_Value")


def _in_order(found: Mapping[str, _Value], keys: Iterable[str]) -> dict[str, _Value]:
    """Return a mapping in the order in which keys are given; others come last."""
    return {key: found[key] for key in dict.fromkeys([*keys, *found])}
