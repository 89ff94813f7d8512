"""Links: a wire with both endpoints found, and whether they fit, directly or through adapters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from workbench import names
from workbench.errors import UsageError
from workbench.findings import Finding, Hint
from workbench.graph.body import Bodies
from workbench.graph.control_flow import inside
from workbench.model import shapes as shapes_
from workbench.model.meta import MetaGraph
from workbench.model.shapes import Fit, Shape
from workbench.names import show
from workbench.surgery.adapters.image_shapes import is_last
from workbench.surgery.adapters.language import print_wire
from workbench.surgery.operations.connect import Connect
from workbench.surgery.resolve.endpoints import Endpoint
from workbench.surgery.resolve.first_ops import FirstOps, first_ops
from workbench.surgery.resolve.remedies import adapt_wire, remedy
from workbench.surgery.resolve.value_ranges import given_range

if TYPE_CHECKING:
    from workbench.surgery.adapters.checked import Checked


class Link(NamedTuple):
    """A wire with both endpoints found.

    Attributes:
        source: the endpoint in the model that gives.
        target: the endpoint in the model that takes.
        fits: for each component, whether the shapes are proven, unknown or refuted.
        through: the chain of adapters as written; empty for none.
        chain: the chain with its types, or None.
        wire: the wire as it is in the plan, or None for one that is in no plan.
    """

    source: Endpoint
    target: Endpoint
    fits: tuple[Fit, ...]
    through: str = ""
    chain: Checked | None = None
    wire: Connect | None = None

    def __str__(self) -> str:
        return print_wire(str(self.source), self.through, str(self.target))

    @property
    def written(self) -> tuple[str, str]:
        """Output and input as the wire has them."""
        wire = self.wire
        return (str(self.source), str(self.target)) if wire is None else (wire.source, wire.target)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shape of each component where it arrives at the input: behind the adapters."""
        return self.source.shapes if self.chain is None else (self.chain.type.shape,)

    @property
    def proven(self) -> bool:
        """Whether the shapes of every component are compatible for certain."""
        return all(fit == "proven" for fit in self.fits)

    @property
    def batch(self) -> int | None:
        """The only batch size possible, if the input fixes it and the output does not."""
        have, want = self.shapes[0], self.target.shapes[0]
        if self.target.kind != "dense" or not want or (have is not None and have[0] is not None):
            return None
        return want[0]


def judge(
    source: Endpoint,
    target: Endpoint,
    through: str = "",
    *,
    written: tuple[str, str] | None = None,
    metas: tuple[MetaGraph, MetaGraph] | None = None,
    hints: bool = True,
) -> Link | Finding:
    """Return the link of an output and an input, or why it is forbidden (R3, R4).

    Args:
        source: the output.
        target: the input.
        through: the chain of adapters between them as written; empty for none.
        written: output and input as the wire has them, for hints; None for their full form.
        metas: what gives and what takes, for hints on the range of pixel values; or None.
        hints: whether to look for adapters that make them fit, which takes longer than the rest.
    """
    where = show(print_wire(str(source), through, str(target)))
    if source.handle == target.handle:
        return Finding(
            "R2-self",
            "error",
            where,
            "A wire from a model into itself would close a cycle.",
            f"Give the model twice, with two handles: {source.handle}_2=PATH.",
        )
    if source.kind != target.kind or len(source.tensors) != len(target.tensors):
        return Finding(
            "R3-kind",
            "error",
            where,
            f"The output is {source.kind}, the input {target.kind}.",
            "Wire the component tensors one by one (`node:k`), or convert one side first.",
        )
    if through:
        return _through(source, target, through, where, written, hints=hints)
    fits = tuple(map(shapes_.fits, source.shapes, target.shapes))
    have, want = (list(zip(endpoint.dtypes, endpoint.shapes, strict=True)) for endpoint in (source, target))
    wrong = [at for at, fit in enumerate(fits) if fit == "refuted" or have[at][0] != want[at][0]]
    if wrong:
        parts = [
            f"{_component(source, at)} is {shapes_.typed(*have[at])}; input `{show(target.written)}` takes "
            f"{shapes_.typed(*want[at])}"
            for at in wrong
        ]
        code = "R3-dtype" if any(have[at][0] != want[at][0] for at in wrong) else "R4-shape"
        hint = _hint(source, target, written, metas) if hints else None
        return Finding(code, "error", where, f"{'. '.join(parts)}.", hint)
    return Link(source, target, fits)


def if_it_fits(link: Link, adapter: str, before: str = "", remarks: Iterable[str] = ()) -> Hint | None:
    """Return the hint to put an adapter at the end of a wire's chain; None if the wire does not fit then.

    Args:
        link: the wire.
        adapter: the adapter as written.
        before: what stands before the action.
        remarks: sentences that follow.
    """
    through = " | ".join(filter(None, (link.through, adapter)))
    if not isinstance(judge(link.source, link.target, through, hints=False), Link):
        return None
    return adapt_wire(link.written, through, before=before, remarks=remarks)


def _through(
    source: Endpoint,
    target: Endpoint,
    through: str,
    where: str,
    written: tuple[str, str] | None,
    *,
    hints: bool,
) -> Link | Finding:
    """Return the link of a wire with adapters, or why they do not fit."""
    chain = _checked_chain(source, target, through, where)
    if isinstance(chain, Finding):
        return chain
    if chain.problem is not None:
        hint = chain.hint
        if chain.done and hints:
            made, want = (chain.type.dtype, chain.type.shape), (target.dtypes[0], target.shapes[0])
            hint = remedy(written or (str(source), str(target)), made, want, through=through)
        return Finding("adapt-chain", "error", where, chain.problem, hint)
    return Link(source, target, (shapes_.fits(chain.type.shape, target.shapes[0]),), through, chain)


def _hint(
    source: Endpoint,
    target: Endpoint,
    written: tuple[str, str] | None,
    metas: tuple[MetaGraph, MetaGraph] | None,
) -> str:
    """Return what makes an output fit an input of another dtype or shape."""
    have, want = (source.dtypes[0], source.shapes[0]), (target.dtypes[0], target.shapes[0])
    if source.kind != "dense":
        return "Wire the component tensors one by one (`node:k`), or convert one side first."
    given = given_range(metas[0], source.tensors[0]) if metas is not None else None
    first = first_ops(metas[1], target.tensors[0]) if metas is not None else FirstOps()
    return remedy(written or (str(source), str(target)), have, want, given=given, first=first)


def _component(endpoint: Endpoint, at: int) -> str:
    """Return the output, or a component of it, as the subject of a sentence."""
    output = f"utput `{show(endpoint.written)}`"
    if len(endpoint.tensors) == 1:
        return f"O{output}"
    part = ("indices", "values", "dense_shape")[at] if endpoint.kind == "sparse" else f"component {at}"
    return f"The {part} of o{output}"


def _checked_chain(source: Endpoint, target: Endpoint, through: str, where: str) -> Checked | Finding:
    """Return the chain of a wire with its types, or with the problem it has; a finding if it is none.

    Conversions that follow by necessity and lose nothing are inserted.

    Args:
        source: the output, of the same kind as the input.
        target: the input.
        through: the chain as written.
        where: the wire, for the finding.
    """
    from workbench.surgery.adapters.chain import Chain
    from workbench.surgery.adapters.tensor_type import TensorType

    if source.kind != "dense":
        return Finding(
            "R3-kind", "error", where, f"The output is {source.kind}; adapters take dense tensors.",
            "Wire the component tensors one by one (`node:k`).",
        )  # fmt: skip
    try:
        chain = Chain.parse(through)
    except UsageError as problem:
        return Finding("adapt-chain", "error", where, problem.message, problem.hint)
    have, want = (TensorType.of(one.dtypes[0], one.shapes[0]) for one in (source, target))
    checked = chain.check(have, want, files=True)
    if checked.problem is None and checked.companions:
        message = f"The chain gives {len(checked.companions) + 1} tensors; an input takes one."
        return Finding("adapt-chain", "error", where, message)
    return checked


def adapter_remarks(checked: Checked, where: str) -> Iterator[Finding]:
    """Yield what should be known of a chain that fits.

    Args:
        checked: the chain.
        where: what it belongs to: a wire, or the key of an input or output.
    """
    for step in checked.implied:
        yield Finding(
            "adapt-implied", "info", where,
            f"`{step}` is inserted: it follows by necessity and loses nothing.",
        )  # fmt: skip
    for step in checked.steps:
        if step.adapter.loses is not None:
            yield Finding(
                "adapt-alpha", "info", where, step.adapter.loses,
                "Write alpha=composite to put it on a background.",
            )  # fmt: skip
    for warning in checked.warnings:
        yield Finding("adapt-sizes", "warning", where, warning)


def inside_control_flow(endpoint: Endpoint, meta: MetaGraph) -> list[Finding]:
    """Return findings for the endpoint's tensors that are in v1 control flow."""
    found: list[Finding] = []
    main = Bodies(meta).main
    for tensor in endpoint.tensors:
        place = inside(main, names.input_tensor(tensor).node)
        if place is not None:
            found.append(
                Finding(
                    "R1-control-flow",
                    "error",
                    show(str(endpoint)),
                    f"{show(tensor)!r} stands inside a {place} of TF1's control flow; "
                    + (
                        "it has a value for each round and none outside."
                        if place == "loop"
                        else "it has no value when the other branch is taken."
                    ),
                    f"Wire an input or output of the {place}.",
                )
            )
    return found


def wire_remarks(link: Link) -> list[Finding]:
    """Return findings about a permitted wire (R1 hidden, R4 unknown, its adapters)."""
    where = show(str(link))
    found = [hidden for endpoint in (link.source, link.target) if (hidden := hides(endpoint)) is not None]
    if link.chain is not None:
        found += adapter_remarks(link.chain, where)
    for fit, have, want in zip(link.fits, link.shapes, link.target.shapes, strict=True):
        if fit == "unknown":
            only_batch = link.batch and have
            found.append(_only_batch(link, have, want) if only_batch else _unknown(link, have, want))
    return found


def _unknown(link: Link, have: Shape, want: Shape) -> Finding:
    of = f"of output `{show(link.source.written)}`" if link.chain is None else "that the adapters make"
    return Finding(
        "R4-unknown",
        "warning",
        show(str(link)),
        f"The shape {shapes_.text(have)} {of} may or may not be {shapes_.text(want)}; "
        "the result checks it when it runs.",
        _resized(link, have, want),
    )


def _resized(link: Link, have: Shape, want: Shape) -> str | None:
    """Return the hint to give images of any size the size of the input, or None for what are no images."""
    if not is_last(have) or not is_last(want) or have is None or want is None or len(have) != len(want):
        return None
    (height, width, channels), mine = want[-3:], have[-3:]
    if height is None or width is None or mine[2] != channels or None not in mine[:2]:
        return None
    resize = f"resize {height} {width}"
    remark = f"`{resize}` is guessed: bilinear; another method gives other values."
    return if_it_fits(link, resize, "If the images have other sizes, ", [remark])


def _only_batch(link: Link, have: Shape, want: Shape) -> Finding:
    assert have and want
    others = shapes_.fits(have[1:], want[1:]) == "unknown"
    given = f"Output `{show(link.source.written)}` is" if link.chain is None else "The adapters make"
    return Finding(
        "R4-batch",
        "warning",
        show(str(link)),
        f"{given} {shapes_.text(have)} and input `{show(link.target.written)}` takes {shapes_.text(want)}: only a "
        f"batch of {want[0]} "
        "works. "
        + ("The result checks this and the other sizes" if others else "The result checks this")
        + " when it runs.",
        f"Send batches of {want[0]}, or use a model whose batch is free.",
    )


def hides(endpoint: Endpoint) -> Finding | None:
    """Warn of an endpoint that is taken as a key although a node has its name."""
    if endpoint.hides is None:
        return None
    key, taken, node = show(endpoint.written), show(endpoint.tensors[0]), show(endpoint.hides)
    return Finding(
        "R1-hidden",
        "warning",
        show(str(endpoint)),
        f"{key!r} is a key of the signature, for {taken}, and {node} is another tensor; the key is used.",
        f"Write %{node} for the tensor.",
    )
