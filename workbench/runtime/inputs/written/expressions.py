"""NumPy expressions as values: `np.ones((1, 784)) * 2`, evaluated over the syntax tree, never by `eval`.

What is understood: numbers, strings, lists and tuples; arithmetic; indices and slices; `np.NAME(…)` for the functions
in `_FUNCTIONS`; `np.random.NAME(…)` and `np.random.default_rng(SEED).NAME(…)`; the types and constants of `np`; the
methods in `_METHODS`. Sizes are checked before memory is taken. Random numbers are the same each time: their seed is 0,
or what `seed=` says.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import InputError
from workbench.names import did_you_mean, show

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MAX_ELEMENTS = 1 << 25
"""Of any array on the way."""
_MAX_TEXT = 1 << 20
_MAX_BITS = 128  # of a whole number on the way
_TYPES = frozenset(
    "bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128".split()  # noqa: SIM905
)
_NAMED_TYPES = {"bool": bool, "int": int, "float": float, "str": str, "complex": complex}
_CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan, "newaxis": None}
_METHODS = frozenset({"reshape", "astype", "transpose", "flatten", "copy"})
_KEYWORDS = frozenset({"dtype", "shape", "num", "endpoint", "stop", "step", "axis", "fill_value", "N", "M", "size",
                       "low", "high", "loc", "scale", "seed"})  # fmt: skip
_RANDOM = {  # name: number of arguments in front of the size; None where the arguments are the size
    "rand": None, "randn": None, "random": 0, "random_sample": 0, "standard_normal": 0,
    "uniform": 2, "normal": 2, "randint": 2, "integers": 2,
}  # fmt: skip
_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
}


def evaluate(text: str, where: str) -> Any:
    """Return the value of an expression: an array, a number, a string, or nested lists of these.

    Args:
        text: the expression.
        where: the input that it is for, for errors.

    Raises:
        InputError: it is no expression, has something that is not understood, or would be too large.
    """
    tree = parse(text, where)
    try:
        return _Evaluator(where).value(tree)
    except InputError:
        raise
    except RecursionError:
        raise InputError("The expression is nested too deep.", where=show(where)) from None
    except (ArithmeticError, TypeError, ValueError, IndexError, MemoryError) as problem:
        raise InputError(f"{show(text, 80)!r} can't be evaluated: {problem}.", where=show(where)) from None


def parse(text: str, where: str) -> ast.expr:
    """Return the syntax tree of an expression.

    Raises:
        InputError: it is no expression, or too long.
    """
    if len(text) > _MAX_TEXT:
        raise InputError(f"The expression is longer than {_MAX_TEXT:,} characters.", where=show(where))
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        told = problem.msg if isinstance(problem, SyntaxError) else str(problem) or "it is nested too deep"
        hint = "For example np.ones((1,784)), or [[1.5, 2]]."
        raise InputError(
            f"{show(text, 80)!r} is not an expression: {told}.", where=show(where), hint=hint
        ) from None


@dataclass(frozen=True, slots=True)
class _Generator:
    """What `np.random` or `np.random.default_rng(SEED)` means."""

    seed: int


class _Evaluator:
    """Evaluates one expression."""

    def __init__(self, where: str) -> None:
        import numpy as np

        self.np = np
        self.where = where
        self._generators: dict[int, np.random.Generator] = {}
        self._functions: dict[str, Callable[..., Any]] = {
            "array": np.array,
            "asarray": np.asarray,
            "ones": np.ones,
            "zeros": np.zeros,
            "full": np.full,
            "eye": np.eye,
            "arange": np.arange,
            "linspace": np.linspace,
            "expand_dims": np.expand_dims,
            "reshape": np.reshape,
        }

    def value(self, node: ast.expr) -> Any:
        """Return the value of a node."""
        if isinstance(node, ast.Constant) and not isinstance(node.value, type(Ellipsis)):
            return node.value
        if isinstance(node, ast.List | ast.Tuple):
            items = [self.value(item) for item in node.elts]
            return items if isinstance(node, ast.List) else tuple(items)
        if isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
            return _UNARY[type(node.op)](self.value(node.operand))
        if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
            return self._binary(node)
        if isinstance(node, ast.Subscript):
            return self._array(node.value)[self._index(node.slice)]
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.Attribute):
            return self._attribute(node)
        if isinstance(node, ast.Name) and node.id in _NAMED_TYPES:
            return _NAMED_TYPES[node.id]
        raise self._refused(node)

    # -- operators and indices

    def _binary(self, node: ast.BinOp) -> Any:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(left, list | tuple | str | bytes) or isinstance(right, list | tuple | str | bytes):
            return self._sequences(node, left, right)
        whole = isinstance(left, int) and isinstance(right, int)
        if isinstance(node.op, ast.Pow) and whole and left.bit_length() * max(right, 0) > _MAX_BITS:
            raise self._refusal(f"{show(ast.unparse(node), 40)} is too large a number")
        shapes = [self.np.shape(left), self.np.shape(right)]
        self._check_size(self.np.broadcast_shapes(*shapes))
        with self.np.errstate(all="ignore"):
            return _BINARY[type(node.op)](left, right)

    def _sequences(self, node: ast.BinOp, left: Any, right: Any) -> Any:
        """Return lists or strings joined or repeated; one beside an array is an array."""
        if isinstance(node.op, ast.Mult) and isinstance(left, int) != isinstance(right, int):
            times, sequence = (left, right) if isinstance(left, int) else (right, left)
            if isinstance(sequence, list | tuple | str | bytes):
                self._check_size((max(times, 0), _elements(sequence)))
                return sequence * times
        if isinstance(node.op, ast.Add) and type(left) is type(right):
            return left + right
        if isinstance(left, self.np.ndarray) or isinstance(right, self.np.ndarray):
            arrays = [self.np.asarray(left), self.np.asarray(right)]
            self._check_size(self.np.broadcast_shapes(*(array.shape for array in arrays)))
            with self.np.errstate(all="ignore"):
                return _BINARY[type(node.op)](*arrays)
        raise self._refusal(f"{show(ast.unparse(node), 60)} mixes lists and numbers: write np.array([…])")

    def _index(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Tuple):
            return tuple(self._index(item) for item in node.elts)
        if isinstance(node, ast.Slice):
            parts = (node.lower, node.upper, node.step)
            return slice(*(None if part is None else self._integer(part) for part in parts))
        if isinstance(node, ast.Constant) and node.value in (None, ...):
            return node.value
        if isinstance(node, ast.Attribute) and self._attribute(node) is None:
            return None
        return self._integer(node)

    def _integer(self, node: ast.expr) -> int:
        value = self.value(node)
        if not isinstance(value, int | self.np.integer):
            raise self._refusal(f"{show(ast.unparse(node), 40)} is no whole number")
        return int(value)

    def _array(self, node: ast.expr) -> Array:
        value = self.value(node)
        if isinstance(value, _Generator | type) or value is None:
            raise self._refused(node)
        return self.np.asarray(value)

    # -- names and calls

    def _attribute(self, node: ast.Attribute) -> Any:
        if isinstance(node.value, ast.Name) and node.value.id in ("np", "numpy"):
            if node.attr in _TYPES:
                return getattr(self.np, node.attr)
            if node.attr in _CONSTANTS:
                return _CONSTANTS[node.attr]
            if node.attr == "random":
                return _Generator(0)
            if node.attr == "newaxis":
                return None
        elif node.attr == "T":
            return self._array(node.value).T
        raise self._refused(node)

    def _call(self, node: ast.Call) -> Any:
        if not isinstance(node.func, ast.Attribute):
            raise self._refused(node)
        if any(isinstance(item, ast.Starred) for item in node.args) or any(
            keyword.arg is None for keyword in node.keywords
        ):
            raise self._refused(node)
        name, owner = node.func.attr, node.func.value
        arguments = [self.value(item) for item in node.args]
        keywords = {str(keyword.arg): self.value(keyword.value) for keyword in node.keywords}
        if isinstance(owner, ast.Name) and owner.id in ("np", "numpy"):
            return self._function(name, arguments, keywords)
        if name in _METHODS:
            self._check_types(name == "astype", arguments, keywords)
            return getattr(self._array(owner), name)(*arguments, **keywords)
        target = self.value(owner)
        if isinstance(target, _Generator):
            return self._random(target, name, arguments, keywords)
        raise self._refused(node)

    def _function(self, name: str, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        if name in _TYPES:
            return getattr(self.np, name)(*arguments, **keywords)
        if name not in self._functions:
            known = sorted((*self._functions, *_TYPES, *_CONSTANTS, "random"))
            hint = did_you_mean(name, known, noun="names of np")
            raise InputError(
                f"np.{show(name)} is not one of the functions that an expression may call.",
                where=show(self.where),
                hint=hint,
            )
        self._check_types(False, arguments[1:], keywords)
        self._check_size(_shape_of(name, arguments, keywords))
        if name in ("array", "asarray") and arguments and _has_text(arguments[0]):
            return self.np.array(arguments[0], object)  # as `U` each would take the room of the longest
        return self._functions[name](*arguments, **keywords)

    def _random(
        self, generator: _Generator, name: str, arguments: list[Any], keywords: dict[str, Any]
    ) -> Any:
        if name == "default_rng":
            return _Generator(int(arguments[0]) if arguments else int(keywords.get("seed", 0)))
        if name not in _RANDOM:
            hint = did_you_mean(name, [*_RANDOM, "default_rng"], noun="names of np.random")
            raise InputError(
                f"np.random.{show(name)} is not one of the functions that an expression may call.",
                where=show(self.where),
                hint=hint,
            )
        seed = int(keywords.pop("seed", generator.seed))
        numbers = self._generators.setdefault(seed, self.np.random.default_rng(seed))
        before = _RANDOM[name]
        if before is None:
            self._check_size(tuple(arguments))
            by_size: Callable[[Any], Any] = numbers.random if name == "rand" else numbers.standard_normal
            return by_size(tuple(arguments))
        size = keywords.get("size", arguments[before] if len(arguments) > before else ())
        self._check_size(size)
        if name in ("randint", "integers"):
            return numbers.integers(*arguments, **keywords)
        drawn: dict[str, Callable[..., Any]] = {
            "uniform": numbers.uniform,
            "normal": numbers.normal,
            "standard_normal": numbers.standard_normal,
        }
        return drawn.get(name, numbers.random)(*arguments, **keywords)

    # -- limits and errors

    def _check_size(self, shape: Any) -> None:
        sizes = shape if isinstance(shape, tuple | list) else (shape,)
        if not all(isinstance(size, int | self.np.integer) for size in sizes):
            raise self._refusal("a size is no whole number")
        number = math.prod(int(size) for size in sizes)
        if number > MAX_ELEMENTS:
            raise InputError(
                f"An array of shape [{','.join(map(str, sizes))}] has {number:,} elements; "
                f"{MAX_ELEMENTS:,} are the most in an expression.",
                where=show(self.where),
                hint="Give a file instead: KEY=@file.npy.",
            )

    def _check_types(self, is_type: bool, arguments: list[Any], keywords: dict[str, Any]) -> None:
        """Refuse dtypes with elements of any length, and argument names that are not needed."""
        unknown = keywords.keys() - _KEYWORDS
        if unknown:
            raise self._refusal(f"The argument {show(min(unknown))!r} is not understood in an expression")
        types = [*arguments[: int(is_type)], *(one for one in arguments if isinstance(one, str))]
        for one in [*types, *([keywords["dtype"]] if "dtype" in keywords else [])]:
            if self.np.dtype(one).kind not in "biufc":
                raise self._refusal(f"{show(str(one))!r} is not a dtype of numbers")

    def _refusal(self, text: str) -> InputError:
        return InputError(f"{text}.", where=show(self.where))

    def _refused(self, node: ast.expr) -> InputError:
        return InputError(
            f"{show(ast.unparse(node), 60)!r} is not understood in an expression.",
            where=show(self.where),
            hint="Use numbers, lists, arithmetic, np.ones, np.zeros, np.full, np.arange, np.linspace, np.array and "
            "np.random.",
        )


def _shape_of(name: str, arguments: list[Any], keywords: dict[str, Any]) -> Any:
    """Return the shape of the array that a function makes, before it is made; empty where it only changes one."""
    if name in ("ones", "zeros", "full"):
        return arguments[0] if arguments else keywords.get("shape", ())
    if name == "linspace":
        return arguments[2] if len(arguments) > 2 else keywords.get("num", 50)
    if name == "eye":
        rows = arguments[0] if arguments else keywords.get("N", 0)
        return (rows, (arguments[1] if len(arguments) > 1 else keywords.get("M")) or rows)
    if name == "arange":
        limits = [*arguments, *([keywords["stop"]] if "stop" in keywords else [])]
        start, stop = (0, limits[0]) if len(limits) == 1 else limits[:2]
        step = limits[2] if len(limits) > 2 else keywords.get("step", 1)
        return max(0, math.ceil((stop - start) / step))
    return ()


def _has_text(value: Any) -> bool:
    """Return whether a nested list has a string."""
    if isinstance(value, list | tuple):
        return any(map(_has_text, value))
    return isinstance(value, str | bytes)


def _elements(sequence: Any) -> int:
    """Return how many scalars a nested list has; of a string its length."""
    if isinstance(sequence, str | bytes):
        return len(sequence)
    return sum(_elements(item) if isinstance(item, list | tuple) else 1 for item in sequence)
