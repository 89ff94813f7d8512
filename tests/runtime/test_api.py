"""`run(model, inputs)`: keys and values in, arrays out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.forking.client import CAN_FORK, FORKING
from tests.zoo import Example, Ragged, Sparse, names
from workbench.errors import ExecutionFailed, InputError, UnknownName, UsageError
from workbench.model import open_model
from workbench.probing.run import run
from workbench.runtime.child_process.child import Child

pytestmark = pytest.mark.needs_tf

Zoo = Callable[[str], Example]


def test_outputs_come_by_key(child: Child, sample_models: Path) -> None:
    found = run(sample_models / "digits", {"myInput": np.zeros((2, 784))}, child=child)
    assert set(found) == {"myOutput"}
    assert found["myOutput"].shape == (2, 10)
    assert found["myOutput"].dtype == np.float32
    np.testing.assert_allclose(found["myOutput"].sum(1), 1, rtol=1e-5)


def test_a_folder_an_opened_model_and_both_loaders_agree(child: Child, sample_models: Path) -> None:
    folder = sample_models / "digits_tf2"
    values = {"myInput": np.random.default_rng(0).random((1, 784))}
    found = [
        run(folder, values, child=child),
        run(open_model(folder), values, "serving_default", child=child),
        run(str(folder), values, tags="serve", child=child, loader="v1"),
        run(folder, values, child=child, loader="v2"),
    ]
    for other in found[1:]:
        np.testing.assert_allclose(other["myOutput"], found[0]["myOutput"], rtol=1e-6)


def test_strings_go_in_and_out_as_bytes(child: Child, zoo: Zoo) -> None:
    example = zoo("tf2_strings")
    inputs = example.inputs(2)
    for loader in ("v1", "v2"):
        found = run(example.path, inputs, child=child, loader=loader)  # type: ignore[arg-type]
        strings = [value for value in found.values() if value.dtype == object]
        assert strings and all(isinstance(item, bytes) for item in strings[0].ravel())


@pytest.mark.parametrize("name", ["v1_sparse_input", "v1_sparse_output", "v1_ragged_input"])
def test_composites_come_in_parts(child: Child, zoo: Zoo, name: str) -> None:
    example = zoo(name)
    inputs = example.inputs(2)
    parts: dict[str, Any] = {}
    for key, value in inputs.items():
        if isinstance(value, Sparse):
            parts |= {f"{key}.{part}": getattr(value, part) for part in ("indices", "values", "dense_shape")}
        elif isinstance(value, Ragged):
            parts |= {f"{key}.{number}": part for number, part in enumerate(value)}
        else:
            parts[key] = value
    whole = {key: tuple(value) if isinstance(value, tuple) else value for key, value in inputs.items()}
    answers = [
        run(example.path, given, example.signature, child=child, loader=loader)  # type: ignore[arg-type]
        for given in (parts, whole)
        for loader in ("v1", "v2")
    ]
    for other in answers[1:]:
        assert set(other) == set(answers[0])
        for slot, value in answers[0].items():
            np.testing.assert_allclose(other[slot], value)
    if name == "v1_sparse_output":
        assert any(slot.endswith(".dense_shape") for slot in answers[0])


def test_every_dtype_goes_in_and_out(child: Child, zoo: Zoo) -> None:
    example = zoo("tf2_dtypes")
    inputs = example.inputs(2)
    one, other = (run(example.path, inputs, child=child, loader=loader) for loader in ("v1", "v2"))  # type: ignore[arg-type]
    assert {str(value.dtype) for value in one.values()} >= {
        "bfloat16",
        "float16",
        "bool",
        "complex64",
        "uint8",
    }
    for key, value in one.items():
        assert value.dtype == other[key].dtype
        assert value.tolist() == other[key].tolist()


@pytest.mark.parametrize("name", names("graphdef"))
def test_a_graphdef_runs_by_node_names(child: Child, zoo: Zoo, name: str) -> None:
    example = zoo(name)
    found = run(example.path, example.inputs(2), child=child)
    assert found
    with pytest.raises(UsageError):
        run(example.path, example.inputs(2), child=child, loader="v2")


def test_inputs_with_defaults_may_be_left_out(child: Child, zoo: Zoo) -> None:
    example = zoo("tf2_default_inputs")
    signature = open_model(example.path).meta.signature(example.signature)
    optional = [key for key, port in signature.inputs.items() if port.default is not None]
    assert optional
    needed = {key: value for key, value in example.inputs(2).items() if key not in optional}
    for loader in ("v1", "v2"):
        assert run(example.path, needed, child=child, loader=loader)  # type: ignore[arg-type]


def test_what_only_one_loader_runs_is_run_by_that(child: Child, zoo: Zoo) -> None:
    for name in ("keras_saved", "tf2_old_optimizer"):
        example = zoo(name)
        assert example.runs_v1 != example.loads_v2
        assert run(example.path, example.inputs(1), example.signature, child=child)


def test_mistakes_are_told_before_tensorflow_is_asked(sample_models: Path) -> None:
    digits = sample_models / "digits"
    idle = Child("/nowhere")  # it is never started
    with pytest.raises(InputError) as caught:
        run(digits, {"myinput": 1}, child=idle)
    assert "myInput" in str(caught.value)
    with pytest.raises(InputError) as caught:
        run(digits, {}, child=idle)
    assert "myInput float32 [?,784]" in str(caught.value)
    with pytest.raises(InputError):
        run(digits, {"myInput": [[1.0, 2.0]]}, child=idle)
    with pytest.raises(UnknownName):
        run(digits, {}, "no_such_signature", child=idle)
    with pytest.raises(UnknownName):
        run(digits, {}, tags="gpu", child=idle)
    with pytest.raises(UsageError):
        run(digits, {"myInput": np.zeros((1, 784))}, python="/nowhere")


def test_what_tensorflow_refuses_is_told_in_its_words(child: Child, sample_models: Path) -> None:
    with pytest.raises(ExecutionFailed) as caught:
        run(sample_models / "image_base64", {"base64_input": "!!!"}, child=child)
    assert "base64" in str(caught.value).lower()


def test_a_process_of_its_own_is_ended(sample_models: Path) -> None:
    import psutil

    if CAN_FORK:
        FORKING.server()  # stays
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    found = run(
        sample_models / "digits", {"myInput": np.zeros((1, 784))}, python=sys.executable, time_limit=100
    )
    assert found["myOutput"].shape == (1, 10)
    after = {process.pid for process in psutil.Process().children(recursive=True)}
    assert after <= before
