"""Each rename rule left out, one at a time, in a join of two models whose names are all equal: it must not get through.

Two models of one structure and different numbers: whatever is mixed up gives other numbers. `test_renames` shows for
each rule what goes wrong; here it is that the verification sees it. What the sources give is computed once.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.generated.models import generate
from tests.sampling import plainly
from workbench.checks.check import check_model
from workbench.checks.unsafe import unsafe_ops
from workbench.model import open_model
from workbench.publishing import reference
from workbench.publishing.commit import commit
from workbench.runtime.chain import ModelRef, ResultModel, SampleSource
from workbench.runtime.child_process.child import Child
from workbench.runtime.child_process.private_copy import Copies
from workbench.runtime.comparison.verify import Verifier
from workbench.runtime.inputs.make_inputs import sample_maker
from workbench.surgery.draft import Draft, build
from workbench.surgery.operations.connect import Connect
from workbench.surgery.plan import Plan, ResultOptions, Source
from workbench.surgery.rewrite.prefix import Rule

pytestmark = pytest.mark.needs_tf

UNSEEN = frozenset({Rule.FUNCTION_NAME_ATTR, Rule.GRADIENT_OP_TYPE})
"""Read only when a gradient is asked for, which no run of a signature does; `test_renames` tries them.

The check tells of two gradients of one op type. Names of forward and backward functions lead nowhere in sound models,
too, where those functions were pruned.
"""
NOT_HERE = frozenset({Rule.IMPLEMENTS})
"""Not in models made up at random; `test_renames` tries it."""
TRIED = [rule for rule in Rule if rule not in UNSEEN | NOT_HERE]
SOME = (Rule.NODE, Rule.INPUT, Rule.FUNCTION, Rule.FUNCTION_ATTR, Rule.SHARED_NAME)
"""One rule for each outcome: not built, not run, not loaded, other numbers."""


def draft_without(plan: Plan, *rules: Rule) -> Draft:
    draft, findings = build(plan, without=rules)
    assert draft is not None, findings
    return draft


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    folder = tmp_path_factory.mktemp("twins")
    for name, numbers in (("a", 1), ("b", 2)):
        generate(
            Random(0), folder / name, {"x": "float32"}, steps=4, numbers=Random(numbers), everything=True
        )
    sources = tuple(Source(name, folder / name) for name in "ab")
    return Plan(sources, (Connect("a@#y", "b@#x"),), ResultOptions(format="tf1"))


_VERIFIERS: dict[Plan, Verifier] = {}


@pytest.fixture(scope="module")
def copies() -> Iterator[Copies]:
    with Copies() as made:
        yield made


@pytest.fixture
def verifier(plan: Plan, child: Child, copies: Copies) -> Verifier:
    """Has the reference; of a commit with nothing left out."""
    if plan not in _VERIFIERS:
        draft = draft_without(plan)
        maker = sample_maker(
            draft.meta, draft.signature, assets={asset.tensor: asset.path for asset in draft.meta.assets}
        )
        verifier = Verifier(
            child,
            reference.chain(draft, draft.signature.key, copies.of),
            SampleSource(make=maker),
            depends=reference.depends(draft, draft.signature.key),
        )
        assert verifier.reference() is None
        _VERIFIERS[plan] = verifier
    return _VERIFIERS[plan]


def verdict(draft: Draft, verifier: Verifier, folder: Path) -> str:
    """As of a commit."""
    signature = draft.signature
    if unsafe_ops(draft.meta, [signature.key]):
        return "not run"
    assert commit(draft, folder / "out", verify=False).published
    return verifier.result(ResultModel(ModelRef(folder / "out", draft.meta.tags), signature)).verdict


def test_nothing_left_out(plan: Plan, verifier: Verifier, tmp_path: Path) -> None:
    draft = draft_without(plan)
    assert verdict(draft, verifier, tmp_path) == "verified"
    used = {rule for log in draft.logs.values() for rule, count in log.counts.items() if count}
    assert used | NOT_HERE | {Rule.SAVER} == set(Rule)  # a saver is made anew, so nothing is counted


@pytest.mark.parametrize("rule", plainly(TRIED, *SOME), ids=lambda rule: rule.value)
def test_one_left_out(plan: Plan, verifier: Verifier, tmp_path: Path, rule: Rule) -> None:
    if rule == Rule.NODE:
        with pytest.raises(KeyError):  # it does not even hold together
            draft_without(plan, rule)
        return
    # "not run": an op nobody knows, or a table whose file is not an asset of the model any more
    expected = "not run" if rule in (Rule.INPUT, Rule.FUNCTION, Rule.FUNCTION_OP) else "differs"
    assert verdict(draft_without(plan, rule), verifier, tmp_path) == expected


def test_a_gradient_of_one_name_is_told_by_the_check(plan: Plan, tmp_path: Path) -> None:
    for rules, told in (((), set()), ((Rule.GRADIENT_OP_TYPE,), {"gradient-twice"})):
        folder = tmp_path / str(len(rules))
        assert commit(draft_without(plan, *rules), folder, verify=False).published
        codes = {finding.code for finding in check_model(open_model(folder)).findings}
        assert codes & {"gradient-twice"} == told
