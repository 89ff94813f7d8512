"""A whole SavedModel made up at random: main graph, functions, variables of each kind, tables, saver, signature."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from tests.disk.test_bundle import entry, forge
from tests.generated.scope import CALLS, DTYPES, Library, Scope, argument, result, small
from tests.generated.values import WIDTH, Array, Env, Func, Value, tensor
from workbench.disk import dtypes, schema
from workbench.disk.checkpoint.ordered_code import slice_key
from workbench.model import shapes

EXTRAS = ("variable", "ref_variable", "partitioned", "table", "words", "switch", "while_v1")
VARIABLE_NAMES = ("w", "layer/w", "layer/b", "v")


@dataclass(frozen=True, slots=True)
class Generated:
    """A model on disk and what it computes.

    Attributes:
        path: its folder.
        inputs: dtype by key of `serving_default`; each `[?, 4]`.
        outputs: likewise.
        compute: values of the inputs → those of the outputs.
        kinds: what it has, for counting.
    """

    path: Path
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    compute: Callable[[Mapping[str, Array]], dict[str, Array]]
    kinds: frozenset[str]


def generate(
    random: Random,
    folder: Path,
    inputs: Mapping[str, str],
    *,
    steps: int = 8,
    numbers: Random | None = None,
    extras: Sequence[str] | None = None,
    everything: bool = False,
) -> Generated:
    """Makes one.

    Args:
        random: decides on its structure and names.
        folder: is made.
        inputs: dtype by key of the inputs it is to have.
        steps: at most so many.
        numbers: decides on constants and values of variables; None for `random`.
        extras: what it may have that only a main graph can, by name of a method here; None for all.
        everything: it has each kind of what a model can have here.
    """
    maker = _Maker(random, folder, numbers or random)
    return maker.make(inputs, steps, EXTRAS if extras is None else extras, everything)


class _Maker:
    def __init__(self, random: Random, folder: Path, numbers: Random) -> None:
        self.random = random
        self.numbers = numbers
        self.folder = folder
        self.saved = schema.SavedModel(saved_model_schema_version=1)
        self.meta = self.saved.meta_graphs.add()
        self.meta.meta_info_def.tags.append("serve")
        self.meta.meta_info_def.tensorflow_version = "2.21.0"
        graph = self.meta.graph_def
        graph.versions.producer = random.choice([1395, 1882, 2474])
        self.library = Library(graph.library.function, numbers)
        self.main = Scope(random, graph.node, body=False, library=self.library)
        self.saved_parts: list[
            tuple[str, str, str, str]
        ] = []  # key, slice, handle, dtype, all to be restored
        self.refs: list[tuple[str, str, str]] = []
        self.entries: dict[bytes, Any] = {}
        self.data = b""
        self.inits: list[str] = []
        self.assets: dict[str, bytes] = {}
        self.keys: set[str] = set()
        self.shared: dict[str, str] = {}
        self.kinds: set[str] = set()

    def make(
        self, inputs: Mapping[str, str], steps: int, extras: Sequence[str], everything: bool
    ) -> Generated:
        main, random = self.main, self.random
        for key, dtype in inputs.items():
            node = main.node("Placeholder", name=key, dtype=dtype, shape=(None, WIDTH))
            main.values.append(Value(node, dtype, lambda env, key=key: env.inputs[key], node))  # type: ignore[misc]
            main.plain.append(node)
        given = list(main.values)
        todo = list(extras) if everything else []
        self.everything = everything
        for _ in range(random.randint(1, steps)):
            if extras and random.random() < 0.35:
                todo.append(random.choice(extras))
            else:
                main.step()
            while todo:
                extra = todo.pop()
                self.kinds.add(extra)
                main.values.append(getattr(self, extra)())
        if everything:
            self.one_of_each()
            self.add_up()
        outputs = {}
        for key in ("y", "z")[: random.randint(1, 2)]:
            last = main.values[-1] if key == "y" else main.some()
            for value in given:  # an output moves with each input, or there is nothing to compare
                last = main.cast(last, value.dtype)
                node = main.node("AddV2", [last, value], T=value.dtype)
                last = main.out(node, "z", value.dtype, lambda env, a=last, b=value: a.of(env) + b.of(env))  # type: ignore[misc]
            outputs[key] = last
        self.finish(dict(zip(inputs, given, strict=True)), outputs)
        ops = {node.op for node in self.meta.graph_def.node}
        bodies = {node.op for function in self.meta.graph_def.library.function for node in function.node_def}
        self.kinds |= {op for op in ops | bodies if op.endswith(("Call", "If", "While"))}
        if (ops | bodies) & self.library.names:
            self.kinds.add("op that is a function")
        if any("_class" in node.attr for node in self.meta.graph_def.node):
            self.kinds.add("colocation")
        if any(one.startswith("^") for node in self.meta.graph_def.node for one in node.input):
            self.kinds.add("control edge")
        return Generated(
            self.write(),
            dict(inputs),
            {key: value.dtype for key, value in outputs.items()},
            lambda values: {key: value.of(Env(values)) for key, value in outputs.items()},
            frozenset(self.kinds),
        )

    def one_of_each(self) -> None:
        """What a random model may lack: calls of each kind, edges, and what is read only for gradients."""
        main, library = self.main, self.meta.graph_def.library
        main.values += [*map(main.call, CALLS), main.branch(), main.loop()]
        first, last = main.nodes[0].name, main.some()
        node = main.node("Identity", [last, f"^{first}"], T=last.dtype)
        main.nodes[-1].attr["_class"].list.s.append(f"loc:@{first}".encode())
        main.nodes[-1].attr["_gradient_op_type"].s = b"CustomGradient-7"
        main.values.append(main.out(node, "output", last.dtype, last.of))
        self.meta.collection_def["kept_tensors"].node_list.value.append(f"{node}:0")
        forward, backward = library.function[0].signature.name, library.function[1].signature.name
        for place in library.function[0], main.nodes[-1]:
            place.attr["forward_function_name"].s = forward.encode()
            place.attr["backward_function_name"].s = backward.encode()
        library.registered_gradients.add(gradient_func=forward, registered_op_type="CustomGradient-7")

    def add_up(self) -> None:
        """A value that all others are part of."""
        main = self.main
        total, *others = main.values
        for other in others:
            one = main.cast(other, total.dtype)
            node = main.node("AddV2", [total, one], T=total.dtype)
            total = main.out(node, "z", total.dtype, lambda env, a=total, b=one: a.of(env) + b.of(env))  # type: ignore[misc]
        main.values.append(total)

    # -- what only a main graph has

    def key(self) -> str:
        """A checkpoint key that is free, of few."""
        base = self.random.choice(VARIABLE_NAMES)
        key, number = base, 0
        while key in self.keys:
            number += 1
            key = f"{base}_{number}"
        self.keys.add(key)
        return key

    def stored(self, key: bytes, array: Array, dtype: str) -> None:
        data = array.tobytes()
        shape = tuple(array.shape)
        self.entries[key] = entry(dtypes.enum(dtype), shape, data, offset=len(self.data))
        self.data += data

    def handle(self, key: str, dtype: str, shape: tuple[int, ...]) -> str:
        """A VarHandleOp and its initializer."""
        main = self.main
        shared = self.random.choice([key, key, f"{key}/shared", ""])
        if "nameless" in self.kinds:
            shared = shared or key  # all without a name are one variable
        elif self.everything:
            shared = ""
        self.kinds |= set() if shared else {"nameless"}
        self.shared[key] = shared
        handle = main.node(
            "VarHandleOp", name=key, shared_name=shared.encode(), container=b"", dtype=dtype, shape=shape
        )
        zeros = main.const(np.zeros(shape), dtype)
        assign = main.node("AssignVariableOp", [handle, zeros], f"{handle}/Assign", dtype=dtype)
        read = main.node("ReadVariableOp", [handle], f"{handle}/Read/ReadVariableOp", dtype=dtype)
        if self.random.random() < 0.7:
            self.describe(handle, f"{handle}:0", assign, f"{read}:0", f"{zeros.node}:0")
        return handle

    def describe(
        self, name: str, variable: str, assign: str, read: str, initial: str, slice_of: tuple[Any, ...] = ()
    ) -> None:
        definition = schema.VariableDef(
            variable_name=variable, initializer_name=assign, snapshot_name=read, initial_value_name=initial,
            is_resource=True, trainable=True,
        )  # fmt: skip
        for collection in ("variables", "trainable_variables"):
            self.meta.collection_def[collection].bytes_list.value.append(definition.SerializeToString())

    def variable(self) -> Value:
        """A resource variable, added to a value."""
        dtype, key = self.random.choice(DTYPES), self.key()
        array = small(self.numbers, dtype)
        self.stored(key.encode(), array, dtype)
        handle = self.handle(key, dtype, (WIDTH,))
        self.saved_parts.append((key, "", handle, dtype))
        return self._added(self.read(key, handle, dtype, array))

    def read(self, key: str, handle: str, dtype: str, array: Array) -> Value:
        """A read of a variable: in the main graph, in a function that is given it, or in one that knows its name."""
        main, how = self.main, self.random.choice(["here", "given", "by name"])
        if how == "here":
            return main.out(
                main.node("ReadVariableOp", [handle], dtype=dtype), "value", dtype, lambda env: array
            )
        self.kinds.add(f"read {how}")
        function = self.library.new("read")
        scope = Scope(self.random, function.node_def, body=True, library=self.library, depth=9)
        function.signature.is_stateful = True
        if how == "given":
            inner = argument(function, scope, "resource", "resource").ref
        else:
            node = scope.node(
                "VarHandleOp",
                shared_name=self.shared[key].encode(),
                container=b"",
                dtype=dtype,
                shape=array.shape,
            )
            inner = f"{node}:resource:0"
        value = scope.node("ReadVariableOp", [inner], dtype=dtype)
        result(function, "out_0", dtype, Value(f"{value}:value:0", dtype, lambda env: array))
        given = [handle] if how == "given" else []
        node = main.node(
            "StatefulPartitionedCall", given, Tin=["resource"] * len(given), Tout=[dtype],
            f=Func(function.signature.name),
        )  # fmt: skip
        return main.out(node, "output", dtype, lambda env: array)

    def partitioned(self) -> Value:
        """A variable in two parts."""
        dtype, key = self.random.choice(DTYPES), self.key()
        array = small(self.numbers, dtype)
        half = WIDTH // 2
        places = [[(0, half)], [(half, half)]]
        self.entries[key.encode()] = entry(dtypes.enum(dtype), (WIDTH,), None, places)
        reads = []
        for number, (((start, length),), array_part) in enumerate(
            zip(places, (array[:half], array[half:]), strict=True)
        ):
            self.stored(slice_key(key.encode(), [(start, length)]), array_part, dtype)
            handle = self.handle(f"{key}/part_{number}", dtype, (half,))
            self.saved_parts.append((key, f"{WIDTH} {start},{length}", handle, dtype))
            reads.append(self.main.node("ReadVariableOp", [handle], dtype=dtype))
        axis = self.main.const(0, "int32")
        node = self.main.node("ConcatV2", [*reads, axis], T=dtype, Tidx="int32", N=2)
        return self._added(self.main.out(node, "output", dtype, lambda env: array))

    def ref_variable(self) -> Value:
        """A variable as before resources; its name is that of its node."""
        dtype, key = self.random.choice(DTYPES), self.key()
        array = small(self.numbers, dtype)
        self.stored(key.encode(), array, dtype)
        main = self.main
        node = main.node("VariableV2", name=key, dtype=dtype, shape=(WIDTH,), shared_name=b"", container=b"")
        self.refs.append((key, node, dtype))
        zeros = main.const(np.zeros(WIDTH), dtype)
        main.node("Assign", [node, zeros], f"{node}/Assign", T=dtype, use_locking=True, validate_shape=True)
        read = main.node("Identity", [node], f"{node}/read", T=dtype)
        return self._added(main.out(read, "output", dtype, lambda env: array))

    def _added(self, variable: Value) -> Value:
        one = self.main.some(variable.dtype)
        node = self.main.node("AddV2", [one, variable], T=one.dtype)
        return self.main.out(node, "z", one.dtype, lambda env: one.of(env) + variable.of(env))

    def table(self) -> Value:
        """A table from numbers to numbers, filled by the main op."""
        main, random = self.main, self.random
        one = main.cast(main.some(), "int64")
        keys = list(range(-3, 4))
        values = [self.numbers.randint(-5, 5) for _ in keys]
        missing = self.numbers.randint(-5, 5)
        table = main.node(
            "HashTableV2", name=self.random.choice(["table", "part/table"]), key_dtype="int64", value_dtype="int64",
            shared_name=random.choice([b"table", b"words"]) + str(len(self.inits)).encode(), container=b"",
            use_node_name_sharing=True,
        )  # fmt: skip
        filled = main.node(
            "LookupTableImportV2", [table, main.const(keys, "int64"), main.const(values, "int64")],
            Tin="int64", Tout="int64",
        )  # fmt: skip
        self.inits.append(filled)
        found = main.node(
            "LookupTableFindV2", [table, one, main.const(missing, "int64")], Tin="int64", Tout="int64"
        )
        known = dict(zip(keys, values, strict=True))
        look = np.vectorize(lambda number: known.get(int(number), missing), otypes=[np.int64])
        return main.out(found, "values", "int64", lambda env: look(one.of(env)))

    def words(self) -> Value:
        """A table from words in an asset to their lines."""
        main, random = self.main, self.random
        one = main.cast(main.some(), "int64")
        lines = self.numbers.sample(["-2", "-1", "0", "1", "2", "3", "none"], 4)
        file = random.choice(["words.txt", "deep/words.txt"])
        while file in self.assets:
            file = f"more_{file}"
        self.assets[file] = "".join(f"{line}\n" for line in lines).encode()
        path = main.node("Const", dtype="string", value=_scalar_string(file.encode()))
        asset = self.meta.asset_file_def.add(filename=file)
        asset.tensor_info.name = f"{path}:0"
        asset.tensor_info.dtype = dtypes.enum("string")
        table = main.node(
            "HashTableV2", name="words", key_dtype="string", value_dtype="int64",
            shared_name=f"hash_table_{len(self.inits)}".encode(), container=b"", use_node_name_sharing=True,
        )  # fmt: skip
        self.inits.append(
            main.node(
                "InitializeTableFromTextFileV2", [table, path], vocab_size=-1, key_index=-2, value_index=-1,
                delimiter=b"\t",
            )
        )  # fmt: skip
        text = main.node(
            "AsString", [one], T="int64", precision=-1, scientific=False, shortest=False, width=-1, fill=b""
        )
        found = main.node(
            "LookupTableFindV2", [table, text, main.const(-1, "int64")], Tin="string", Tout="int64"
        )
        look = np.vectorize(
            lambda number: lines.index(str(number)) if str(number) in lines else -1, otypes=[np.int64]
        )
        return main.out(found, "values", "int64", lambda env: look(one.of(env)))

    def switch(self) -> Value:
        """A branch as before functions: Switch and Merge."""
        main = self.main
        test, one = main.predicate(), main.some()
        node = main.node("Switch", [one, test], T=one.dtype)
        negated = main.node("Neg", [f"{node}:1"], T=one.dtype)
        same = main.node("Identity", [node], T=one.dtype)
        merged = main.node("Merge", [same, negated], T=one.dtype, N=2)
        return main.out(
            merged, "output", one.dtype, lambda env: -one.of(env) if test.of(env) else one.of(env)
        )

    def while_v1(self) -> Value:
        """A loop as before functions, of one frame."""
        main = self.main
        one = main.some()
        turns, dtype = self.random.randint(1, 3), one.dtype
        number = sum(node.op == "LoopCond" for node in main.nodes)
        frame = {"frame_name": f"while/loop{number or ''}".encode(), "parallel_iterations": 10}
        counter = main.node("Enter", [main.const(0, "int32")], T="int32", is_constant=False, **frame)
        value = main.node("Enter", [one], T=dtype, is_constant=False, **frame)
        limit = main.node("Enter", [main.const(turns, "int32")], T="int32", is_constant=True, **frame)
        step = main.node("Enter", [main.const(1, "int32")], T="int32", is_constant=True, **frame)
        merges = [self._loop_merge(counter, "int32"), self._loop_merge(value, dtype)]
        test = main.node("LoopCond", [main.node("Less", [merges[0], limit], T="int32")])
        switches = [
            main.node("Switch", [merge, test], T=kind)
            for merge, kind in zip(merges, ("int32", dtype), strict=True)
        ]
        up = main.node("AddV2", [f"{switches[0]}:1", step], T="int32")
        turned = main.node("Neg", [f"{switches[1]}:1"], T=dtype)
        for merge, back, kind in zip(merges, (up, turned), ("int32", dtype), strict=True):
            nexts = main.node("NextIteration", [back], T=kind)
            next(node for node in main.nodes if node.name == merge).input[1] = nexts
        out = main.node("Exit", [switches[1]], T=dtype)
        context = schema.WhileContextDef(
            context_name="while_context", parallel_iterations=10, back_prop=True, pivot_name=f"{test}:0",
            pivot_for_pred_name=f"{merges[0]}:0", pivot_for_body_name=f"{switches[0]}:1",
            loop_exit_names=[f"{out}:0"], loop_enter_names=[f"{counter}:0", f"{value}:0"],
        )  # fmt: skip
        context.values_def.values.extend(f"{name}:0" for name in (test, *merges, up, turned))
        self.meta.collection_def["while_context"].bytes_list.value.append(context.SerializeToString())
        return main.out(out, "output", dtype, lambda env: -one.of(env) if turns % 2 else one.of(env))

    def _loop_merge(self, enter: str, dtype: str) -> str:
        return self.main.node("Merge", [enter, enter], T=dtype, N=2)

    # -- the end

    def finish(self, inputs: Mapping[str, Value], outputs: Mapping[str, Value]) -> None:
        main = self.main
        signature = self.meta.signature_def["serving_default"]
        signature.method_name = "tensorflow/serving/predict"
        for ports, values in ((signature.inputs, inputs), (signature.outputs, outputs)):
            for key, value in values.items():
                ports[key].name = value.ref if ":" in value.ref else f"{value.ref}:0"
                ports[key].dtype = dtypes.enum(value.dtype)
                ports[key].tensor_shape.CopyFrom(shapes.to_proto((None, WIDTH)))
        if self.inits:
            init = main.node("NoOp", [f"^{name}" for name in self.inits], "init")
            self.meta.collection_def["saved_model_main_op"].node_list.value.append(init)
        if self.entries:
            self.saver()
        if len(made := self.library.made) > 1:  # what a gradient would be; nobody asks for one
            self.meta.graph_def.library.gradient.add(function_name=made[0][0], gradient_func=made[-1][0])

    def saver(self) -> None:
        main, saver = self.main, self.meta.saver_def
        text = main.node("Const", name="save/filename/input", dtype="string", value=_scalar_string(b"model"))
        file = main.node("PlaceholderWithDefault", [text], "save/filename", dtype="string", shape=())
        parts = [*self.saved_parts, *((key, "", node, dtype) for key, node, dtype in self.refs)]
        keys = [key.encode() for key, *_ in parts]
        slices = [place.encode() for _, place, *_ in parts]
        kinds = [dtype for *_, dtype in parts]
        names = main.node(
            "Const", name="save/RestoreV2/tensor_names", dtype="string", value=tensor(keys, "string")
        )
        places = main.node(
            "Const", name="save/RestoreV2/shape_and_slices", dtype="string", value=tensor(slices, "string")
        )
        restored = main.node("RestoreV2", [file, names, places], "save/RestoreV2", dtypes=kinds)
        done = []
        for number, (_, _, node, dtype) in enumerate(parts):
            value = f"{restored}:{number}" if number else restored
            if any(node == ref for _, ref, _ in self.refs):
                done.append(
                    main.node(
                        "Assign", [node, value], "save/Assign", T=dtype, use_locking=True, validate_shape=True
                    )
                )
            else:
                same = main.node("Identity", [value], "save/Identity", T=dtype)
                done.append(main.node("AssignVariableOp", [node, same], "save/AssignVariableOp", dtype=dtype))
        restore = main.node("NoOp", [f"^{name}" for name in done], "save/restore_all")
        reads = [
            node
            if any(node == ref for _, ref, _ in self.refs)
            else main.node("ReadVariableOp", [node], "save/Read", dtype=dtype)
            for _, _, node, dtype in parts
        ]
        written = main.node("SaveV2", [file, names, places, *reads], "save/SaveV2", dtypes=kinds)
        main.nodes.add(name="save/control_dependency", op="Identity", input=[file, f"^{written}"]).attr[
            "T"
        ].type = 7
        saver.filename_tensor_name = f"{file}:0"
        saver.save_tensor_name = "save/control_dependency:0"
        saver.restore_op_name = restore
        saver.version = 2

    def write(self) -> Path:
        self.folder.mkdir(parents=True)
        (self.folder / "saved_model.pb").write_bytes(self.saved.SerializeToString(deterministic=True))
        if self.entries:
            forge(self.folder / "variables", self.entries, self.data)
        for name, data in self.assets.items():
            path = self.folder / "assets" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return self.folder


def _scalar_string(text: bytes) -> Any:
    found = schema.TensorProto(dtype=dtypes.enum("string"), string_val=[text])
    found.tensor_shape.SetInParent()
    return found
