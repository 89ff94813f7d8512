"""The rule of the verdict, over its whole table. The expectation is written down here a second time, as sentences."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest

from workbench.runtime.comparison.verdict import (
    VERDICTS,
    Facts,
    InputKind,
    LoaderFacts,
    Movement,
    OutputFacts,
    ResultRun,
    SourceFailure,
    SourcesRun,
    decide,
    notes,
    recorded,
    unmoved,
    worst,
)

INPUTS: tuple[tuple[InputKind, int], ...] = (("made", 2), ("given", 2), ("given", 1), ("none", 1))
LOADERS = ("v1", "v2")
EXPECTED: dict[tuple[str, str], str] = {
    # (sources, result) in one loader -> what it says; the sources are only asked where the result is not equal
    ("run", "equal"): "equal",
    ("load", "equal"): "equal",
    ("none", "equal"): "equal",
    ("run", "differs"): "against",
    ("run", "fails"): "against",
    ("run", "does not load"): "against",
    ("load", "differs"): "left out",
    ("load", "fails"): "left out",
    ("load", "does not load"): "against",
    ("none", "differs"): "left out",
    ("none", "fails"): "left out",
    ("none", "does not load"): "left out",
}


def table() -> Iterator[Any]:
    """Every combination of inputs, movement, and in each loader what became of the sources and of the result."""
    one = list(itertools.product(get_args(SourcesRun), get_args(ResultRun)))
    for (inputs, samples), movement in itertools.product(INPUTS, get_args(Movement)):
        for v1, v2 in itertools.product(one, one):
            yield inputs, samples, movement, v1, v2
        for v1 in one:  # a GraphDef: the other loader does not read it
            yield inputs, samples, movement, v1, None


def expectation(inputs: str, samples: int, movement: str, says: list[str]) -> str:
    """The table of the README, by hand."""
    if movement == "random":
        return "inconclusive"
    if movement == "still" and inputs != "none" and not (inputs == "given" and samples == 1):
        return "inconclusive"
    if "against" in says:
        return "differs"
    return "verified" if "equal" in says else "inconclusive"


def test_the_whole_table() -> None:
    seen: dict[str, int] = {}
    for inputs, samples, movement, *runs in table():
        loaders = [
            LoaderFacts(loader, run[1], "it is wrong", run[0], "so is a source")
            for loader, run in zip(LOADERS, runs, strict=True)
            if run is not None
        ]
        outputs = {"y": OutputFacts(movement, detail="1, expected 2")}
        facts = Facts(inputs, samples, outputs, loaders=loaders, count="some inputs")
        says = [EXPECTED[run] for run in runs if run is not None]
        found = decide(facts)
        assert found is not None
        expected = expectation(inputs, samples, movement, says)
        assert found.verdict == expected, facts
        seen[expected] = seen.get(expected, 0) + 1
        # a reason says what the verdict rests on, and each loader that was left out is named with why
        names = {"v1": "v1 Session", "v2": "tf.saved_model.load"}
        ran = [names[one.loader] for one, said in zip(loaders, says, strict=True) if said == "equal"]
        if found.verdict == "verified":
            assert ran and f"in {' and '.join(ran)}." in found.reason
        if found.verdict == "verified" or "No loader runs both" in found.reason:
            left_out = [one for one, said in zip(loaders, says, strict=True) if said == "left out"]
            assert all(
                f"{names[one.loader]} was left out: so is a source" in found.reason for one in left_out
            )
        if found.verdict == "differs":
            assert found.reason.startswith("In ") and "it is wrong" in found.reason
        # what the sources alone decide is decided before the result is run, and no loader changes it
        early = decide(Facts(inputs, samples, outputs, count="some inputs"))
        assert early is None or early == found
        assert (early is None) == (expectation(inputs, samples, movement, ["equal"]) == "verified")
    assert set(seen) == {"verified", "differs", "inconclusive"}


def test_nothing_that_ran_nowhere_is_verified() -> None:
    both = [
        LoaderFacts("v1", "fails", "broken", "load", "img can't run there"),
        LoaderFacts("v2", "does not load", "broken", "none", "net can't load there"),
    ]
    found = decide(Facts("made", 2, {"y": OutputFacts("value")}, loaders=both, title="the sources"))
    assert found is not None and found.verdict == "inconclusive"
    assert "v1 Session was left out: img can't run there" in found.reason
    assert "tf.saved_model.load was left out: net can't load there" in found.reason
    assert found.hint is not None
    none: list[LoaderFacts] = []
    found = decide(Facts("made", 2, {"y": OutputFacts("value")}, loaders=none))
    assert found is not None and found.verdict == "inconclusive"


FAILURES: Mapping[tuple[str, bool, str], str] = {
    # (when, whether other values help, inputs) -> verdict
    **{
        ("load", helps, kind): "inconclusive" for helps in (True, False) for kind in ("made", "given", "none")
    },
    **{("end", helps, kind): "inconclusive" for helps in (True, False) for kind in ("made", "given", "none")},
    **{
        ("unreliable", helps, kind): "inconclusive"
        for helps in (True, False)
        for kind in ("made", "given", "none")
    },
    **{("make", helps, kind): "not run" for helps in (True, False) for kind in ("made", "given", "none")},
    ("run", True, "made"): "not run",
    ("run", False, "made"): "inconclusive",
    ("run", True, "given"): "inconclusive",
    ("run", False, "given"): "inconclusive",
    ("run", True, "none"): "inconclusive",
    ("run", False, "none"): "inconclusive",
}


@pytest.mark.parametrize(("when", "helps", "inputs"), FAILURES)
@pytest.mark.parametrize("ran", [False, True])
def test_without_a_reference_no_result_is_judged(when: Any, helps: bool, inputs: Any, ran: bool) -> None:
    loaders = [LoaderFacts("v1", "equal")] if ran else None
    facts = Facts(inputs, failure=SourceFailure("the reason.", when, helps), loaders=loaders)
    found = decide(facts)
    assert found is not None and "the reason." in found.reason
    assert found.verdict == FAILURES[when, helps, inputs]
    # values are asked for only where they can help and there is something to give
    asked = "Give values it can run on" in str(found.hint)
    assert asked == (when == "make" or (when == "run" and helps and inputs == "made"))


def output(movement: Movement, kind: str = "float", depends: bool = True) -> OutputFacts:
    return OutputFacts(
        movement, depends, discrete=kind == "discrete", whole=kind == "whole", detail="1, expected 2"
    )


@pytest.mark.parametrize(
    ("outputs", "wires", "verdict", "told"),
    [
        ({"y": output("still")}, False, "inconclusive", ""),
        ({"y": output("still")}, True, "inconclusive", ""),
        ({"y": output("still", depends=False)}, False, None, ""),
        ({"y": output("still", "discrete")}, False, "inconclusive", ""),
        ({"y": output("still", "discrete")}, True, None, "the values on the wires moved"),
        ({"y": output("still", "discrete"), "f": output("value")}, False, None, "output f moved"),
        ({"y": output("still", "discrete"), "f": output("value", "discrete")}, False, "inconclusive", ""),
        ({"y": output("still", "whole"), "f": output("value")}, False, None, "output f moved"),
        ({"y": output("still", "whole")}, True, "inconclusive", ""),
        ({"y": output("still"), "f": output("value")}, True, "inconclusive", ""),
        ({"y": output("size")}, False, None, "Output y changed in size only"),
        ({"y": output("size", "discrete")}, True, None, "y stayed the same"),
        ({"y": output("value"), "r": output("random")}, False, None, "Output r is random"),
        ({"y": output("value", "discrete"), "r": output("random")}, False, None, "Output r is random"),
        ({"y": output("size"), "r": output("random")}, False, "inconclusive", ""),
        ({"y": output("still", depends=False), "r": output("random")}, False, "inconclusive", ""),
        ({"y": output("value"), "r": output("random"), "d": output("still")}, False, "inconclusive", ""),
        ({"y": output("random", depends=False)}, False, "inconclusive", ""),
        ({}, False, "inconclusive", ""),
    ],
)
def test_outputs_that_rest(
    outputs: dict[str, OutputFacts], wires: bool, verdict: str | None, told: str
) -> None:
    facts = Facts("made", 4, outputs, wires)
    found = decide(facts)
    assert (found.verdict if found is not None else None) == verdict
    if found is None:
        assert told in " ".join(notes(facts))
        assert bool(notes(facts)) == bool(told)


def test_random_outputs_are_all_named() -> None:
    found = decide(Facts("made", 2, {key: output("random") for key in "abc"}))
    assert found is not None
    assert "output a: 1, expected 2" in found.reason and "Outputs b, c disagree as well" in found.reason


def test_more_inputs_are_tried_until_values_move() -> None:
    assert unmoved(Facts("made", 2, {"y": output("size"), "z": output("still"), "f": output("value")})) == [
        "y",
        "z",
    ]
    assert unmoved(Facts("made", 2, {"y": output("size", "whole"), "f": output("value")})) == []
    assert unmoved(Facts("none", 1, {"y": output("still")})) == []


def test_a_result_that_was_not_run_to_its_end_is_inconclusive_unless_it_is_wrong_already() -> None:
    outputs = {"y": output("value")}
    equal, wrong = LoaderFacts("v1", "equal"), LoaderFacts("v2", "differs", "it is wrong")
    for loaders, verdict in (([], "inconclusive"), ([equal], "inconclusive"), ([equal, wrong], "differs")):
        found = decide(Facts("made", 2, outputs, loaders=loaders, unfinished="It took too long."))
        assert found is not None and found.verdict == verdict


@pytest.mark.parametrize(("one", "other"), itertools.product(VERDICTS, VERDICTS))
def test_several_signatures_are_as_good_as_the_worst(one: Any, other: Any) -> None:
    order = ["verified", "not run", "inconclusive", "differs"]
    assert order.index(worst([one, other])) == max(order.index(one), order.index(other))


@pytest.mark.parametrize(
    ("proof", "verdict"),
    [
        ({"verdict": "verified", "loaders": [{"status": "equal"}, {"status": "skipped"}]}, "verified"),
        ({"verdict": "verified", "loaders": [{"status": "skipped"}, {"status": "skipped"}]}, "inconclusive"),
        ({"verdict": "verified", "loaders": []}, "inconclusive"),
        ({"verdict": "verified", "loaders": "junk"}, "inconclusive"),
        ({"verdict": "verified", "loaders": 5}, "inconclusive"),
        ({"verdict": "verified"}, "inconclusive"),
        ({"verdict": "differs"}, "differs"),
        ({"verdict": ["junk"]}, "unknown"),
        ({}, "unknown"),
        (
            {
                "verdict": "verified",
                "loaders": [{"status": "equal"}],
                "others": {"b": {"verdict": "verified", "loaders": [{"status": "skipped"}]}},
            },
            "inconclusive",
        ),
    ],
)
def test_a_record_supports_no_more_than_it_holds(proof: dict[str, Any], verdict: str) -> None:
    found, why = recorded(proof)
    assert found == verdict
    assert (why is None) == (verdict == proof.get("verdict") or verdict == "unknown")


def test_the_readme_names_the_same_verdicts() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    lines = readme.split("| verdict | when | published |")[1].split("\n\n")[0].splitlines()
    rows = {row[1].strip(): row for row in (line.split("|") for line in lines) if len(row) > 4}
    published = {name: row[3].strip() for name, row in rows.items() if name in VERDICTS}
    assert published == {"verified": "yes", "differs": "never", "inconclusive": "no", "not run": "no"}
