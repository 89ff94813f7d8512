"""Models in the two loaders: a v1 Session and `tf.saved_model.load`."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import tensorflow as tf

from .arrays import as_tensor, decode
from .errors import Failed, phase
from .pipe import Json


class V1Graph:
    """The graph of a model, imported but not in any Session yet."""

    def __init__(self, model: Json) -> None:
        self.graph = tf.Graph()
        self.signatures: Any = {}
        self.tags = model["tags"]
        self.loader: Any = None
        self.saver: Any = None
        with phase("load"), self.graph.as_default():
            if model["kind"] == "graphdef":
                tf.compat.v1.import_graph_def(read_graph_def(model), name="")
                return
            from tensorflow.python.saved_model import loader_impl

            self.loader = loader_impl.SavedModelLoader(model["path"])
            self.saver, _ = self.loader.load_graph(self.graph, self.tags)
            self.signatures = self.loader.get_meta_graph_def_from_tags(self.tags).signature_def

    def count(self, collection: str) -> int:
        """Return how many entries a collection of the graph has."""
        return len(self.graph.get_collection(collection))


class V1:
    """A model in a fresh v1 Session, as `tf.compat.v1.saved_model.load` makes it. A context manager.

    The graph may be shared by several; variables, tables and all other state may not.
    """

    def __init__(self, model: Json, optimised: bool, graph: V1Graph | None = None) -> None:
        self.source = source = graph or V1Graph(model)
        self.signatures = source.signatures
        config = tf.compat.v1.ConfigProto(allow_soft_placement=True)
        if not optimised:
            config.graph_options.rewrite_options.disable_meta_optimizer = True
            config.graph_options.optimizer_options.opt_level = -1
            config.graph_options.optimizer_options.do_function_inlining = model["inline"]
        with phase("load"):
            self.session = tf.compat.v1.Session(graph=source.graph, config=config)
            try:
                if source.loader is not None:
                    source.loader.restore_variables(self.session, source.saver)
                    source.loader.run_init_ops(self.session, source.tags)
            except BaseException:
                self.session.close()
                raise

    def __enter__(self) -> V1:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def run(self, fetches: list[str], feeds: Json) -> Any:
        """Return the fetched values, in order. Both by tensor name."""
        with phase("run"):
            return self.session.run(list(fetches), feed_dict=feeds)

    def run_ports(self, signature: str, inputs: Json, outputs: Json, values: Json, also: Any = ()) -> Json:
        """Run a signature: values by slot in, arrays by slot out; `also` names nodes that are run as well."""
        feeds = {}
        for port in inputs.values():
            for slot, tensor in zip(port["slots"], port["tensors"]):
                if slot in values:
                    feeds[tensor] = values[slot]
        pairs = [pair for port in outputs.values() for pair in zip(port["slots"], port["tensors"])]
        got = self.run([tensor for _, tensor in pairs] + list(also), feeds)
        return {slot: value for (slot, _), value in zip(pairs, got)}

    def keys(self, signature: str) -> Json | None:
        """Return the signature's input and output keys as this loader sees them; None for a GraphDef."""
        if signature not in self.signatures:
            return None
        found = self.signatures[signature]
        return {"inputs": sorted(found.inputs), "outputs": sorted(found.outputs)}


class V2:
    """A model as `tf.saved_model.load` gives it. A context manager, one at a time: its options are TensorFlow's."""

    def __init__(self, model: Json, optimised: bool) -> None:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": not optimised})
        with phase("load"):
            if (
                model["kind"] == "graphdef"
            ):  # it does not read these; what it does to a v1 graph tells as much
                graph_def = read_graph_def(model)
                self.loaded = tf.compat.v1.wrap_function(
                    lambda: tf.compat.v1.import_graph_def(graph_def, name=""), []
                )
            else:
                self.loaded = tf.saved_model.load(model["path"], tags=model["tags"])
        self.model = model
        self.signatures = getattr(self.loaded, "signatures", {})

    def __enter__(self) -> V2:
        return self

    def __exit__(self, *_: object) -> None:
        self.loaded = self.signatures = None
        gc.collect()

    def run_ports(self, signature: str, inputs: Json, outputs: Json, values: Json, also: Any = ()) -> Json:
        """Call the signature; return arrays by slot for every output (`slots_of`)."""
        with phase("run"):
            function = self.signatures[signature]
            found = function(**self._arguments(function, inputs, values))
            result = {}
            for key, value in found.items():
                parts = tf.nest.flatten(value, expand_composites=True)
                for slot, part in zip(slots_of(key, value, len(parts)), parts):
                    result[slot] = part.numpy()
            return result

    def _arguments(self, function: Any, inputs: Json, values: Json) -> Json:
        """Return keyword arguments: composites whole or in named components."""
        specs = function.structured_input_signature[1]
        arguments = {}
        for key, port in inputs.items():
            taken = specs.get(key) if port["kind"] == "dense" else None
            parts = [as_tensor(values[slot], taken) for slot in port["slots"] if slot in values]
            if not parts and "default" in port:  # these functions ask for every input
                parts = [as_tensor(decode(port["default"]), taken)]
            if not parts:
                continue
            if port["kind"] == "dense":
                arguments[key] = parts[0]
            elif key in specs:
                arguments[key] = tf.nest.pack_sequence_as(specs[key], parts, expand_composites=True)
            elif port["kind"] == "sparse":
                names = ("indices", "values", "dense_shape")
                arguments.update({f"{key}_{name}": part for name, part in zip(names, parts)})
            else:
                arguments.update({f"{key}_component_{i}": part for i, part in enumerate(parts)})
        return arguments

    def run(self, fetches: list[str], feeds: Json) -> Json | None:
        """Return arrays by tensor name; None if nothing loaded takes and gives these tensors."""
        with phase("run"):
            if hasattr(self.loaded, "prune"):  # a model without an object graph: any tensors will do
                function = self.loaded.prune(list(feeds), list(fetches))
                for tensor, (name, value) in zip(function.inputs, feeds.items()):
                    check_shape(name, tensor.shape, value)
                pairs = zip(feeds.values(), function.inputs)
                found = function(*[as_tensor(value, tensor) for value, tensor in pairs])
                return {name: part.numpy() for name, part in zip(fetches, found)}
            return self._run_signature(fetches, feeds)

    def _run_signature(self, fetches: list[str], feeds: Json) -> Json | None:
        from tensorflow.python.saved_model import loader_impl

        saved = loader_impl.parse_saved_model(self.model["path"])
        tags = set(self.model["tags"])
        meta = next(one for one in saved.meta_graphs if set(one.meta_info_def.tags) == tags)
        for key, signature in meta.signature_def.items():
            inputs = {name: info.name for name, info in signature.inputs.items()}
            outputs = {info.name: name for name, info in signature.outputs.items()}
            if key in self.signatures and set(inputs.values()) <= set(feeds) and set(fetches) <= set(outputs):
                specs = self.signatures[key].structured_input_signature[1]
                for name, tensor in inputs.items():
                    check_shape(tensor, getattr(specs.get(name), "shape", None), feeds[tensor])
                found = self.signatures[key](
                    **{name: as_tensor(feeds[tensor], specs.get(name)) for name, tensor in inputs.items()}
                )
                return {name: found[outputs[name]].numpy() for name in fetches}
        return None

    def call(self, call: Json, feeds: Json) -> Json:
        """Call an attribute of the loaded object; return every result by its name."""
        with phase("run"):
            function = self.loaded
            for name in call["path"].split("."):
                if name == "__call__" and is_function(function):
                    continue  # the loaded object is itself the function
                function = function[int(name)] if name.isdigit() else getattr(function, name)
            variants = getattr(function, "concrete_functions", [function])
            structure = variants[call["index"] - 1].structured_input_signature
            parts = iter(call["inputs"])
            leaves = []
            for leaf in tf.nest.flatten(structure):
                if isinstance(leaf, tf.TypeSpec):
                    inner = tf.nest.flatten(leaf, expand_composites=True)
                    packed = [as_tensor(feeds[next(parts)], one) for one in inner]
                    if isinstance(leaf, tf.TensorSpec):
                        check_shape(leaf.name or "an argument", leaf.shape, packed[0])
                    leaf = tf.nest.pack_sequence_as(leaf, packed, expand_composites=True)
                leaves.append(leaf)
            args, kwargs = tf.nest.pack_sequence_as(structure, leaves)
            found = tf.nest.flatten(function(*args, **kwargs), expand_composites=True)
            tensors = [value.numpy() for value in found if tf.is_tensor(value)]
            return dict(zip(call["outputs"], tensors))

    def keys(self, signature: str) -> Json | None:
        """Return the signature's input and output keys as this loader sees them."""
        if signature not in self.signatures:
            return None
        function = self.signatures[signature]
        inputs = sorted(function.structured_input_signature[1])
        return {"inputs": inputs, "outputs": sorted(function.structured_outputs)}


LOADERS: Any = {"v1": V1, "v2": V2}


def is_function(value: Any) -> bool:
    """Return whether an object is a restored function, not one that has functions."""
    return hasattr(value, "concrete_functions") or hasattr(value, "structured_input_signature")


def check_shape(name: str, shape: Any, value: Any) -> None:
    """Refuse a value of a wrong shape, as a v1 Session does; signatures would take it."""
    if shape is not None and not tf.TensorShape(shape).is_compatible_with(np.shape(value)):
        raise ValueError(f"Cannot feed value of shape {np.shape(value)} for {name}, which has shape {shape}")


def slots_of(key: str, value: Any, count: int) -> list[str]:
    """Return the slot names of an output: its key, or one for each component."""
    if isinstance(value, tf.SparseTensor):
        return [f"{key}.{part}" for part in ("indices", "values", "dense_shape")]
    if tf.is_tensor(value) and count == 1 and not hasattr(value, "flat_values"):
        return [key]
    return [f"{key}.{i}" for i in range(count)]


def read_graph_def(model: Json) -> Any:
    """Return the GraphDef of a binary file."""
    graph_def = tf.compat.v1.GraphDef()
    with open(model["path"], "rb") as stream:
        graph_def.ParseFromString(stream.read())
    return graph_def


def without_grappler_first(work: Any) -> Any:
    """Return `work(optimised)` without Grappler or, where that fails, with it.

    It takes many times as long as a graph that is run once or twice (`MetaOptimizer::Optimize`). But it removes
    branches that are never taken, and with them ops that this TensorFlow has no kernel for: a model that runs nowhere
    else is run as users run it, and what counts is what that raises.
    """
    try:
        return work(False)
    except Failed:
        return work(True)
