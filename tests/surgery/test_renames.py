"""What each rename rule is for: left out, the result is broken, or loads and is wrong without a word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.sampling import plainly
from tests.surgery.tools import Models, draft_of, plan_of, read_pb
from tests.zoo.example import numbers
from workbench.graph.functions import function_attrs
from workbench.publishing.commit import commit
from workbench.surgery.rewrite.prefix import Rule

pytestmark = pytest.mark.needs_tf

X = numbers("renames", (3, 4))


@pytest.fixture
def make(models: Models, tmp_path: Path) -> Callable[..., Path]:
    """Writes a join without running it, some rules left out; gives the folder."""
    count = 0

    def made(a: str, b: str, *without: Rule, wire: str = "y=x", **options: Any) -> Path:
        nonlocal count
        count += 1
        options.setdefault("format", "tf1")
        draft = draft_of(plan_of(models, {"a": a, "b": b}, [wire], **options), without=without)
        target = tmp_path / f"merged_{count}"
        assert commit(draft, target, verify=False).published
        return target

    return made


Make = Callable[..., Path]


def run_v1(
    path: Path, key: str = "y", *, feed: str = "x", value: Any = X, signature: str = "serving_default"
) -> Any:
    """One output of a signature, in a fresh v1 Session."""
    import tensorflow as tf

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(path))
        chosen = meta.signature_def[signature]
        return session.run(chosen.outputs[key].name, {chosen.inputs[feed].name: value})


def run_v2(path: Path, key: str = "y", **inputs: Any) -> Any:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    return loaded.signatures["serving_default"](**inputs or {"x": tf.constant(X)})[key].numpy()


def in_turn(models: Models, a: str, b: str) -> Any:
    """A, then B, each alone."""
    return run_v1(models(b).path, value=run_v1(models(a).path))


def broken(path: Path) -> str:
    """What TensorFlow says when it loads and runs a result that it can't."""
    import tensorflow as tf

    with pytest.raises((tf.errors.OpError, ValueError, KeyError, TypeError, AssertionError)) as caught:
        run_v1(path)
    return str(caught.value)


# -- silently wrong numbers


@pytest.mark.parametrize(
    ("a", "b"), [("v1_simple_save", "v1_simple_twin"), ("v1_simple_twin", "v1_simple_save")]
)
def test_shared_name(make: Make, models: Models, a: str, b: str) -> None:
    """Two variables of one `shared_name` are one variable: both layers get the same weights, in either order."""
    right, wrong = make(a, b), make(a, b, Rule.SHARED_NAME)
    expected = in_turn(models, a, b)
    np.testing.assert_allclose(run_v1(right), expected, rtol=1e-5)
    got = run_v1(wrong)
    assert got.shape == expected.shape and np.isfinite(got).all()
    assert np.abs(got - expected).max() > 0.05


@pytest.mark.parametrize(("a", "b"), [("tf2_module", "tf2_module_twin"), ("tf2_module_twin", "tf2_module")])
def test_shared_name_of_tf2(make: Make, models: Models, a: str, b: str) -> None:
    expected = in_turn(models, a, b)
    np.testing.assert_allclose(run_v1(make(a, b)), expected, rtol=1e-5)
    assert np.abs(run_v1(make(a, b, Rule.SHARED_NAME)) - expected).max() > 0.05


@pytest.mark.parametrize(("a", "b"), [("nameless_two", "nameless_five"), ("nameless_five", "nameless_two")])
def test_empty_shared_name(make: Make, a: str, b: str) -> None:
    """All VarHandleOps of an empty name share one variable: 2 and 5 become 4 or 25."""
    np.testing.assert_array_equal(run_v1(make(a, b)), X * 10)
    got = run_v1(make(a, b, Rule.EMPTY_SHARED_NAME))
    assert np.allclose(got, X * 4) or np.allclose(got, X * 25)


def test_empty_shared_name_in_a_body(make: Make) -> None:
    """A BatchFunction without a name goes by its node's, which in bodies is not prefixed: two models, one queue."""

    def names_of(path: Path) -> list[bytes]:
        return [
            node.attr["shared_name"].s
            for function in library_of(path).function
            for node in function.node_def
            if node.op == "BatchFunction"
        ]

    assert names_of(make("batch_twice", "batch_thrice", Rule.EMPTY_SHARED_NAME)) == [b"", b""]
    right = names_of(make("batch_twice", "batch_thrice"))
    assert sorted(name.partition(b"/")[0] for name in right) == [b"a", b"b"]


def library_of(path: Path) -> Any:
    return read_pb(path).meta_graphs[0].graph_def.library


@pytest.mark.parametrize("rule", [Rule.SHARED_NAME, Rule.ASSET])
@pytest.mark.parametrize("order", [("", "_other"), ("_other", "")])
def test_tables_and_assets(models: Models, tmp_path: Path, rule: Rule, order: tuple[str, str]) -> None:
    """Two tables of one name are one table, two assets of one name one file: both models look up the same words."""
    import tensorflow as tf

    words = np.array([b"dog", b"ant", b"bee"], object)
    parts = {"a": f"named_table{order[0]}", "b": "v1_key_value_table", "c": f"named_table{order[1]}"}
    plan = plan_of(models, parts, ["a@ids=b@ids", "b@y=c@words"], format="tf1")

    def ids(name: str, *without: Rule) -> Any:
        assert commit(draft_of(plan, without=without), tmp_path / name, verify=False).published
        return run_v1(tmp_path / name, "ids", feed="words", value=words)

    middle = run_v1(models(parts["a"]).path, "ids", feed="words", value=words)
    middle = np.array([[b"ant", b"bee", b"cat", b"dog", b"?"][number] for number in middle], object)
    expected = run_v1(models(parts["c"]).path, "ids", feed="words", value=middle)
    np.testing.assert_array_equal(ids("right"), expected)
    try:
        got = ids("wrong", rule)
    except tf.errors.OpError:
        assert rule == Rule.SHARED_NAME  # the second filling of the one table fails
    else:
        assert not np.array_equal(got, expected)


@pytest.mark.parametrize(
    ("a", "b"), [("v1_simple_save", "v1_simple_twin"), ("v1_simple_twin", "v1_simple_save")]
)
def test_checkpoint_key(make: Make, a: str, b: str) -> None:
    """The graph asks for keys that the joined checkpoint does not have."""
    assert "not found in checkpoint" in broken(make(a, b, Rule.CHECKPOINT_KEY))


# -- a graph no loader takes


def test_node(make: Make) -> None:
    """Two nodes of one name. (Without variables: a saver is put together from the new names.)"""
    assert "not unique" in broken(make("v1_no_variables", "graphdef_pb", Rule.NODE))


def test_input(make: Make) -> None:
    assert "Unknown input node" in broken(make("v1_simple_save", "v1_simple_twin", Rule.INPUT))


def test_control_input(make: Make) -> None:
    assert broken(make("v1_names_and_places", "v1_simple_save", Rule.CONTROL_INPUT))


def test_colocation(make: Make) -> None:
    """`loc:@halves` names nothing any more."""
    assert "halves" in broken(make("v1_names_and_places", "v1_simple_save", Rule.COLOCATION))


def test_frame(make: Make, models: Models) -> None:
    """Two v1 loops of one name are taken for one."""
    right = make("v1_while", "v1_while")
    np.testing.assert_allclose(run_v1(right), in_turn(models, "v1_while", "v1_while"), rtol=1e-5)
    assert "more than one LoopCond" in broken(make("v1_while", "v1_while", Rule.FRAME))


def test_signature(make: Make) -> None:
    assert "x:0" in broken(make("v1_simple_save", "v1_simple_twin", Rule.SIGNATURE))


def test_saver(make: Make) -> None:
    assert "save/" in broken(make("v1_simple_save", "v1_simple_twin", Rule.SAVER))


def test_variable_def(make: Make) -> None:
    assert "layer/weights" in broken(make("v1_simple_save", "v1_simple_twin", Rule.VARIABLE_DEF))


def test_collection(make: Make) -> None:
    """A collection of tensors names one that is not there."""
    assert "extra" in broken(make("collection_of_tensors", "v1_simple_save", Rule.COLLECTION))


@pytest.mark.parametrize("name", ["v1_cond", "v1_while"])
def test_control_flow(make: Make, name: str) -> None:
    """The contexts of v1 control flow name tensors that are not there."""
    assert broken(make(name, "v1_simple_save", Rule.CONTROL_FLOW))


# -- functions


def test_function(make: Make, models: Models) -> None:
    """Calls name functions that are not there, or one function twice."""
    expected = in_turn(models, "tf2_cond", "tf2_cond")
    np.testing.assert_allclose(run_v1(make("tf2_cond", "tf2_cond")), expected, rtol=1e-5)
    assert broken(make("tf2_cond", "tf2_cond", Rule.FUNCTION))


def test_functions_mixed_up(make: Make, models: Models) -> None:
    """Neither named anew nor called anew, the functions of the same name of two models are one: the first."""
    a, b = "square_plus_one", "square_plus_two"
    expected = in_turn(models, a, b)
    np.testing.assert_allclose(run_v1(make(a, b)), expected, rtol=1e-5)
    wrong = make(a, b, Rule.FUNCTION, Rule.FUNCTION_ATTR, Rule.FUNCTION_OP, Rule.GRADIENT)
    try:
        got = run_v1(wrong)
    except Exception as error:
        assert "plus" in str(error)  # a loader that sees two functions of one name
    else:
        assert not np.allclose(got, expected, rtol=1e-3)


def test_function_attr(make: Make) -> None:
    """Calls and branches name functions that are not there. (TensorFlow is not asked: it can crash of that.)"""

    def strangers(path: Path) -> set[str]:
        graph = read_pb(path).meta_graphs[0].graph_def
        known = {function.signature.name for function in graph.library.function}
        bodies = [node for function in graph.library.function for node in function.node_def]
        named = {name for node in (*graph.node, *bodies) for _, name in function_attrs(node.attr)}
        assert named
        return named - known

    a, b = "v1_while_functional", "tf2_cond"
    assert strangers(make(a, b)) == set()
    assert len(strangers(make(a, b, Rule.FUNCTION_ATTR))) >= 4


def test_function_name_attr(make: Make) -> None:
    """Strings that tie a forward function to its backward function."""

    def strangers(path: Path) -> set[str]:
        library = library_of(path)
        known = {function.signature.name for function in library.function}
        places = [function.attr for function in library.function]
        places += [node.attr for function in library.function for node in function.node_def]
        named = {
            attrs[name].s.decode()
            for attrs in places
            for name in ("forward_function_name", "backward_function_name")
            if name in attrs
        }
        assert named
        return named - known

    a, b = "tf2_custom_gradient", "tf2_custom_gradient"
    left, wrong = strangers(make(a, b)), strangers(make(a, b, Rule.FUNCTION_NAME_ATTR))
    assert len(wrong) > len(left)


def test_function_op(make: Make) -> None:
    """An op that is a function's name: there is no such op."""
    assert "Op type not registered" in broken(make("v1_functions", "v1_simple_save", Rule.FUNCTION_OP))


def test_gradient(make: Make) -> None:
    """`library.gradient` names functions that are not there."""
    right = library_of(make("square_plus_one", "square_plus_two"))
    assert sorted((one.function_name, one.gradient_func) for one in right.gradient) == [
        ("a/Square_plus", "a/SquareGrad"),
        ("b/Square_plus", "b/SquareGrad"),
    ]
    assert "Square_plus" in broken(make("square_plus_one", "square_plus_two", Rule.GRADIENT))


@pytest.mark.parametrize(
    ("a", "b"),
    plainly(
        [("with_gradients", "with_other_gradients"), ("with_other_gradients", "with_gradients")],
        ("with_gradients", "with_other_gradients"),
    ),
)
def test_gradient_op_type(make: Make, models: Models, a: str, b: str) -> None:
    """Both models register a gradient of one name: without the prefix one model's is taken for both."""

    def gradients(*without: Rule) -> Any:
        import tensorflow as tf

        loaded = tf.saved_model.load(str(make(a, b, *without, format="auto")))
        x = tf.constant(X)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = loaded.signatures["serving_default"](x=x)["y"]
        return tape.gradient(y, x).numpy()

    def alone(name: str, x: Any, grad: Any) -> Any:
        import tensorflow as tf

        loaded = tf.saved_model.load(str(models(name).path))
        x = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = loaded.signatures["serving_default"](x=x)["y"]
        return tape.gradient(y, x, output_gradients=tf.constant(grad)).numpy(), y.numpy()

    _, middle = alone(a, X, np.ones_like(X))
    back, _ = alone(b, middle, np.ones_like(X))
    expected, _ = alone(a, X, back)
    np.testing.assert_allclose(gradients(), expected, rtol=1e-4)
    try:
        got = gradients(Rule.GRADIENT_OP_TYPE)
    except LookupError:
        return  # the loader found a gradient registered twice, or none
    assert not np.allclose(got, expected, rtol=1e-2)


def test_implements(make: Make) -> None:
    """TensorFlow takes functions that implement the same for each other: one model's would run in the other's place."""
    a, b = "implements_for_gpu", "implements_for_cpu"
    np.testing.assert_allclose(run_v2(make(a, b, format="auto")), (X + 1.0) * 10.0, rtol=1e-6)
    wrong = run_v2(make(a, b, Rule.IMPLEMENTS, format="auto"))
    np.testing.assert_allclose(wrong, X * 100.0, rtol=1e-6)


def test_every_rule_has_a_test() -> None:
    text = Path(__file__).read_text()
    assert [rule.name for rule in Rule if f"Rule.{rule.name}" not in text] == []
