"""Random models without an object graph: collections, savers, and programs over file names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.fuzz.walk_marks import Making, Mutant
from tests.fuzz.walk_paths import SCALAR, Paths
from tests.hostile.build import (
    FLOAT,
    RESOURCE,
    STRING,
    Build,
    constant,
    spec,
    types,
    write,
)
from tests.hostile.graphs import variable, variable_def
from tests.protos import Func, node
from workbench.disk import schema

_COLLECTIONS = """
saved_model_main_op legacy_init_op table_initializer local_variables variables model_variables init_op
ready_op ready_for_local_init_op local_init_op train_op queue_runners savers saveable_objects summaries losses
trainable_variables global_step saved_model_train_op resources local_resources update_ops
"""
COLLECTIONS = _COLLECTIONS.split()


def flat(nodes: Sequence[Any]) -> list[Any]:
    """Nodes of a body as nodes of the main graph: `n:output:1` becomes `n:1`."""
    for one in nodes:
        for at, entry in enumerate(one.input):
            parts = entry.split(":")
            if len(parts) == 3:
                one.input[at] = f"{parts[0]}:{parts[2]}"
    return list(nodes)


class Graph(Making):
    """A model without an object graph."""

    family = "graph"

    def marks(self) -> list[str]:
        """Some marks in the main graph, chained at times; the nodes to wait for."""
        names: list[str] = []
        for _ in range(1 + self.rng.randrange(3)):
            last, nodes = self.hidden("main graph")
            self.build.add(*flat(nodes))
            names.append(last)
            if self.rng.random() < 0.5:
                after = self.name("after")
                kind = self.rng.choice(["NoOp", "Const"])
                if kind == "NoOp":
                    self.build.add(node(after, "NoOp", f"^{last}"))
                else:
                    self.build.add(
                        node(
                            after,
                            "Const",
                            f"^{last}",
                            dtype=FLOAT,
                            value=constant("", 1.0).attr["value"].tensor,
                        )
                    )
                names.append(after)
        return names

    def write(self) -> Mutant:
        """Builds and writes it."""
        rng, build = self.rng, self.build
        names = self.marks()
        waits = [one for one in names if rng.random() < 0.25]
        build.plain(*waits)
        if rng.random() < 0.4:
            build.add(
                node("z", "Identity", "x", *(f"^{one}" for one in names if rng.random() < 0.3), T=FLOAT)
            )
            build.signature("other", x=FLOAT, outputs={"z": ("z:0", FLOAT)})
        for _ in range(rng.randrange(4)):
            self.collection(rng.choice(COLLECTIONS), names)
        if rng.random() < 0.2:
            build.meta.signature_def["__saved_model_init_op"].outputs[
                "__saved_model_init_op"
            ].name = rng.choice(names)
        if rng.random() < 0.4:
            self.saver(names)
        metas = [build]
        if rng.random() < 0.2:
            other = Graph(self.folder, rng, self.marked)
            other.mutant, other.count = self.mutant, self.count + 100
            other.build = Build(tags=rng.choice([("serve",), ("serve", "gpu"), (), ("serve", "serve")]))
            other.build.plain(*other.marks())
            metas.append(other.build)
            self.mutant.tags.append(other.build.tags)
            if rng.random() < 0.5:
                metas.reverse()
                metas[0].tensors = build.tensors
        write(self.folder, *metas)
        return self.mutant

    def collection(self, name: str, names: list[str]) -> None:
        """A collection with a mark's node, or with a variable whose nodes wait for one."""
        if name in self.build.meta.collection_def:
            return
        if "variables" not in name:
            picked = self.rng.choice(names)
            self.build.collection(name, picked)
            return
        made = self.name("var")
        waits = [self.rng.choice(names)] if self.rng.random() < 0.4 else []
        variable(self.build, made, *waits)
        at = self.build.meta.graph_def.node[-3]
        at.attr["shared_name"].s = made.encode()
        wait = [f"^{self.rng.choice(names)}"] if self.rng.random() < 0.5 else []
        self.build.add(node(f"{made}_assign", "AssignVariableOp", made, f"{made}_value", *wait, dtype=FLOAT))
        self.build.variable_defs(name, variable_def(made, f"{made}_assign"))
        self.restored(made)

    def restored(self, key: str) -> None:
        import numpy as np

        self.build.tensors[key] = (FLOAT, [1], np.array([2.0], np.float32).tobytes())

    def saver(self, names: list[str]) -> None:
        """A saver with marks on its halves."""
        rng, build = self.rng, self.build
        variable(build, "saved_var")
        build.meta.graph_def.node[-3].attr["shared_name"].s = b"saved_var"
        keys, slices = constant("s_names", _strings("saved_var")), constant("s_slices", _strings(""))

        def wait() -> list[str]:
            return [f"^{rng.choice(names)}"] if rng.random() < 0.3 else []

        dtypes = types([FLOAT])
        build.add(
            constant("s_file", "model"),
            keys,
            slices,
            node("s_read", "RestoreV2", "s_file", "s_names", "s_slices", *wait(), dtypes=dtypes),
            node("s_set", "AssignVariableOp", "saved_var", "s_read", *wait(), dtype=FLOAT),
            node("s_all", "NoOp", "^s_set", *wait()),
            node(
                "s_save", "SaveV2", "s_file", "s_names", "s_slices", "saved_var_read", *wait(), dtypes=dtypes
            ),
            node("s_saved", "Identity", "s_file", "^s_save", T=STRING),
        )
        found = build.meta.saver_def
        found.filename_tensor_name, found.restore_op_name = "s_file:0", "s_all"
        found.save_tensor_name, found.version = "s_saved:0", 2
        if rng.random() < 0.2:
            found.restore_op_name = rng.choice([*names, "s_read", "s_set"])
        if rng.random() < 0.1:
            found.restore_op_name = ""
        self.restored("saved_var")


def _strings(value: str) -> Any:
    found = schema.TensorProto(dtype=STRING, string_val=[value.encode()])
    found.tensor_shape.dim.add().size = 1
    return found


class Files(Making):
    """A program over file names, in the init op or in a resource's `_initialize`."""

    family = "paths"

    def write(self) -> Mutant:
        """Builds and writes it."""
        rng, build = self.rng, self.build
        secret = self.folder.with_name(f"{self.folder.name}.secret")
        self.mutant.secret = secret
        objects = rng.random() < 0.4
        own = "own" if objects else "own:output:0"
        paths = Paths(rng, build, [own, "elsewhere:output:0"])
        elsewhere = constant("elsewhere", str(secret) if self.marked else "")
        paths.nodes.append(elsewhere)
        paths.grow(rng.randrange(5))
        content = paths.read()
        self.mutant.where = f"{'objects' if objects else 'graph'}: {' '.join(paths.steps)}"
        build.asset("own:0", "own.txt", "own content")
        if rng.random() < 0.1:
            self.mutant.where += " second asset"
            build.asset("own:0", f"../../{secret.name}" if self.marked else "own.txt")
        (self.in_objects if objects else self.in_init_op)(paths.nodes, content)
        build.save(self.folder)
        return self.mutant

    def in_init_op(self, nodes: list[Any], content: str) -> None:
        build = self.build
        keep = node("keep", "AssignVariableOp", "content", content, dtype=STRING)
        handle = node("content", "VarHandleOp", dtype=STRING, shape=SCALAR, shared_name="content")
        value = node("value", "ReadVariableOp", "content", dtype=STRING)
        init = node("init", "NoOp", "^keep")
        build.add(constant("own", ""), *flat([*nodes, handle, keep, init, value]))
        build.collection("saved_model_main_op", "init").signature(outputs={"y": ("value:0", STRING)})
        if self.rng.random() < 0.2:
            self.made_saver()

    def made_saver(self) -> None:
        """A collection lists a variable for a path: the loader makes a saver that restores it."""
        handles = [one.name for one in self.build.meta.graph_def.node if one.name.startswith("where")]
        if not handles:
            return
        name = self.rng.choice(handles)
        self.mutant.where += " made saver"
        self.build.add(node("first_read", "ReadVariableOp", name, dtype=STRING))
        self.build.add(node("first_set", "AssignVariableOp", name, "own", dtype=STRING))
        found = schema.VariableDef(variable_name=f"{name}:0", initializer_name="first_set")
        found.snapshot_name, found.initial_value_name, found.is_resource = "first_read:0", "own:0", True
        self.build.variable_defs("variables", found)
        secret = str(self.mutant.secret) if self.marked else ""
        self.build.tensors[name] = (STRING, [], [secret.encode()])

    def in_objects(self, nodes: list[Any], content: str) -> None:
        from tests.hostile.assets import string_variable

        build = self.build
        asset = build.child(0, "asset", build.asset_object(0))
        held = build.child(0, "content", string_variable(build))
        keep = node("keep", "AssignVariableOp", "v", content, dtype=STRING)
        body = [*nodes, keep, constant("r", 1.0)]
        one = {"r": ("r:output:0", FLOAT)}
        captured = {"v": RESOURCE, "own": STRING}
        gives = spec("r", FLOAT, 0)
        build.concrete(
            "fills", {}, one, body, after=["keep"], captures=[held, asset], captured=captured, gives=gives
        )
        build.child(0, "table", build.resource(_initialize=build.function("fills")))
        read = node("read", "ReadVariableOp", "v", dtype=STRING)
        result = {"y": ("read:value:0", STRING)}
        build.concrete("serve", {}, result, [read], captures=[held], captured={"v": RESOURCE}, keywords=True)
        signatures = build.child(0, "signatures", build.user("signature_map"))
        build.child(signatures, "serving_default", build.bare("serve"))
        main = node("main", "VarHandleOp", dtype=STRING, shape=SCALAR, shared_name="content")
        call = {"f": Func("serve"), "Tin": types([RESOURCE]), "Tout": types([STRING])}
        build.add(constant("own", ""), main, node("call", "StatefulPartitionedCall", "main", **call))
        build.signature(outputs={"y": ("call:0", STRING)})
