"""The signature of the result: which inputs and outputs of the sources it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

from workbench import names
from workbench.disk import dtypes
from workbench.disk.schema import TensorInfo
from workbench.findings import Action, Finding, Hint
from workbench.graph.level import Level
from workbench.graph.shape_inference.shapes import Shapes
from workbench.model import shapes as shapes_
from workbench.model.op_classes import CALLS
from workbench.model.signature import HIDDEN_SIGNATURES, Port, Signature
from workbench.model.tensors import is_vague_scalar
from workbench.names import show
from workbench.surgery.imported import ImportedModel, is_placeholder, unique_name
from workbench.surgery.resolve.declared_shapes import Looseness, correct, loosen, looseness_of, looser
from workbench.surgery.resolve.displaced_inputs import displacing, lost
from workbench.surgery.resolve.endpoints import chosen_signature
from workbench.surgery.resolve.join import Join
from workbench.surgery.signatures.interface import Interface, ResultPort, port_info
from workbench.surgery.signatures.shared_inputs import take_shared

_FED = "\0fed:"  # no node name starts with NUL


def design_interface(join: Join) -> Interface:
    """Choose inputs and outputs of the result; report problems (R6, R9).

    The parts must have their cuts already.
    """
    result = Interface()
    sinks = set(join.sinks)
    givers = [handle for handle in join.parts if handle in sinks]
    if join.plan.result.keep_outputs:
        givers += [handle for handle in join.parts if handle not in sinks]
    outputs: dict[str, list[tuple[str, Port]]] = {}
    for handle in givers:
        part = join.parts[handle]
        if part.chosen is None:
            if handle in sinks:
                found = chosen_signature(part.meta, handle, part.source.signature)
                if isinstance(found, Finding):
                    join.findings.append(
                        Finding(
                            "R1-no-output",
                            "error",
                            handle,
                            f"{found.message} So the result has no outputs.",
                            found.hint,
                        )
                    )
            continue
        outputs[handle] = list(part.chosen.outputs.items())
    walks = _walk_all(join, outputs, result)
    _take_inputs(join, walks, result)
    for port in result.inputs:
        if (
            port.info.WhichOneof("encoding") == "name"
            and port.info.dtype == dtypes.STRING
            and _is_scalar(port.info)
        ):
            join.findings.append(
                Finding(
                    "R5-scalar", "info",
                    f"{port.handle}@{show(port.own_key)}" if port.shared is None else show(port.key),
                    "The input takes one string, not a batch: TensorFlow Serving's REST `instances` can't send it, "
                    "`inputs` can.",
                )
            )  # fmt: skip
    _take_outputs(join, walks, outputs, result)
    if join.plan.result.keep_signatures:
        _keep_signatures(join, result)
    return result


def _is_scalar(info: TensorInfo) -> bool:
    return info.HasField("tensor_shape") and shapes_.from_proto(info.tensor_shape) == ()


# -- what is needed


@dataclass(slots=True)
class _Walk:
    """What a model needs: fed inputs, bare placeholders and wires."""

    part: ImportedModel
    candidates: dict[str, tuple[str, Port]]
    feeds: dict[str, str]
    needed: set[str] = field(default_factory=set)

    def reach(self, roots: Iterable[str]) -> set[str]:
        return self.part.needs.nodes(roots, self.feeds)


def _candidates(join: Join, part: ImportedModel) -> tuple[dict[str, tuple[str, Port]], dict[str, str]]:
    """Return a model's possible inputs by mark, and the marks of their tensors."""
    signatures: dict[str, Signature] = {}
    if part.chosen is not None:
        signatures[part.chosen.key] = part.chosen
    for link in join.links:
        for endpoint in (link.source, link.target):
            if endpoint.handle == part.handle and endpoint.signature is not None:
                signatures.setdefault(endpoint.signature, part.meta.signatures[endpoint.signature])
    marks: dict[str, tuple[str, Port]] = {}
    feeds: dict[str, str] = {}
    for signature in signatures.values():
        for key, port in signature.inputs.items():
            tensors = [str(names.input_tensor(tensor)) for tensor in port.tensors]
            if any(tensor in part.cuts for tensor in tensors):
                continue
            if signature is not part.chosen and all(tensor in feeds for tensor in tensors):
                continue
            mark = f"{_FED}{signature.key}#{key}"
            marks[mark] = (key, port)
            for tensor in tensors:
                feeds.setdefault(tensor, mark)
    return marks, feeds


def _walk_all(
    join: Join, outputs: Mapping[str, list[tuple[str, Port]]], result: Interface
) -> dict[str, _Walk]:
    walks: dict[str, _Walk] = {}
    used: set[int] = set()
    for handle in reversed(join.order):
        part = join.parts[handle]
        marks, feeds = _candidates(join, part)
        walk = walks[handle] = _Walk(part, marks, feeds)
        roots = [tensor for _, port in outputs.get(handle, []) for tensor in port.tensors]
        for link in join.links_from(handle):
            if id(link) in used:
                roots += link.source.tensors
        result.roots[handle] = roots
        for mark in sorted(displacing(part, walk.feeds, roots)):
            key, _ = walk.candidates.pop(mark)
            walk.feeds = {tensor: one for tensor, one in walk.feeds.items() if one != mark}
            join.findings.append(
                Finding(
                    "R9-dropped-input",
                    "warning",
                    f"{handle}@{show(key)}",
                    "The default of this input follows from an input that is wired. If it were fed, the wire would "
                    "have no effect, so it is not in the signature of the result.",
                )
            )
        walk.needed = walk.reach(roots)
        bridges = {part.cuts[tensor]: tensor for tensor in part.cuts}
        reached = {bridges[name] for name in walk.needed if name in bridges}
        for link in join.links_into(handle):
            if any(str(names.input_tensor(tensor)) in reached for tensor in link.target.tensors):
                used.add(id(link))
    for link in join.links:
        if id(link) in used:
            result.used.append(link)
        elif not join.blocked:
            join.findings.append(
                Finding(
                    "R9-unused-wire",
                    "error",
                    show(str(link)),
                    "No output of the result depends on this input, so the wire would do nothing.",
                    Hint(
                        "Choose an input that an output depends on, or another signature: ",
                        Action("choose-signature", {"handle": link.target.handle}),
                    ),
                )
            )
    return walks


# -- inputs


def _take_inputs(join: Join, walks: Mapping[str, _Walk], result: Interface) -> None:
    result.inputs += take_shared(join, {handle: walk.needed for handle, walk in walks.items()})
    taken = {port.key for port in result.inputs}
    for handle, part in join.parts.items():
        walk = walks[handle]
        saver = names.input_node(part.saver.filename_tensor_name) if part.saver.filename_tensor_name else ""
        dropped: list[str] = []
        needed: Set[str] = walk.needed
        if not walk.candidates.keys() <= needed:  # of a large graph the values take as long as the nodes
            needed = walk.needed | part.needs.values(result.roots[handle], walk.feeds)
        for mark, (own_key, port) in walk.candidates.items():
            if mark not in needed and not _output_is_input(walk, port):
                if part.chosen is not None and part.chosen.inputs.get(own_key) is port:
                    dropped.append(own_key)
                continue
            key = _key(join, "input", handle, own_key, taken)
            signature = next(s for s in part.meta.signatures.values() if s.inputs.get(own_key) is port)
            info = _input_info(part, port_info(part, signature, own_key, "inputs"))
            result.inputs.append(ResultPort(key, handle, own_key, info, port.default))
            if mark not in walk.needed and not _output_is_input(walk, port):
                join.findings.append(
                    Finding(
                        "R9-shadowed-input",
                        "warning",
                        f"{handle}@{show(own_key)}",
                        "This input has an effect only while another one is left out, whose default follows from it. "
                        "The verification feeds both and does not show that effect.",
                    )
                )
        for name in sorted(walk.needed & part.needs.placeholders):
            if name == saver or name in part.cuts.values():
                continue
            info = _input_info(part, TensorInfo(name=f"{name}:0"))
            key = _key(join, "input", handle, name.rpartition("/")[2], taken)
            result.inputs.append(ResultPort(key, handle, name, info))
            join.findings.append(
                Finding(
                    "R9-added-input",
                    "info",
                    f"{handle}@{show(name)}",
                    "The result needs this placeholder, which the signature does not name; "
                    f"it becomes the input {show(key)!r}.",
                )
            )
        gone = lost(part, result.roots[handle], dropped)
        for own_key in dropped:
            where = f"{handle}@{show(own_key)}"
            if own_key in gone:
                message = (
                    "The source's outputs depend on this input, the result's do not: a wire replaces all that it "
                    "leads to. It is not in the signature of the result."
                )
                join.findings.append(Finding("R9-dropped-input", "warning", where, message))
            else:
                message = "No output of the result needs this input any more; it is not in the signature."
                join.findings.append(Finding("R9-dropped-input", "info", where, message))


def _output_is_input(walk: _Walk, port: Port) -> bool:
    """Return whether an output's tensor is needed under another input's mark."""
    return any(walk.feeds.get(str(names.input_tensor(tensor))) in walk.needed for tensor in port.tensors)


def _key(join: Join, noun: str, handle: str, own_key: str, taken: set[str]) -> str:
    """Return the model's own key, or `HANDLE_key` where it is taken (R6)."""
    key = own_key
    if key in taken:
        key = f"{handle}_{own_key}"
        number = 2
        while key in taken:
            key, number = f"{handle}_{own_key}_{number}", number + 1
        join.findings.append(
            Finding(
                "R6-key",
                "info",
                f"{handle}@{show(own_key)}",
                f"Another model has an {noun} of this name; in the result it is {show(key)!r}.",
            )
        )
    taken.add(key)
    return key


def _input_info(part: ImportedModel, info: TensorInfo) -> TensorInfo:
    """Return a TensorInfo with the placeholder's own dtype and shape."""
    copy = TensorInfo()
    copy.CopyFrom(info)
    if copy.WhichOneof("encoding") == "name":
        tensor = names.input_tensor(copy.name)
        copy.name = str(tensor)
        node = part.meta.nodes.get(tensor.node)
        if node is not None and is_placeholder(node):
            copy.dtype = node.attr["dtype"].type
            if "shape" in node.attr and not is_vague_scalar(node, part.meta.producer):
                copy.tensor_shape.CopyFrom(node.attr["shape"].shape)
            elif not copy.HasField("tensor_shape"):
                copy.tensor_shape.unknown_rank = True
    return copy


# -- outputs


def _take_outputs(
    join: Join, walks: Mapping[str, _Walk], outputs: Mapping[str, list[tuple[str, Port]]], result: Interface
) -> None:
    taken: set[str] = set()
    known: dict[tuple[str, tuple[str, ...]], tuple[Looseness, bool]] = {}
    for handle, ports in outputs.items():
        part = join.parts[handle]
        assert part.chosen is not None
        inferred = Shapes(Level.of(part.meta))
        for own_key, port in ports:
            key = _key(join, "output", handle, own_key, taken)
            looseness, depends = _above(join, walks, handle, port.tensors, known)
            info = TensorInfo()
            info.CopyFrom(port_info(part, part.chosen, own_key, "outputs"))
            if dtypes.is_ref(info.dtype):
                info.dtype = dtypes.base(info.dtype)
            if port.kind == "dense" and info.HasField("tensor_shape"):
                correct(part, own_key, info, inferred.of(port.tensor))
            loosen(info, looseness)
            result.outputs.append(ResultPort(key, handle, own_key, info, depends=depends))
            if not depends:
                join.findings.append(
                    Finding(
                        "R9-constant-output",
                        "info",
                        f"{handle}@{show(own_key)}",
                        "This output does not depend on any input of the result.",
                    )
                )
        if not ports:
            join.findings.append(
                Finding("R1-no-output", "error", handle, "The chosen signature has no outputs.")
            )


def _above(
    join: Join,
    walks: Mapping[str, _Walk],
    handle: str,
    roots: tuple[str, ...],
    known: dict[tuple[str, tuple[str, ...]], tuple[Looseness, bool]],
) -> tuple[Looseness, bool]:
    """Return how far shapes above tensors are proven, and if an input reaches them.

    Answers are kept in `known`: in a join with diamonds many paths reach one model.
    """
    if (handle, roots) in known:
        return known[handle, roots]
    walk = walks[handle]
    part = walk.part
    reached = part.needs.values(roots, walk.feeds)
    depends = any(
        name.startswith(_FED) or (name in part.needs.placeholders and name not in part.cuts.values())
        for name in reached
    )
    looseness: Looseness = "proven"
    for link in join.links_into(handle):
        bridges = {part.cuts[str(names.input_tensor(tensor))] for tensor in link.target.tensors}
        if not bridges & reached:
            continue
        above, depends_above = _above(join, walks, link.source.handle, link.source.tensors, known)
        depends = depends or depends_above
        looseness = looser(looseness, looser(above, looseness_of(link, part)))
    for _, target in join.shared_by(handle):
        depends = depends or bool(
            {part.cuts[str(names.input_tensor(one))] for one in target.tensors} & reached
        )
    known[handle, roots] = looseness, depends
    return looseness, depends


# -- signatures kept beside


def _keep_signatures(join: Join, result: Interface) -> None:
    for handle, part in join.parts.items():
        for key, signature in part.meta.signatures.items():
            if key in HIDDEN_SIGNATURES:
                continue
            new_key = unique_name(f"{handle}_{key}", result.kept)
            fed = {
                str(names.input_tensor(tensor)): f"{_FED}{port_key}"
                for port_key, port in signature.inputs.items()
                for tensor in port.tensors
            }
            roots = [tensor for port in signature.outputs.values() for tensor in port.tensors]
            present = [
                tensor for tensor in (*roots, *fed) if names.input_tensor(tensor).node in part.meta.nodes
            ]
            if len(present) < len(roots) + len(fed):
                _drop_signature(join, handle, key, "it names tensors that do not exist")
                continue
            unfed = [
                name
                for name in part.needs.nodes(roots, fed)
                if name in part.cuts.values() or name in part.needs.placeholders
            ]
            if unfed:
                _drop_signature(join, handle, key, f"{show(unfed[0])} could not be fed through it")
                continue
            if new_key == join.plan.result.signature:
                _drop_signature(join, handle, key, "the result's own signature has that key")
                continue
            if any(tensor in part.cuts for tensor in fed) and _calls_functions(part):
                join.findings.append(
                    Finding(
                        "R9-kept-signature",
                        "info",
                        f"{handle}@{show(key)}",
                        f"As {show(new_key)!r} it can be called after tf.saved_model.load; a v1 Session, which inlines "
                        "functions, asks for the result's own inputs, too.",
                    )
                )
            result.kept[new_key] = (handle, signature)
            result.roots[handle] += present


def _calls_functions(part: ImportedModel) -> bool:
    return any(node.op in CALLS for node in part.meta.nodes.values())


def _drop_signature(join: Join, handle: str, key: str, why: str) -> None:
    join.findings.append(
        Finding(
            "R9-dropped-signature", "info", f"{handle}@{show(key)}", f"This signature is not kept: {why}."
        )
    )
