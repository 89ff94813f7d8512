"""What loading a model, and running its signatures, sets in motion: where a walk starts.

Read from TensorFlow 2.21; `READ_FROM` has the versions these rules hold for. What runs, when, and where that is written
(paths are below `tensorflow/python/` unless they say otherwise):

All loaders
    import       Shape inference computes constants: nodes of stateless ops whose inputs are constants run while their
                 graph is imported, reached or not, if a shape depends on them. `evaluated.py` says which.
                 `saved_model.load` imports the body of every function of the library, too
                 (`saved_model/function_deserialization.py: load_function_def_library`).

A v1 Session (`saved_model/loader_impl.py: SavedModelLoader.load`), and what is built on it: `saved_model_cli run`,
TFLite's and tf2onnx's converters of v1 models
    restore      `SaverDef.restore_op_name`, fed with the checkpoint (`training/saver.py: Saver.restore`). Without a
                 SaverDef, and where its restore op does not find a key and the checkpoint is an object-based one, a
                 Saver is built of the variables that the collections list: it assigns to the handles they name
                 (`_create_saver_from_imported_meta_graph`, `saver_from_object_based_checkpoint`;
                 `training/saving/saveable_object_util.py: saveable_objects_for_op`).
    init         One op, fed with the assets: signature `__saved_model_init_op`, else collection `saved_model_main_op`,
                 else `legacy_init_op` (`loader_impl.py: get_init_op`).
    nothing else Collections become objects (`framework/meta_graph.py: import_scoped_meta_graph_with_return_elements`):
                 variables, contexts of branches and loops, Savers and queue runners are made, none is run.
    call         What the fetches depend on. Grappler prunes to that before it folds constants.

`tf.saved_model.load` of several MetaGraphs, or of one without an object graph (`saved_model/load_v1_in_v2.py: load`)
    restore      As in a Session; a variable that the collections list is a capture, and what is behind it does not run
                 (`eager/wrap_function.py: _lift_unlifted_variables`).
    init         As in a Session. With no init op: the initialisers of the collection `local_variables` and the
                 collection `table_initializer` (`training/monitored_session.py: Scaffold.default_local_init_op`).
    call         What the signature's outputs depend on (`eager/wrap_function.py: WrappedFunction.prune`).

`tf.saved_model.load` of one MetaGraph with an object graph (`saved_model/load.py: Loader`): `objects.py` says what of
the object graph. `keras.layers.TFSMLayer` (`keras/src/export/tfsm_layer.py`) and `hub.KerasLayer` load so, and look for
variables and losses besides. Keras 2 (`load_model`) makes layers of the metadata instead, and a Lambda layer's Python
code is part of it: nothing here covers that, and results have no such metadata.

TensorFlow Serving (`tensorflow/cc/saved_model/loader.cc: RestoreSession, RunInitOp`): restore and init as in a Session.
It then runs signatures on the requests in `assets.extra/tf_serving_warmup_requests`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.checks.unsafe.objects import LoadedObjects
from workbench.checks.unsafe.report import DELETE, INIT, LOAD, RESTORE, SAVE
from workbench.model.signature import INIT_OP
from workbench.model.variables import variable_defs

if TYPE_CHECKING:
    from workbench.disk.schema import MetaGraphDef
    from workbench.model.meta import MetaGraph

READ_FROM = frozenset({"2.21"})
"""The versions of TensorFlow whose loaders were read for these rules, as `major.minor`."""


@dataclass(frozen=True, slots=True)
class Start:
    """A node, tensor or function that a loader runs.

    Attributes:
        label: the key of a signature, the path of a callable, or the step of loading, in brackets.
        nodes: nodes or tensors of the main graph.
        functions: concrete functions of the object graph.
    """

    label: str
    nodes: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()


def is_read(tensorflow: str | None) -> bool:
    """Return whether the rules were read from this version; None is the one they were."""
    return tensorflow is None or ".".join(tensorflow.split(".")[:2]) in READ_FROM


def starts(
    meta: MetaGraph, signature_keys: Iterable[str] | None, *, tensorflow: str | None = None
) -> Iterator[Start]:
    """Return all that runs when a model is loaded and some signatures are called.

    Args:
        meta: the MetaGraph.
        signature_keys: the signatures. None for all of them, all callables, and the saving half of the saver.
        tensorflow: the version that is to load it. In another one than the rules were read from, loading may call
            every function of the object graph. None for the one they were read from.
    """
    loaded = LoadedObjects(meta.objects) if meta.objects is not None else None
    for key in list(meta.signatures) if signature_keys is None else signature_keys:
        if key != INIT_OP and key in meta.signatures:
            outputs = (name for port in meta.signatures[key].outputs.values() for name in port.tensors)
            yield Start(key, tuple(outputs), loaded.signature(key) if loaded is not None else ())
    yield Start(INIT, (meta.init_op,) if meta.init_op else meta.collected_init)
    restore_op = meta.proto.saver_def.restore_op_name
    yield Start(RESTORE, (*([restore_op] if restore_op else ()), *saved_variables(meta.proto)))
    if loaded is not None:
        yield Start(LOAD, functions=loaded.run if is_read(tensorflow) else loaded.all)
        yield Start(DELETE, functions=loaded.deleted)
    if signature_keys is None:
        for found in meta.callables:
            yield Start(found.path, functions=tuple(variant.function for variant in found.variants))
        if meta.proto.saver_def.save_tensor_name:
            yield Start(SAVE, (meta.proto.saver_def.save_tensor_name,))


def saved_variables(proto: MetaGraphDef) -> tuple[str, ...]:
    """Return what a Saver made from the variables' collections assigns to."""
    found = list(_listed(proto, "saveable_objects"))
    for one in variable_defs(proto, "variables"):
        found += [one.variable_name, one.snapshot_name]
    return tuple(dict.fromkeys(name for name in found if name))


def _listed(proto: MetaGraphDef, collection: str) -> list[str]:
    """Return the nodes and tensors of a collection, by name."""
    if collection not in proto.collection_def:
        return []
    return list(proto.collection_def[collection].node_list.value)
