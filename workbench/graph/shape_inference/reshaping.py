"""Find the batch dimension after a Reshape, and the constant in its target shape that held the old size."""

from __future__ import annotations

from workbench.graph.shape_inference.rules import Op, Refused, rule
from workbench.graph.shape_inference.sizes import BATCH, Facts, Rows, Size, Sizes, divided, product, text

_MOST_DIMENSIONS = 254  # TensorShape::MaxDimensions


@rule("Reshape")
def reshaped(op: Op) -> list[Facts]:
    """Return the shape that the second input is; a constant with the old batch is replaced."""
    facts, target = op.input(0), op.input(1).value
    if op.has_rows(facts):
        if target is None:
            raise Refused("reshape-pinned", f"{op.named(1)} is not known, and may hold the old batch")
        if facts.kept or _drops_batch(op, facts, target):
            return [_of_one_row(op, facts, target)]
        return [facts.of(_with_rows(op, facts, target))]
    if target is None:
        count = _count_of(op)
        return [facts.of((None,) * count if count is not None and count <= _MOST_DIMENSIONS else None)]
    if any(isinstance(size, Rows) for size in target):
        raise Refused(
            "reshape-pinned", f"{op.named(0)} has no rows of the batch, and its new shape {text(target)} has"
        )
    sizes = _resolved(target, None if facts.sizes is None else product(facts.sizes))
    return [facts.of(sizes)._replace(value=facts.value)]


def _count_of(op: Op) -> int | None:
    """Return how many elements the target has."""
    sizes = op.input(1).sizes
    return sizes[0] if sizes is not None and len(sizes) == 1 and isinstance(sizes[0], int) else None


def _resolved(target: tuple[Size, ...], total: Size) -> tuple[Size, ...]:
    """Return a target whose -1 is replaced by what is left of all elements."""
    if -1 not in target:
        return target
    at = target.index(-1)
    rest = product([*target[:at], *target[at + 1 :]])
    left = divided(total, rest) if rest != 0 else None
    return (*target[:at], left, *target[at + 1 :])


def _drops_batch(op: Op, facts: Facts, target: tuple[Size, ...]) -> bool:
    """Return whether a target is the only row of a batch of 1, flat or in its own shape."""
    if op.batch != 1 or facts.sizes is None or facts.sizes[0] != BATCH or not target:
        return False
    flat = len(target) == 1 and isinstance(target[0], int) and target[0] > 1
    return flat or (len(target) > 1 and target[0] != 1 and target == facts.sizes[1:])


def _of_one_row(op: Op, facts: Facts, target: tuple[Size, ...]) -> Facts:
    """Return the only row of a batch of 1 in another shape; the batch stays in front of it."""
    assert facts.sizes is not None
    if facts.sizes[0] != BATCH or any(isinstance(size, Rows) for size in target):
        raise Refused("reshape-pinned", "its input has lost the dimension of the batch before it")
    again = facts.kept and target[:1] == (1,)
    rest = _resolved(target[1:] if again else target, product(facts.sizes[1:]))
    op.need(
        1, (BATCH, *(old if size is None else size for old, size in zip(target[again:], rest, strict=True)))
    )
    return facts.of((BATCH, *rest))._replace(kept=not again)


def _with_rows(op: Op, facts: Facts, target: tuple[Size, ...]) -> Sizes:
    """Return the new shape of a tensor with rows of the batch."""
    assert facts.sizes is not None and facts.axis is not None
    rows = facts.sizes[facts.axis]
    assert isinstance(rows, Rows)
    before = product(facts.sizes[: facts.axis])
    if not isinstance(before, int):
        before = None
    total = product(facts.sizes)
    outer = None if before is None else before * rows.outer
    holders = [at for at, size in enumerate(target) if isinstance(size, Rows)]
    if len(holders) > 1:
        raise Refused("reshape-rows", f"its new shape {text(target)} has the batch twice")
    if holders:
        return _placed(op, target, holders[0], outer, total)
    found = _find_holder(target, outer, total, op.batch)
    if found is None:
        raise Refused(
            "reshape-pinned",
            f"its new shape {text(target)} has no dimension for the batch of its input {text(facts.sizes)}",
        )
    at, held = found
    sizes = _resolved((*target[:at], 1, *target[at + 1 :]), _per_row(total, held))
    if target[at] != -1:
        known = [old if size is None else size for old, size in zip(target, sizes, strict=True)]
        op.need(1, (*known[:at], held, *known[at + 1 :]))
    return (*sizes[:at], held, *sizes[at + 1 :])


def _per_row(total: Size, held: Rows) -> Size:
    """Return the elements of all other dimensions beside that of the batch."""
    if not isinstance(total, Rows) or total.factor is None or not held.factor:
        return None
    return total.factor // held.factor


def _placed(op: Op, target: tuple[Size, ...], at: int, outer: int | None, total: Size) -> Sizes:
    """Return a target that has the batch already, its multiple split as the elements lie."""
    held = target[at]
    assert isinstance(held, Rows)
    before = _known_before(target, at)
    sizes = _resolved(target, total)
    if before is None or outer is None or held.factor is None:
        return (*sizes[:at], Rows(1, held.inner) if before == outer else held, *sizes[at + 1 :])
    if outer % before or held.factor % (outer // before):
        raise Refused("reshape-rows", f"its new shape {text(target)} mixes the rows of the batch")
    turns = outer // before
    return (*sizes[:at], Rows(turns, held.factor // turns), *sizes[at + 1 :])


def _known_before(target: tuple[Size, ...], at: int) -> int | None:
    before = product(target[:at])
    return before if isinstance(before, int) and -1 not in target[:at] else None


def _find_holder(
    target: tuple[Size, ...], outer: int | None, total: Size, batch: int | None
) -> tuple[int, Rows] | None:
    """Return the dimension of a target that holds the batch, and what it is.

    The elements before the batch stay before it. Of several dimensions it is the one with the smallest multiple, and
    the first of those.
    """
    whole = total.factor if isinstance(total, Rows) else None
    others = product(size for size in target if size != -1)
    found: list[tuple[int, int, Rows]] = []
    before: int | None = 1
    for at, size in enumerate(target):
        if before is None or outer is None or (outer % before if before else True):
            break
        turns = outer // before
        if size == -1:
            if whole is None or batch is None or not isinstance(others, int) or not others:
                found.append((1 << 62, at, Rows(turns, _inner_of_rest(whole, others, turns))))
                before = None
                continue
            size = whole * batch // others
        if not isinstance(size, int):
            break
        if batch and size % (batch * turns) == 0 and size:
            found.append((size // batch, at, Rows(turns, size // batch // turns)))
        before *= size
    if not found:
        return None
    _, at, rows = min(found, key=lambda one: one[:2])
    return at, rows


def _inner_of_rest(whole: int | None, others: Size, turns: int) -> int | None:
    """Return the multiple that -1 holds where the batch was free."""
    if whole is None or not isinstance(others, int) or not others or whole % (others * turns):
        return None
    return whole // others // turns
