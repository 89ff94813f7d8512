"""What a loader refuses although graph and objects are whole: devices, slots and types that are not there.

Measured with TensorFlow 2.21. A v1 Session places every node of the main graph, also those that nothing runs, and a
function's nodes when it is called; `allow_soft_placement` moves a node to another device of the same task, never to
another task. `load.py: _load_nodes` calls `add_slot` of whatever object has slot variables, and only
`tf_deprecated_optimizer` is restored as an object with that method. `nested_structure_coder.py: _TypeSpecCodec` looks
registered type specs up by name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from workbench.checks.codes import Code, Found
from workbench.disk import schema
from workbench.findings import Action, Hint
from workbench.model import structured
from workbench.names import count, show

if TYPE_CHECKING:
    from workbench.disk.schema import SavedObjectGraph, StructuredValue
    from workbench.graph.body import Body
    from workbench.model.meta import MetaGraph

DEVICE = Code(
    "device-elsewhere", "error", "nodes are bound to a device of another job or task",
    "A model is loaded into one process, `/job:localhost/replica:0/task:0`. Soft placement does not move a node out of "
    "another job: a v1 Session runs nothing of such a graph, tf.saved_model.load not what reaches the node (`Cannot "
    "assign a device for operation`).",
    "Export the model with clear_devices=True.",
)  # fmt: skip
SLOTS = Code(
    "object-slots", "error", "an object has slot variables and is no optimizer that TensorFlow knows",
    "tf.saved_model.load of TensorFlow 2.21 revives the optimizers of old Keras as plain objects, and fails "
    "(`'_UserObject' object has no attribute 'add_slot'`). v1 Sessions load the model.",
    "Save it without the optimizer; a merge makes plain variables of its slots.",
)  # fmt: skip
TYPE_SPEC = Code(
    "type-spec-unknown", "warning", "a function takes or returns a type of a package that is not part of TensorFlow",
    "tf.saved_model.load looks the type up by its name and refuses the model (`The type '…' has not been registered`), "
    "if its package was not imported before. v1 Sessions do not need it.",
    Hint("Import the package before the model is loaded: ", Action("import-package")),
)  # fmt: skip

_PART = re.compile(r"/(job|replica|task):([^/]*)", re.IGNORECASE)
_HERE = {"job": ("localhost",), "replica": ("0",), "task": ("0",)}
_REVIVED = "tf_deprecated_optimizer"
_REGISTERED = schema.enum("TypeSpecProto.TypeSpecClass")["REGISTERED_TYPE_SPEC"]
# type_spec_registry of TensorFlow 2.21 after `import tensorflow`, those of tf.linalg.LinearOperator… aside
_SPECS = """
    AnonymousExtensionType.Spec BoundedTensorSpec DynamicRaggedShape.Spec EagerWeakTensor.Spec GraphWeakTensor.Spec
    NoneTensorSpec RaggedTensorSpec RowPartitionSpec SparseTensorSpec StructuredTensor.Spec TensorArraySpec TensorSpec
    WeakTensor.Spec
"""
_KNOWN = frozenset(f"tf.{name}" for name in _SPECS.split())
_IMPORTED_AS = {"tfp": "tensorflow_probability", "tfgnn": "tensorflow_gnn", "tft": "tensorflow_transform"}
_LINEAR = "tf.linalg.LinearOperator"


def check(meta: MetaGraph, bodies: Iterable[Body], found: Found) -> None:
    """Check what loading a MetaGraph needs besides the files."""
    _devices(bodies, found)
    if meta.objects is not None:
        _slots(meta.objects.proto, found)
        _type_specs(meta.objects.proto, found)


def _devices(bodies: Iterable[Body], found: Found) -> None:
    first: dict[str, str] = {}
    nodes: Counter[str] = Counter()
    for body in bodies:
        for name, node in body.nodes.items():
            if node.device and is_elsewhere(node.device):
                first.setdefault(node.device, body.where(name))
                nodes[node.device] += 1
    for device, number in nodes.items():
        more = f", the first of {count(number, 'node')}" if number > 1 else ""
        found.add(DEVICE, first[device], f"It is bound to {show(device)!r}{more}.")


def is_elsewhere(device: str) -> bool:
    """Return whether a device is of another job, replica or task than those of a process alone."""
    return any(value not in _HERE[part.lower()] for part, value in _PART.findall(device) if value != "*")


def _slots(proto: SavedObjectGraph, found: Found) -> None:
    for number, node in enumerate(proto.nodes):
        if not len(node.slot_variables):
            continue
        if node.WhichOneof("kind") == "user_object":
            identifier = node.user_object.identifier
            if identifier == _REVIVED:
                continue
            what = f"an object of the type {show(identifier)!r}"
        else:
            what = f"a {node.WhichOneof('kind') or 'plain object'}"
        slots = count(len(node.slot_variables), "slot variable")
        found.add(SLOTS, f"object {number}", f"It is {what}, and has {slots}.")


def _type_specs(proto: SavedObjectGraph, found: Found) -> None:
    for name in sorted(proto.concrete_functions):
        concrete = proto.concrete_functions[name]
        for value in (concrete.canonicalized_input_signature, concrete.output_signature):
            for spec in _specs(value):
                package, told = package_of(spec), "A function of the object graph takes or gives this type"
                if package is None:
                    found.add(TYPE_SPEC, show(spec), f"{told}.")
                    continue
                told = f"{told}; by its name, the package {show(package)} registers it."
                found.add(
                    TYPE_SPEC,
                    show(spec),
                    told,
                    Hint("", Action("import-package", {"package": show(package)})),
                )


def package_of(spec: str) -> str | None:
    """Return the package that a registered type spec belongs to, as it is imported.

    Specs are registered under a name that their author chooses; it has to have a dot, and begins with the package or
    with what that is usually imported as (`type_spec_registry.py: register`).

    Returns:
        None if the name does not tell.
    """
    first, dot, _ = spec.partition(".")
    first = _IMPORTED_AS.get(first, first)
    return first if dot and first.isidentifier() and not first.startswith("__") else None


def _specs(value: StructuredValue) -> Iterator[str]:
    """Return the type specs in a structured value that TensorFlow lacks, nested ones too."""
    for _, leaf in structured.leaves(value):
        if leaf.WhichOneof("kind") != "type_spec_value":
            continue
        spec = leaf.type_spec_value
        name = spec.type_spec_class_name
        if spec.type_spec_class == _REGISTERED and name not in _KNOWN and not name.startswith(_LINEAR):
            yield name
        yield from _specs(spec.type_state)
