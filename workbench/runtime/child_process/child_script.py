"""The child process: runs TensorFlow for a parent that never imports it.

Standalone. It is started as `PYTHON -u child_script.py IN OUT PARENT` by `child.py` under any Python >= 3.8 that
has TensorFlow >= 2.0, and imports nothing of the package it is in.

IN and OUT are file descriptors of two private pipes (0 and 1 where a system can't pass others); what
TensorFlow prints to stdout and stderr, which are the log. PARENT is the pid of the process to die with.
Both pipes carry one JSON object a line:

- first in: `{"imports": [module], "op_libraries": [path]}`
- then in:  `{"id": n, "job": "run" | "chain" | "result" | "load_check" | "stages_check" | "recorders" | "probe", …}`,
  see the `job_*` functions
- out: `{"event": "ready", "versions": {…}}` once, or `{"event": "failed", "kind", "message"}`
- out: `{"event": "progress", "id": n, "text": …}` any number of times, then for each job one of
  `{"id": n, "answer": {…}}`, `{"id": n, "error": ERROR}` (TensorFlow raised) or
  `{"id": n, "bug": traceback}`.

ERROR is `{"type", "message", "phase": "load" | "run" | "input"}`.
An array is `{"dtype", "shape", "data": base64}`, little-endian and row-major, or
`{"dtype": "string", "shape", "strings": [base64]}`.
A model is `{"path", "shown", "kind": "saved_model" | "graphdef", "tags": [tag], "inline": whether a
Session may inline what its graph calls}`; errors and strings that it gives have the second path in place of the first.
A port is `{"kind": "dense" | "sparse" | "composite", "tensors": [name], "slots": [slot]}`: its component
tensors, and the names its values have in samples and answers; with `"default"`, an array, for an input that has one.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import gc
import hashlib
import importlib
import importlib.util
import itertools
import json
import os
import queue
import re
import signal
import sys
import threading
import time
import traceback
from typing import Any, Dict, Iterator

MESSAGE_LIMIT = 1500
SIDE_BY_SIDE_BYTES = 2 << 30  # of variables that may be in memory for doing two things at once

tf: Any = None  # set by import_tensorflow()
np: Any = None
Json = Dict[str, Any]
SHOWN: Json = {}  # paths that models of the current job are loaded from, to those that are shown


class Pipe:
    """The two ends this process has: `jobs` (a queue of raw lines) and `send`."""

    def __init__(self, source: int, sink: int) -> None:
        self._source = os.fdopen(source, "rb")
        self._sink = sink
        self._lock = threading.Lock()
        self.jobs: queue.Queue[bytes] = queue.Queue()
        self.current: int | None = None

    def watch(self) -> None:
        """Read on a thread while the parent lives; its death closes the pipe."""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._source:
            self.jobs.put(line)
        leave()

    def send(self, message: Json) -> None:
        """Write one whole line, from any thread."""
        data = memoryview(json.dumps(message).encode("ascii") + b"\n")
        with self._lock:
            try:
                while data:
                    data = data[os.write(self._sink, data) :]
            except OSError:
                leave()

    def progress(self, text: str) -> None:
        """Report progress to the parent."""
        self.send({"event": "progress", "id": self.current, "text": text})


def leave() -> None:
    """End this process and what it started, silently: nobody listens any more."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(0)


def guard(parent: int) -> None:
    """Forbid core dumps; on Linux let the kernel end this process with its parent.

    The signal reaches this process even while TensorFlow holds the interpreter; the pipe does not.
    """
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform.startswith("linux"):
        with contextlib.suppress(ImportError, OSError, AttributeError):
            import ctypes

            pr_set_pdeathsig = 1
            ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)
        if parent and os.getppid() != parent:  # it died before the call above
            leave()


# ---------------------------------------------------------------- arrays


def encode(value: Any) -> Json:
    """Return any fetched value as a JSON array object."""
    array = np.asarray(value)
    if array.dtype.kind in "OSU":
        flat = [x if isinstance(x, bytes) else str(x).encode() for x in array.reshape(-1).tolist()]
        strings = [base64.b64encode(with_shown_path(x)).decode("ascii") for x in flat]
        return {"dtype": "string", "shape": list(array.shape), "strings": strings}
    name = array.dtype.name
    if array.dtype.names:  # TensorFlow's quantised types are structs of one field
        name = array.dtype.names[0]
    elif array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("<"))
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
    return {"dtype": name, "shape": list(array.shape), "data": data}


def with_shown_path(value: bytes) -> bytes:
    """Return a model's string with the private path of an asset replaced by the user's."""
    for path, shown in SHOWN.items():
        value = value.replace(os.fsencode(path), os.fsencode(shown))
    return value


def decode(item: Json) -> Any:
    """Return the array of a JSON array object; strings as an object array of bytes."""
    shape = tuple(item["shape"])
    if item["dtype"] == "string":
        array = np.empty(len(item["strings"]), dtype=object)
        array[:] = [base64.b64decode(x) for x in item["strings"]]
        return array.reshape(shape)
    dtype = np.dtype(tf.as_dtype(item["dtype"]).as_numpy_dtype)
    return np.frombuffer(base64.b64decode(item["data"]), dtype=dtype).reshape(shape)


def as_tensor(value: Any, taken: Any = None) -> Any:
    """Return an eager tensor of the input's dtype; quantised values come as integers.

    `taken` is that dtype, or something that has one, or None.
    """
    array = np.asarray(value)
    dtype = getattr(taken, "dtype", taken)
    if array.dtype.names:  # fetched as it is: a struct of one field
        dtype = dtype or array.dtype.names[0]
        array = array[array.dtype.names[0]]
    if dtype is not None and tf.as_dtype(dtype).is_quantized:
        return tf.bitcast(tf.constant(array), tf.as_dtype(dtype))
    return tf.constant(array)


def digest(value: Any) -> str:
    """Return the SHA-256 over an array's bytes."""
    array = np.asarray(value)
    if array.dtype.kind in "OSU":
        data = repr(array.reshape(-1).tolist()).encode()
    else:
        data = np.ascontiguousarray(array).tobytes()
    return hashlib.sha256(data).hexdigest()


# ---------------------------------------------------------------- errors


class Failed(Exception):
    """TensorFlow raised while it loaded, fed or ran a model: an answer, not a bug."""

    def __init__(self, error: Exception, phase: str) -> None:
        super().__init__(str(error))
        self.as_json = {"type": type(error).__name__, "message": short(error), "phase": phase}


@contextlib.contextmanager
def phase(name: str) -> Iterator[None]:
    """Turn everything raised inside into `Failed`: TensorFlow's word on the model."""
    try:
        yield
    except Failed:
        raise
    except Exception as error:
        raise Failed(error, name) from error


def short(error: Exception) -> str:
    """Return TensorFlow's message without stacks, op definitions, internal names."""
    text = str(getattr(error, "message", None) or error) or repr(error)
    for mark in (
        "Original stack trace for",
        "Errors may have originated from",
        "Input Source operations connected",
        "Operation defined at:",
        "Function call stack:",
    ):
        text = text.split(mark)[0]
    kept = []
    in_frame = False
    for line in text.splitlines():
        if re.match(r"\s+File \"", line):
            in_frame = True
            continue
        if in_frame and re.match(r"\s{4}", line):
            continue
        in_frame = False
        noise = r"\s*(Graph execution error:|Detected at node|<stack traces|Node: '.*'$|Traceback \(most)"
        if line.strip() and not re.match(noise, line):
            kept.append(line.rstrip())
    text = "\n".join(kept) or text.strip()
    text = re.sub(r"\{\{function_node [^}]*\}\}\s*", "", text)
    text = re.sub(r"\{\{(node [^}]*)\}\}", r"\1", text)
    text = re.sub(r"\s*\[Op:[^\]]*\]", "", text)
    for path, shown in SHOWN.items():
        text = text.replace(path, shown)
    return text if len(text) <= MESSAGE_LIMIT else text[:MESSAGE_LIMIT] + "…"


# ---------------------------------------------------------------- loaders


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


# ---------------------------------------------------------------- jobs


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


def decode_sample(sample: Json) -> Json:
    """Return the arrays of a sample by slot."""
    with phase("input"):
        return {slot: decode(item) for slot, item in sample.items()}


def encode_sample(sample: Json) -> Json:
    """Return a sample's arrays as JSON array objects by slot."""
    return {slot: encode(value) for slot, value in sample.items()}


def job_run(job: Json, pipe: Pipe) -> Json:
    """Run one signature on one sample.

    In: model, loader "v1" | "v2", signature, inputs and outputs {key: port}, sample {slot: array}; for a callable
    also call {path, index, inputs [slot], outputs [slot]}, which the second loader calls.
    Out: {"outputs": {slot: array}, "seconds": [load, run]}.
    """
    values = decode_sample(job["sample"])

    def run(optimised: bool) -> Json:
        started = time.monotonic()
        pipe.progress("loading the model")
        with LOADERS[job["loader"]](job["model"], optimised) as loaded:
            middle = time.monotonic()
            pipe.progress("running it")
            outputs = run_loaded(loaded, job, values)
        seconds = [middle - started, time.monotonic() - middle]
        return {"outputs": encode_sample(outputs), "seconds": seconds}

    answer: Json = without_grappler_first(run)
    return answer


def run_loaded(loaded: Any, job: Json, values: Json) -> Json:
    """Run what a job asks for on a loaded model: a signature, or a callable if the loader offers it."""
    if job.get("call") and job["loader"] == "v2":
        found: Json = loaded.call(job["call"], values)
    else:
        found = loaded.run_ports(job["signature"], job["inputs"], job["outputs"], values, job.get("also", ()))
    return found


def job_chain(job: Json, pipe: Pipe) -> Json:
    """Run a chain: stages in order, each in a fresh Session, all samples in the same.

    All of it is done `repeat` times, each with Sessions of its own, side by side if memory allows; a stage that
    is pure has one for all.

    In: stages [{name, model, feeds {tensor: FEED}, fetches [tensor], pure}], samples [{slot: array}],
    outputs {slot: AT}; a FEED is {"input": slot}, {"stage": i, "tensor": name} or {"constant": array}; an AT is one of
    these, or {"of": {name: AT}, steps, part} for what steps make of several; repeat. A FEED or an AT may have steps
    applied to its value, and part, see `adapted`.
    Out: {"runs": [[SAMPLE]], "fallbacks", "seconds"}, or {"error", "stage"} if a stage can't be loaded. A SAMPLE
    is {"outputs": {slot: array}, "wires": {WIRE: {"sha256", "shape"}}} or {"error", "stage"}. A stage that
    no v1 Session runs is run by `tf.saved_model.load`: fallbacks has its number and why.
    """
    started = time.monotonic()
    samples = [decode_sample(sample) for sample in job["samples"]]
    runs = [[SampleRun(sample) for sample in samples] for _ in range(job["repeat"])]
    fallbacks: Json = {}
    for number, stage in enumerate(job["stages"]):
        pipe.progress(f"reference: {stage['name']}")
        if stage.get("call"):
            try:
                for run in runs:
                    run_called(number, stage, run)
            except Failed as error:
                return {"error": error.as_json, "stage": number}
            continue
        alive = [one for run in runs for one in run if one.failure is None]
        failure = run_in_sessions(number, stage, runs, alive)
        gc.collect()
        if failure is not None:
            if run_samples_v2(number, stage, runs, alive, failure):
                fallbacks[str(number)] = failure
            elif all(one.failure is None for one in alive):  # it could not even be loaded
                return {"error": failure, "stage": number}
    answers = [[one.failure or chain_sample(job, one) for one in run] for run in runs]
    return {"runs": answers, "fallbacks": fallbacks, "seconds": time.monotonic() - started}


class SampleRun:
    """One sample on its way through a chain: its values by (stage, tensor), or why it failed."""

    def __init__(self, sample: Json) -> None:
        self.sample = sample
        self.values: dict[Any, Any] = {}
        self.failure: Json | None = None


def some_run(alive: list[SampleRun], attempt: Any) -> None:
    """Call `attempt(optimised)` without Grappler, and with it if no sample runs."""

    def work(optimised: bool) -> None:
        for one in alive:
            one.failure = None
        attempt(optimised)
        if not optimised and alive and all(one.failure is not None for one in alive):
            raise Failed(RuntimeError("no sample ran"), "run")

    without_grappler_first(work)


def run_in_sessions(
    number: int, stage: Json, runs: list[list[SampleRun]], alive: list[SampleRun]
) -> Json | None:
    """Run all samples of all runs through one stage; return why none ran, or None."""
    try:
        graph = V1Graph(stage["model"])
        sessions = [runs] if stage["pure"] else [[run] for run in runs]

        def attempt(optimised: bool) -> None:
            work = [
                functools.partial(run_samples, graph, number, stage, some, optimised) for some in sessions
            ]
            side_by_side(work, data_bytes(stage["model"]) * len(work))

        some_run(alive, attempt)
    except Failed as error:
        return error.as_json
    failures = [one.failure for one in alive if one.failure is not None]
    return failures[0]["error"] if failures and len(failures) == len(alive) else None


def run_samples(
    graph: V1Graph, number: int, stage: Json, runs: list[list[SampleRun]], optimised: bool
) -> None:
    """Run all samples of some runs through one stage, in one fresh Session."""
    with V1(stage["model"], optimised, graph) as model:
        for one in itertools.chain(*runs):
            if one.failure is None:
                try:
                    run_stage(model, number, stage, one.sample, one.values)
                except Failed as error:
                    one.failure = {"error": error.as_json, "stage": number}


def run_called(number: int, stage: Json, run: list[SampleRun]) -> None:
    """Run all samples of one run through a callable of one fresh object."""
    alive = [one for one in run if one.failure is None]

    def attempt(optimised: bool) -> None:
        with V2(stage["model"], optimised) as model:
            for one in alive:
                try:
                    found = model.call(stage["call"], feeds_of(stage, one.sample, one.values))
                    one.values.update({(number, name): found[name] for name in stage["fetches"]})
                except Failed as error:
                    one.failure = {"error": error.as_json, "stage": number}

    some_run(alive, attempt)


def run_samples_v2(
    number: int, stage: Json, runs: list[list[SampleRun]], alive: list[SampleRun], failure: Json
) -> bool:
    """Run samples by `tf.saved_model.load`; return whether any ran.

    What was saved as an object may restore there only: a Keras model's saver can mean other variables than its
    functions read.
    """
    before = [one.failure for one in alive]

    def attempt(optimised: bool) -> None:
        for one in alive:
            one.failure = {"error": failure, "stage": number}
        for run in runs:
            with V2(stage["model"], optimised) as model:
                for one in run:
                    if one in alive:
                        with contextlib.suppress(Failed):
                            found = model.run(stage["fetches"], feeds_of(stage, one.sample, one.values))
                            if found is not None:
                                one.values.update({(number, name): value for name, value in found.items()})
                                one.failure = None

    with contextlib.suppress(Failed):
        some_run(alive, attempt)
    if any(one.failure is None for one in alive):
        return True
    for one, told in zip(alive, before):
        one.failure = told
    return False


def side_by_side(work: list[Any], size: int) -> list[Any]:
    """Call all of `work`, on threads unless they need more than `size` bytes; raise what one raises.

    TensorFlow lets go of the interpreter while it restores, optimises and runs.
    """
    if len(work) == 1 or size > SIDE_BY_SIDE_BYTES:
        return [one() for one in work]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(work)) as pool:
        return [future.result() for future in [pool.submit(one) for one in work]]


def data_bytes(model: Json) -> int:
    """Return the bytes of a model's variables and of its graph."""
    total = 0
    for folder, _, names in os.walk(model["path"]):
        total += sum(os.path.getsize(os.path.join(folder, name)) for name in names)
    return total


def run_stage(model: V1, number: int, stage: Json, sample: Json, values: dict[Any, Any]) -> None:
    """Run one sample through one stage and keep its fetches in `values`."""
    fetched = model.run(stage["fetches"], feeds_of(stage, sample, values))
    for tensor, value in zip(stage["fetches"], fetched):
        values[number, tensor] = value


def feeds_of(stage: Json, sample: Json, values: dict[Any, Any]) -> Json:
    """Return the values a stage takes, by tensor name."""
    feeds = {}
    for tensor, source in stage["feeds"].items():
        if "input" in source:
            feeds[tensor] = adapted(given_or_default(source, sample), source)
        elif "constant" in source:
            feeds[tensor] = adapted(decode(source["constant"]), source)
        else:
            feeds[tensor] = adapted(values[source["stage"], source["tensor"]], source)
    return feeds


def given_or_default(source: Json, sample: Json) -> Any:
    """Return the value of an input in a sample; its default where the sample lacks it."""
    slot = source["input"]
    return decode(source["default"]) if slot not in sample and "default" in source else sample[slot]


def chain_sample(job: Json, run: SampleRun) -> Json:
    """Return a sample's outputs, and a digest of the value on each wire."""
    values, outputs = run.values, {}
    for slot, at in job["outputs"].items():
        try:
            outputs[slot] = encode(taken(at, values, run.sample))
        except Failed as error:
            return {"error": error.as_json, "stage": first_stage(at)}
    wires = {}
    for number, stage in enumerate(job["stages"]):
        for target, source in stage["feeds"].items():
            if "stage" in source:
                value = adapted(values[source["stage"], source["tensor"]], source)
                name = (
                    f"{number} {target}" if source.get("steps") else f"{source['stage']} {source['tensor']}"
                )
                wires[name] = {"sha256": digest(value), "shape": list(np.shape(value))}
    return {"outputs": outputs, "wires": wires}


def job_result(job: Json, pipe: Pipe) -> Json:
    """Run a merged model on all samples, in each loader.

    The loaders work side by side if memory allows.

    In: model, signature, inputs and outputs {key: port}, samples, loaders ["v1", "v2"].
    Out: {loader: {"keys": {"inputs", "outputs"} or null, "samples": [{"outputs"} or {"error"}], "seconds"} or
    {"error", "seconds"}}.
    """
    samples = [decode_sample(sample) for sample in job["samples"]]

    def run(loader: str) -> Json:
        pipe.progress("result: v1 Session" if loader == "v1" else "result: tf.saved_model.load")
        started = time.monotonic()
        try:
            answer: Json = without_grappler_first(functools.partial(run_result, job, loader, samples))
        except Failed as error:
            answer = {"error": error.as_json}
        answer["seconds"] = time.monotonic() - started
        return answer

    work = [functools.partial(run, loader) for loader in job["loaders"]]
    answers = side_by_side(work, data_bytes(job["model"]) * len(work))
    gc.collect()
    return dict(zip(job["loaders"], answers))


def run_result(job: Json, loader: str, samples: list[Json], optimised: bool) -> Json:
    """Run all samples on one loading of the merged model; a failure is an answer too."""
    with LOADERS[loader](job["model"], optimised) as model:
        answers = []
        keys = model.keys(job["signature"])
        for sample in samples:
            try:
                outputs = model.run_ports(job["signature"], job["inputs"], job["outputs"], sample)
                answers.append({"outputs": encode_sample(outputs)})
            except Failed as error:
                if not optimised:
                    raise
                answers.append({"error": error.as_json})
    return {"keys": keys, "samples": answers}


def job_load_check(job: Json, pipe: Pipe) -> Json:
    """Report whether a loader can load a model. In: model, loader.

    Out: {"ok": true, "variables", "trainable", "signatures"} or {"ok": false, "error"}.
    """
    pipe.progress("loading the model")
    try:
        with LOADERS[job["loader"]](job["model"], optimised=True) as loaded:
            if job["loader"] == "v1":
                keys = tf.compat.v1.GraphKeys
                counts = {
                    "variables": loaded.source.count(keys.GLOBAL_VARIABLES),
                    "trainable": loaded.source.count(keys.TRAINABLE_VARIABLES),
                }
            else:
                counts = {
                    name: count_of(loaded.loaded, attribute)
                    for name, attribute in (("variables", "variables"), ("trainable", "trainable_variables"))
                }
            return dict(counts, ok=True, signatures=sorted(loaded.signatures))
    except Failed as error:
        return {"ok": False, "error": error.as_json}


def job_stages_check(job: Json, pipe: Pipe) -> Json:
    """Run each stage of a chain alone in `tf.saved_model.load`, on its values in the chain.

    In: stages and samples as for `job_chain`.
    Out: {"stages": [STAGE]}, a STAGE being {"error"} if the loader can't load or run it, {} if it can't be told
    (nothing that was loaded takes just these tensors), else {"samples": [[{tensor: array} expected, {…} got]]}.
    """
    samples = [decode_sample(sample) for sample in job["samples"]]
    values: list[dict[Any, Any]] = [{} for _ in samples]
    answers: list[Json] = []
    for number, stage in enumerate(job["stages"]):
        pipe.progress(f"{stage['name']} alone")
        if stage.get("call"):  # the reference was this loader's already
            run = [SampleRun(sample) for sample in samples]
            for one, known in zip(run, values):
                one.values = known
            run_called(number, stage, run)
            answers.append({})
            continue
        if not run_alone(number, stage, samples, values):  # likewise
            answers.append({})
            continue
        try:
            check = functools.partial(check_stage, stage, number, samples, values)
            answers.append(without_grappler_first(check))
        except Failed as error:
            answers.append({"error": error.as_json})
        gc.collect()
    return {"stages": answers}


def run_alone(number: int, stage: Json, samples: list[Json], values: list[dict[Any, Any]]) -> bool:
    """Run one stage as in the reference; return whether a v1 Session ran it."""

    def run(optimised: bool) -> None:
        with V1(stage["model"], optimised) as model:
            for sample, known in zip(samples, values):
                run_stage(model, number, stage, sample, known)

    try:
        without_grappler_first(run)
        return True
    except Failed as error:
        alone = [SampleRun(sample) for sample in samples]
        for one, known in zip(alone, values):
            one.values = known
        if not run_samples_v2(number, stage, [alone], alone, error.as_json):
            raise
        return False


def check_stage(
    stage: Json, number: int, samples: list[Json], values: list[dict[Any, Any]], optimised: bool
) -> Json:
    """Run one stage in `tf.saved_model.load` on all samples; `values` are the Sessions'."""
    found = []
    with V2(stage["model"], optimised) as model:
        for sample, known in zip(samples, values):
            got = model.run(stage["fetches"], feeds_of(stage, sample, known))
            if got is None:
                return {}
            expected = {name: known[number, name] for name in stage["fetches"]}
            found.append([encode_sample(expected), encode_sample(got)])
    return {"samples": found}


def count_of(loaded: Any, attribute: str) -> int | None:
    """Return how many of these a loaded object lists; None if it lists none."""
    found = getattr(loaded, attribute, None)
    return len(found) if isinstance(found, (list, tuple)) else None


# ---------------------------------------------------------------- values on the way


class Recorders:
    """Functions that PyFunc nodes of instrumented graphs call, each known by its token; made as they are needed.

    Attributes:
        tokens: of the functions, which pass on what they get with their number as its slot.
        recording: what takes it now; without one it is an op of a model that calls, whose function is not here.
    """

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.recording: Any = None
        self._graph = tf.Graph()  # keeps the functions alive

    def __call__(self, count: int) -> list[str]:
        """Return the tokens of so many functions."""
        with self._graph.as_default():
            while len(self.tokens) < count:
                take = functools.partial(self._take, len(self.tokens))
                tf.compat.v1.py_func(take, [], [])
                node = self._graph.get_operations()[-1]
                self.tokens.append(node.get_attr("token").decode("ascii"))
        return self.tokens[:count]

    def _take(self, slot: int, *values: Any) -> list[Any]:
        if self.recording is None:
            raise NameError(
                f"the Python function {self.tokens[slot]} is only in the process that made the model"
            )
        self.recording.take(slot, values)
        return []


RECORDERS: list[Recorders] = []


@functools.lru_cache(maxsize=1)
def recording_script() -> Any:
    """Return the module beside this one, which needs NumPy."""
    path = os.path.join(os.path.dirname(os.path.realpath(__file__)), "recording_script.py")
    spec: Any = importlib.util.spec_from_file_location("recording_script", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def job_recorders(job: Json, pipe: Pipe) -> Json:
    """Return tokens of recorders. In: count. Out: {"tokens": [token]}, that of slot n at place n."""
    if not RECORDERS:
        RECORDERS.append(Recorders())
    return {"tokens": RECORDERS[0](job["count"])}


def job_probe(job: Json, pipe: Pipe) -> Json:
    """Run an instrumented signature or callable, and return what its recorders got.

    In: model, loader, signature, inputs, outputs and perhaps call as for `job_run`, also (nodes a Session runs
    besides), samples (one, or two that are compared), recording (`recording_script.Recording`), returned (the slots
    whose arrays are returned, of those it keeps).
    Out: {"runs": [{"outputs": {slot: array}, "tensors": {slot: RECORDED}}]}, a RECORDED being {"order", "runs",
    "summary", "rounds": [[index, summary]], "arrays", "cut": whether there was no room for them, "images",
    "differences": [[index, difference]]}.
    """
    samples = [decode_sample(sample) for sample in job["samples"]]
    script = recording_script()

    def run(optimised: bool) -> Json:
        found: list[Any] = []
        runs = []
        for number, sample in enumerate(samples):
            recording = script.Recording(job["recording"], found[0] if found else None)
            outputs = recorded_run(job, sample, recording, optimised, pipe)
            found.append(recording)
            tensors = {
                str(slot): encode_recorded(one, slot in job["returned"])
                for slot, one in recording.found.items()
            }
            runs.append({"outputs": encode_sample(outputs), "tensors": tensors})
            pipe.progress(f"run {number + 1} of {len(samples)} done")
        return {"runs": runs}

    answer: Json = without_grappler_first(run)
    return answer


def recorded_run(job: Json, sample: Json, recording: Any, optimised: bool, pipe: Pipe) -> Json:
    """Return the outputs of one run in which a recording takes the values."""
    pipe.progress("loading the model")
    with LOADERS[job["loader"]](job["model"], optimised) as loaded:
        pipe.progress("running it")
        RECORDERS[0].recording = recording
        try:
            outputs = run_loaded(loaded, job, sample)
        finally:
            RECORDERS[0].recording = None
    if recording.problem is not None:
        raise recording.problem
    return outputs


def encode_recorded(one: Any, with_arrays: bool) -> Json:
    """Return what a recorder got as JSON."""
    return {
        "order": one.order,
        "runs": one.runs,
        "summary": encode_first(one.summary()),
        "rounds": [[index, encode_first(part)] for index, part in one.rounds] if one.runs > 1 else [],
        "arrays": [encode(array) for array in one.arrays] if with_arrays and not one.cut else [],
        "cut": one.cut,
        "images": [
            dict(image, pixels=base64.b64encode(image["pixels"]).decode("ascii")) for image in one.images
        ],
        "differences": [[index, encode_difference(part)] for index, part in one.differences],
    }


def encode_first(summary: Json) -> Json:
    """Return a summary as JSON."""
    return dict(summary, first=encode(summary["first"]))


def encode_difference(found: Json) -> Json:
    """Return a difference as JSON."""
    if found.get("values") is None:
        return found
    return dict(found, values=[encode(value) for value in found["values"]])


# ---------------------------------------------------------------- references

# The functions of tf that a reference may call: they compute, and read and write nothing.
REFERENCE_FUNCTIONS = frozenset(
    """
    RaggedTensor.to_tensor add argmax cast clip_by_value compat.v1.image.resize concat divide equal exp
    expand_dims fill gather greater_equal image.crop_to_bounding_box image.grayscale_to_rgb
    image.pad_to_bounding_box image.resize
    image.rgb_to_grayscale io.decode_base64 io.decode_image math.floordiv math.top_k maximum minimum
    multiply one_hot ones_like range reduce_any reduce_max reduce_mean reduce_prod reduce_sum reshape reverse round
    saturate_cast shape sigmoid slice squeeze stack strings.as_string strings.lower
    strings.regex_replace strings.split strings.to_number subtract transpose where
    """.split()  # noqa: SIM905
)


def adapted(value: Any, source: Json) -> Any:
    """Return a value after the steps that a feed or an output has; without any as it is.

    Steps are evaluated eagerly, also where a Session's graph is the current one. `part` names which of their results
    is taken.
    """
    if not source.get("steps"):
        return value
    with phase("run"), tf.init_scope():
        return reference_steps(source["steps"], {"": as_tensor(value)})[source.get("part", "")].numpy()


def taken(at: Json, values: dict[Any, Any], sample: Json) -> Any:
    """Return the value of an output: a tensor of a stage, an input, a constant, or what steps make of several."""
    if "input" in at:
        return adapted(given_or_default(at, sample), at)
    if "constant" in at:
        return adapted(decode(at["constant"]), at)
    if "of" not in at:
        return adapted(values[at["stage"], at["tensor"]], at)
    named = {name: taken(one, values, sample) for name, one in at["of"].items()}
    with phase("run"), tf.init_scope():
        tensors = {name: as_tensor(value) for name, value in named.items()}
        return reference_steps(at["steps"], tensors)[at.get("part", "")].numpy()


def first_stage(at: Json) -> Any:
    """Return the number of a stage that an output comes from; of an input, of the first."""
    return first_stage(next(iter(at["of"].values()))) if "of" in at else at.get("stage", 0)


def reference_steps(steps: list[Any], values: Json) -> Json:
    """Do the steps of a reference, as `surgery/adapters/reference.py` describes them; return all tensors by name."""
    for step in steps:
        if "rows" in step:
            rows = [reference_steps(step["rows"], {"": row})[""] for row in tf.unstack(values[""])]
            values = {**values, "": tf.stack(rows)}
            continue
        found = {name: evaluated(expression, values) for name, expression in step["sets"].items()}
        dropped = step.get("drops", ())
        values = {name: one for name, one in {**values, **found}.items() if name not in dropped}
    return values


def evaluated(expression: Any, values: Json) -> Any:
    """Evaluate an expression of a reference."""
    if isinstance(expression, list):
        return [evaluated(item, values) for item in expression]
    if not isinstance(expression, dict):
        return expression
    if "value" in expression:
        return values[expression["value"]]
    if "tf" in expression:
        return called_function(expression, values)
    if "constant" in expression:
        return tf.constant(expression["constant"], tf.as_dtype(expression["dtype"]))
    if "strings" in expression:
        return tf.constant([base64.b64decode(text) for text in expression["strings"]], tf.string)
    if "dtype" in expression:
        return tf.as_dtype(expression["dtype"])
    of = evaluated(expression["of"], values)
    if "by_channels" in expression:
        return evaluated(expression["by_channels"][str(of.shape[-1])], values)
    return of[expression["pick"]] if "pick" in expression else of[slice(*expression["slice"])]


def called_function(expression: Json, values: Json) -> Any:
    """Call a function of TensorFlow that references may call."""
    name = expression["tf"]
    if name not in REFERENCE_FUNCTIONS:
        raise ValueError(f"a reference may not call tf.{name}")
    function = tf
    for part in name.split("."):
        function = getattr(function, part)
    arguments = evaluated(expression["args"], values)
    return function(
        *arguments, **{key: evaluated(x, values) for key, x in expression.get("kwargs", {}).items()}
    )


JOBS = {
    "run": job_run,
    "chain": job_chain,
    "result": job_result,
    "load_check": job_load_check,
    "stages_check": job_stages_check,
    "recorders": job_recorders,
    "probe": job_probe,
}


# ---------------------------------------------------------------- the process


def import_tensorflow(setup: Json) -> Json:
    """Import TensorFlow and the modules the models need; return the event to send."""
    global tf, np
    gc.disable()  # importing makes no garbage, and looking for it takes a fifth of the time
    try:
        import tensorflow
        import numpy  # isort: skip (so that the message is about TensorFlow)
    except Exception as error:  # a broken install raises anything
        message = f"{type(error).__name__}: {short(error)}"
        return {"event": "failed", "kind": "no-tensorflow", "message": message}
    version = getattr(tensorflow, "__version__", None)
    if version is None or int(version.split(".")[0]) < 2:
        message = f"it has TensorFlow {version or 'without a version'}; 2.0 or later is needed"
        return {"event": "failed", "kind": "no-tensorflow", "message": message}
    tf, np = tensorflow, numpy
    gc.freeze()  # what stays: a collection need not go through all of TensorFlow
    gc.enable()
    read_starts_of_messages()
    tf.get_logger().setLevel("ERROR")  # the v1 loader is deprecated, as we know
    for name in setup["imports"]:
        try:
            importlib.import_module(name)
        except Exception as error:
            message = f"import {name}: {type(error).__name__}: {short(error)}"
            return {"event": "failed", "kind": "import", "message": message}
    for path in setup["op_libraries"]:
        try:
            tf.load_op_library(path)
        except Exception as error:
            message = f"op library {path}: {short(error)}"
            return {"event": "failed", "kind": "op-library", "message": message}
    versions = {"tensorflow": version, "python": sys.version.split()[0], "numpy": np.__version__}
    return {"event": "ready", "versions": versions}


def read_starts_of_messages() -> None:
    """Have TensorFlow look for names of nodes only in so much of an error's message as is ever shown.

    It looks by a pattern whose time grows with the square of the length: half a minute for a message that quotes the
    functions of a model.
    """
    try:
        from tensorflow.python.framework import error_interpolation

        whole = error_interpolation.parse_message
    except (ImportError, AttributeError):  # of another version
        return
    error_interpolation.parse_message = lambda message: whole(message[: 3 * MESSAGE_LIMIT])


def shown_paths(job: Any) -> Json:
    """Return the private path of every model in a job, with the path to show."""
    found: Json = {}
    if isinstance(job, dict):
        path, shown = job.get("path"), job.get("shown")
        if isinstance(path, str) and isinstance(shown, str):
            found[path] = shown
        job = list(job.values())
    for item in job if isinstance(job, list) else ():
        found.update(shown_paths(item))
    return found


def answer(pipe: Pipe, line: bytes) -> None:
    """Do one job; every outcome is an answer."""
    job = json.loads(line.decode("utf-8"))
    pipe.current = job["id"]
    SHOWN.clear()
    SHOWN.update(shown_paths(job))
    try:
        pipe.send({"id": job["id"], "answer": JOBS[job["job"]](job, pipe)})
    except Failed as error:
        pipe.send({"id": job["id"], "error": error.as_json})
    except Exception:
        pipe.send({"id": job["id"], "bug": traceback.format_exc()})
    pipe.current = None


def main() -> None:
    """Set up, report that TensorFlow is ready, and do jobs while the parent lives."""
    source, sink, parent = (int(word) for word in sys.argv[1:4])
    guard(parent)
    if sink == 1:  # no descriptors could be passed: move the protocol away from stdin and stdout
        source, sink = os.dup(0), os.dup(1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
    here = os.path.dirname(os.path.realpath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry or ".") != here]
    pipe = Pipe(source, sink)
    pipe.watch()
    setup = json.loads(pipe.jobs.get().decode("utf-8"))
    pipe.progress("importing TensorFlow")
    event = import_tensorflow(setup)
    pipe.send(event)
    if event["event"] == "failed":
        return
    while True:
        answer(pipe, pipe.jobs.get())


if __name__ == "__main__":
    main()
