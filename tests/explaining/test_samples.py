"""The sample models explained: what the texts say is counted in the graph."""

from __future__ import annotations

import re

import pytest

import workbench as wb
from tests.sampling import plainly
from workbench.model import MetaGraph

SAMPLES = ("digits", "digits_tf2", "image_base64", "image_base64_tf2", "image_bytes_batch")
IMAGE_STEPS = ["converts to float32", "multiplies by 0.00392157 (1/255)", "resizes to 28 × 28"]


def opened(name: str) -> wb.Model:
    return wb.open_model(wb.sample_models() / name)


def lines(found: wb.Explanation, title: str) -> list[str]:
    return [line.text for section in found.sections if section.title == title for line in section.lines]


def addresses(meta: MetaGraph) -> list[str]:
    """Every node of the model, in the main graph and by function, and all else that has a name."""
    inside = [f"{name}::{node.name}" for name, one in meta.functions.items() for node in one.node_def]
    return [*meta.nodes, *inside, *meta.functions, *meta.shown_signatures, *(f"op:{op}" for op in meta.ops)]


@pytest.mark.parametrize("name", plainly(SAMPLES, "digits_tf2"))
def test_every_link_can_be_explained(name: str) -> None:
    model = opened(name)
    seen: set[str] = set()
    todo: list[str | None] = [None, *addresses(model.meta)]
    while todo:
        found = wb.explain(model, todo.pop())
        assert (found.summary.endswith((".", ")")) and str(found).isprintable()) or "\n" in str(found)
        for section in found.sections:
            assert section.lines, section.title
            for line in section.lines:
                assert "None" not in line.text and "{}" not in line.text, line.text
                if line.link is not None and line.link not in seen:
                    seen.add(line.link)
                    todo.append(line.link)
    assert len(seen) > 10


@pytest.mark.parametrize("name", SAMPLES)
def test_the_counts_are_those_of_the_graph(name: str) -> None:
    meta = opened(name).meta
    found = wb.explain(opened(name))
    assert f"It has {len(meta.nodes)} nodes" in found.summary
    signature = meta.signature()
    for port in (*signature.inputs.values(), *signature.outputs.values()):
        sizes = "[" + ",".join("?" if size is None else str(size) for size in port.shape or ()) + "]"
        assert f"`{port.key}` ({port.dtype} {sizes})" in found.summary
    told = [
        int(number) for line in lines(found, "All nodes") for number in re.findall(r"^([\d,]+) nodes? ", line)
    ]
    assert sum(told) == len(meta.nodes)
    variables = lines(found, "Variables")
    if meta.variables:
        assert variables[0].startswith(f"{len(meta.variables)} variables in the checkpoint, 31.4 kB")
        largest = max(meta.variables, key=lambda one: one.nbytes or 0)
        assert f"`{largest.name}` float32 [784,10]" in variables[1]
    else:
        assert variables == ["It has no variables: every number that it needs is a constant in the graph."]


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("digits", ["multiplies by the matrix `softmax/weights` [784,10]", "adds `softmax/bias` [10]", "applies soft"]),
        ("digits_tf2", ["multiplies by the matrix `weights` [784,10]", "adds `bias` [10]", "applies softmax"]),
        ("image_base64", ["decodes base64", "decodes the PNG", *IMAGE_STEPS, "reshapes to [1,784]"]),
        ("image_base64_tf2", ["decodes base64", "decodes the PNG", *IMAGE_STEPS, "reshapes to [1,784]"]),
        ("image_bytes_batch", ["; ".join(["in a loop: decodes the image file", *IMAGE_STEPS, "reshapes to [784]"])]),
    ],
)  # fmt: skip
def test_the_path(name: str, steps: list[str]) -> None:
    found = [line.partition(". ")[2] for line in lines(wb.explain(opened(name)), "From input to output")]
    assert len(found) == len(steps)
    for told, expected in zip(found, steps, strict=True):
        assert told.startswith(expected)


def test_loading() -> None:
    assert lines(wb.explain(opened("digits")), "Loading") == [
        "Loading runs the restore op `save/restore_all`, which reads 2 variables from the checkpoint.",
        "It has no init op: nothing else is run.",
    ]
    assert lines(wb.explain(opened("image_base64")), "Loading") == [
        "Loading only reads the graph: there is no variable to restore, no init op and no table to fill."
    ]


def test_a_node_of_a_function() -> None:
    address = "StatefulPartitionedCall::StatefulPartitionedCall::MatMul/ReadVariableOp"
    found = wb.explain(opened("digits_tf2"), address)
    assert found.subject == address and found.kind == "node"
    assert "It reads the variable `weights`." in lines(found, "In this model")[0]
    assert "it captures the variable" in lines(found, "In this model")[0]
    assert lines(found, "What needs it") == [
        "A result of the function `__inference___call___3590` is computed from it.",
        "The signature `serving_default` needs the call `StatefulPartitionedCall`.",
    ]


def test_why_a_size_is_unknown() -> None:
    def why(name: str, what: str) -> str:
        (line,) = lines(wb.explain(opened(name), what), "Unknown sizes")
        return line

    assert why("digits", "MatMul").endswith(
        "the placeholder `myInput` leaves it open. Whoever calls the model decides, with each call."
    )
    assert "`DecodePng` (DecodePng) decodes an image" in why("image_base64", "convert_image")
    assert "the placeholder `serving_default_image_bytes` leaves it open" in why(
        "image_bytes_batch", "PartitionedCall:0"
    )
    assert not lines(wb.explain(opened("image_base64"), "pixels"), "Unknown sizes")


def test_roles() -> None:
    digits = opened("digits")
    assert lines(wb.explain(digits, "softmax/bias"), "What needs it") == [
        "The signature `serving_default` needs it.",
        "The saver needs it, to write or read a checkpoint.",
        "Initialising a variable before training needs it. Loading does not run that.",
    ]
    assert lines(wb.explain(digits, "save/restore_shard"), "What needs it") == [
        "The saver needs it, to write or read a checkpoint."
    ]
    waits = lines(wb.explain(digits, "save/restore_shard"), "Inputs")
    assert waits == [
        "It waits for `save/AssignVariableOp` and `save/AssignVariableOp_1`: 2 control edges, which carry no value."
    ]


def test_a_function_and_its_captures() -> None:
    found = wb.explain(opened("digits_tf2"), "__call__")
    assert found.kind == "function" and found.subject == "__inference___call___3590"
    assert found.summary.endswith(
        "7 nodes that make 1 result of 3 arguments. 2 of the arguments are captures."
    )
    assert lines(found, "Captures") == [
        "`matmul_readvariableop_resource` is the handle of the variable `weights` float32 [784,10].",
        "`add_readvariableop_resource` is the handle of the variable `bias` float32 [10].",
    ]
    assert lines(found, "Who calls it")[-1] == "The callable `__call__`, variant 1, is this function."


def test_names_that_are_not_there() -> None:
    model = opened("digits_tf2")
    with pytest.raises(wb.UnknownName) as caught:
        wb.explain(model, "MatMul/ReadVariableOp")
    assert "__inference___call___3590::MatMul/ReadVariableOp" in str(caught.value)
    with pytest.raises(wb.UnknownName, match="There is no node 'MatMull' in the body of"):
        wb.explain(model, "StatefulPartitionedCall::StatefulPartitionedCall::MatMull")
    with pytest.raises(wb.UnknownName, match="There is no call 'Stateful' in the main graph"):
        wb.explain(model, "Stateful::MatMul")
    with pytest.raises(wb.UnknownName, match="has no output 1"):
        wb.explain(opened("digits"), "MatMul:1")


def test_a_call_names_what_its_function_captures() -> None:
    found = wb.explain(opened("digits_tf2"), "StatefulPartitionedCall")
    assert (
        "Of the arguments that it hands in, 2 are captures: the handle of the variable `weights` float32 [784,10] and "
        "the handle of the variable `bias` float32 [10]. Python code does not pass them; the function uses them from "
        "outside."
    ) in lines(found, "In this model")


def test_an_open_size_of_a_placeholder_is_explained_by_itself() -> None:
    (line,) = lines(wb.explain(opened("digits"), "myInput"), "Unknown sizes")
    assert ": this placeholder leaves it open." in line


def test_a_serialized_message_in_a_constant_is_shown_as_bytes() -> None:
    (value,) = (
        line
        for line in lines(wb.explain(opened("digits_tf2"), "Const"), "Attributes")
        if line.startswith("`value`")
    )
    assert value.endswith("… (241 B).")


@pytest.mark.parametrize(
    ("said", "meant"), [("TF1", "TF1 and TF2 format"), ("control-edges", "control edge"), ("OPS", "op")]
)
def test_a_term_is_found_by_a_part_or_its_plural(said: str, meant: str) -> None:
    assert wb.explain(None, f"term:{said}").subject == f"term:{meant}"
