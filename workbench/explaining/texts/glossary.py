"""The words of TensorFlow's graphs, each in a few sentences."""

from __future__ import annotations

from collections.abc import Mapping

GLOSSARY: Mapping[str, str] = {
    "node": (
        "A node is one step of a graph: an op with a name, inputs and attributes. When the graph runs, a node "
        "takes the tensors at its inputs and gives new ones at its outputs. A node runs at most once in a run, "
        "unless it is in a loop."
    ),
    "op": (
        "An op is a kind of computation, such as MatMul or Const. Its definition says which inputs, outputs and "
        "attributes it has. Many nodes can be of one op, as many calls can be of one function in a program."
    ),
    "name scope": (
        "A name scope is the part of a node's name before a slash: `dense/MatMul` is in the scope `dense`. A "
        "program opens one for a layer or a block, and scopes can be in scopes. They group nodes for people; the "
        "graph runs in the same way without them."
    ),
    "tensor": (
        "A tensor is an array of values of one dtype: a number, a vector, a matrix, or more dimensions. In a "
        "graph it is what flows along an edge. It is named after the node that makes it and the number of the "
        "output: `node:0`."
    ),
    "shape": (
        "The shape of a tensor lists its size in each dimension: [?,784] is any number of rows of 784 values, and "
        "[] is a single value. A ? is a size that is known only when the graph runs. Often it is the batch, the "
        "number of examples that are computed together."
    ),
    "dtype": (
        "The dtype says what the values of a tensor are: float32, int64, bool, string and so on. An edge never "
        "converts it; a Cast does. A resource is no value but a handle, a reference to a variable or a table."
    ),
    "placeholder": (
        "A placeholder is a node at which a value is fed in from outside. It is how an input gets into a graph. "
        "Running something that needs it without feeding it is an error, unless it has a default."
    ),
    "constant": (
        "A constant is a node, of op Const, whose value is stored in the graph itself. Shapes, axes and factors "
        "are constants. In a frozen model the weights are constants too."
    ),
    "variable": (
        "A variable holds a value that outlives a run, such as the weights of a layer. The graph has only a node "
        "for it; the value is in the checkpoint and is restored when the model is loaded. The node of most "
        "variables, a VarHandleOp, gives a handle, and a ReadVariableOp gets the value."
    ),
    "function": (
        "A function is a graph of its own in the model's library, with arguments and results. Nodes such as "
        "StatefulPartitionedCall call it; loops and branches have functions as bodies. In Python a tf.function "
        "becomes one for each way it is called."
    ),
    "capture": (
        "A capture is a value from outside that a function uses although it is no argument of it in Python: "
        "mostly a variable or a table. In the graph it is an additional argument at the end, and each call "
        "passes the handle along. That is how weights get into a function."
    ),
    "control edge": (
        "A control edge says that one node must run after another, and carries no value. In a node's inputs it is "
        "written `^node`. It keeps assignments, checks and reads in order."
    ),
    "signature": (
        "A signature is a named way to call a model: keys for its inputs and outputs, and the tensors behind "
        "them. TensorFlow Serving and saved_model_cli call a model by its signatures. `serving_default` is the "
        "one that is taken if none is named."
    ),
    "tag set": (
        "A tag set names a MetaGraph of a SavedModel, such as serve for inference. A loader asks for a tag set "
        "and gets the MetaGraph that has exactly these tags."
    ),
    "MetaGraph": (
        "A MetaGraph is a graph with what belongs to it: signatures, functions, assets, how variables are saved. "
        "A SavedModel has one for each tag set, and most have only one."
    ),
    "checkpoint": (
        "A checkpoint holds the values of variables, under keys. In a SavedModel it is the folder variables/: an "
        "index of keys, and data files with the values."
    ),
    "shard": (
        "A shard is one data file of a checkpoint, such as variables.data-00000-of-00001. The index says for each "
        "key in which shard its value is and where. Large models have several."
    ),
    "asset": (
        "An asset is a file that came with a model and that its graph reads, such as a vocabulary. It is in the "
        "folder assets/. A loader gives its path to the graph, since the folder may have been moved."
    ),
    "saver": (
        "The saver is the part of a graph that writes variables to a checkpoint and reads them back. It has a "
        "save op, a restore op, and a placeholder for the path. No prediction needs it; loading a model does."
    ),
    "table": (
        "A table maps keys to values, such as words to numbers. Its content is not in the checkpoint: an "
        "initialiser fills it from an asset or from constants once, after loading."
    ),
    "TF1 and TF2 format": (
        "Both are SavedModels. In TF1 format there is one flat graph, run by a Session, and no objects. In TF2 "
        "format there is an object graph as well: Python gets back an object with functions and variables, and "
        "the computation is in functions of the library."
    ),
    "init op": (
        "The init op is a node that a loader runs once, after the variables are restored. It fills tables and "
        "sets what is not in the checkpoint."
    ),
    "object graph": (
        "The object graph of a model in TF2 format describes the Python objects it was saved from: modules, "
        "layers, variables, functions, and which object is an attribute of which. tf.saved_model.load makes "
        "objects of it again."
    ),
    "callable": (
        "A callable is a function of an object of the model, such as `__call__` of the root. After "
        "tf.saved_model.load it is called as a method. It can have several variants, one for each kind of "
        "arguments it was traced with."
    ),
}
"""Each term and what it means."""
