"""Codes of changes: signatures, the order of steps, freeze, flatten, adapters, shapes."""

from __future__ import annotations

from workbench.checks.codes import Code
from workbench.findings import Action, Hint

_STOPS = "Nothing is changed, since it is not clear what the result should be."
_KEYS = Action("show-keys")
_OTHER = "Choose another name."

FILE = Code(
    "step-file", "error", "a file that a step reads is gone or has another content",
    "The recipe was made with another content, and would give another result.",
    "Give the file as it was, or make the plan again with the new one.",
)  # fmt: skip
NO_DEVICES = Code(
    "clear-devices-nothing",
    "info",
    "the model names no device",
    "It runs on any machine already.",
    "Leave the step out.",
)
NO_DEVICES_NOW = Code(
    "clear-devices-done", "info", "device strings were removed",
    "A device that a machine does not have stops a v1 Session without soft placement.",
    "Nothing, unless a device was meant to be kept.",
)  # fmt: skip
TAGS_TAKEN = Code(
    "retag-taken", "error", "another MetaGraph has the tag set", "Loaders find a MetaGraph by its tag set.",
    "Choose another tag set, or remove that MetaGraph in a step before.",
)  # fmt: skip
TAGS_SAME = Code(
    "retag-same",
    "info",
    "the MetaGraph has the tag set already",
    "Nothing is changed.",
    "Leave the step out.",
)
NO_METAGRAPH = Code(
    "metagraph-unknown", "error", "the model has no MetaGraph with the tag set", _STOPS, "Correct it."
)
THE_METAGRAPH = Code(
    "metagraph-chosen", "error", "the chosen MetaGraph can't be removed", "The steps change this one.",
    "Choose another MetaGraph to stay.",
)  # fmt: skip
METAGRAPH = Code(
    "metagraph-dropped",
    "info",
    "other MetaGraphs were removed",
    "Loaders no longer find them.",
    "Nothing, unless somebody loads the model by such a tag set.",
)
KEYS_KEPT = Code(
    "checkpoint-kept",
    "info",
    "the checkpoint stays as it is",
    "What is read of it is not sure.",
    "Nothing, or load the model with TensorFlow and save it again.",
)
KEYS_GONE = Code(
    "checkpoint-pruned",
    "info",
    "values were removed from the checkpoint",
    "No MetaGraph reads them.",
    "Nothing, unless another program reads these values.",
)
DEAD = Code(
    "dead-removed", "info", "branches or loops that can no longer run were removed",
    "Their predicate is constant, so the outputs are the same without them.",
    "Nothing, unless the predicate should become an input again.",
)  # fmt: skip
DEAD_NOTHING = Code(
    "dead-nothing", "info", "nothing that can no longer run was found",
    "Every conditional and loop depends on something that is no constant.", "Set an input to a constant first.",
)  # fmt: skip
PRUNED = Code(
    "prune-done",
    "info",
    "what is left of training was removed",
    "The model needs less space.",
    "Nothing, unless training is to go on from this model.",
)
PRUNED_NOTHING = Code(
    "prune-nothing", "info", "nothing is left of training", "Nothing is removed.", "Leave the step out."
)
PRUNE_ANYTHING = Code(
    "prune-no-signature", "error", "a model without signature and object graph can't be pruned",
    "Nothing says what it is for, and everything would be removed.", "Add a signature in a step before.",
)  # fmt: skip
PRUNE_SAVER = Code(
    "prune-saver", "info", "variables of training stay, because of the saver",
    "A saver of another form can't be made to leave out a variable.",
    "Load the model with TensorFlow and save it again without them.",
)  # fmt: skip
UNKNOWN = Code(
    "signature-unknown", "error", "the model has no such signature", _STOPS, Hint("Correct the key: ", _KEYS)
)
INPUT = Code(
    "signature-input", "error", "the signature has no such input", _STOPS, Hint("Correct the key: ", _KEYS)
)
OUTPUT = Code(
    "signature-output", "error", "the signature has no such output", _STOPS, Hint("Correct the key: ", _KEYS)
)
HIDDEN = Code(
    "signature-hidden", "error", "the signature is one that only loaders look for",
    "Loaders find the init op and the train op under these names.", _OTHER,
)  # fmt: skip
TWICE = Code(
    "signature-twice",
    "error",
    "a signature should be both changed and dropped",
    _STOPS,
    "Leave one of the two out.",
)
NEEDED = Code(
    "signature-needed",
    "error",
    "an output that stays needs an input that should be dropped",
    _STOPS,
    "Drop the output as well, or give the input a constant (`set`) or a default (`default`).",
)
OUTPUTS = Code(
    "signature-outputs",
    "error",
    "no output of a signature would be left",
    _STOPS,
    "Keep one, or drop the signature.",
)
NAME = Code(
    "signature-name", "error", "a signature has no name", "Callers find it by its name.", "Give it a name."
)
TAKEN = Code(
    "signature-taken", "error", "two signatures would have the same name", "Callers find a signature by its name.",
    "Choose another name, or drop or rename the other signature.",
)  # fmt: skip
KEY_TAKEN = Code(
    "signature-key-taken", "error", "two inputs or two outputs would have the same key",
    "Keys are unique among the inputs, and among the outputs.", "Rename the other one as well.",
)  # fmt: skip
KEY_NAME = Code(
    "signature-key-name", "error", "a key is empty or can't be the name of an argument",
    "After tf.saved_model.load the inputs of a signature are keyword arguments.", _OTHER,
)  # fmt: skip
FUNCTION = Code(
    "signature-function", "error", "the signature can't become a function",
    "In TF2 format each signature is a function of its own, and this part of the graph can't be outlined.",
    "Choose other tensors, or write the result in TF1 format.",
)  # fmt: skip
NO_OUTPUT = Code(
    "signature-no-output", "error", "a new signature has no outputs", "A signature computes its outputs.",
    "Name the outputs.",
)  # fmt: skip
CALLABLE = Code(
    "signature-callable", "error", "an endpoint is none of the keys of the callable that the signature is made of",
    "The callable is called once, and its inputs and outputs are those of the signature.",
    "Use keys of the callable only, or add a signature of its own for the tensor.",
)  # fmt: skip
COMBINE_FEW = Code(
    "combine-few", "error", "an output should be combined of fewer than two outputs",
    "A mean, or one output after another, takes at least two.", "Name all outputs: KEY=OUTPUT,OUTPUT.",
)  # fmt: skip
COMBINE_UNFIT = Code(
    "combine-unfit", "error", "outputs that should be combined do not fit each other",
    "They have different dtypes or shapes, are sparse or ragged, or no floats where a mean is taken.",
    "Adapt one of them in a step before, as the hint of the finding says, or choose other outputs.",
)  # fmt: skip
SHARED_INPUT = Code(
    "signature-shared-input", "error", "two inputs of a signature would feed one tensor",
    "tf.saved_model.load refuses such a signature.", "Leave one of them out.",
)  # fmt: skip
UNUSED_INPUT = Code(
    "signature-unused-input", "warning", "no output of the signature depends on an input",
    "Callers must give a value that has no effect.", "Leave the input out, unless clients send it.",
)  # fmt: skip
UNFEEDABLE = Code(
    "signature-unfeedable", "error", "the outputs need a placeholder or an argument that no input feeds",
    "The signature could not be called.", "Add an input for it, or choose other outputs.",
)  # fmt: skip
MADE = Code(
    "signature-made", "info", "a signature was made of a callable",
    "The model had none, and the result needs one to be called by clients.",
    "Nothing, or add another signature first.",
)  # fmt: skip
NONE = Code(
    "signature-none", "warning", "the result has no signature",
    "Clients and TensorFlow Serving have nothing to call. It is an error where the change needs a signature.",
    "Keep a signature, or add one.",
    also=("error",),
)  # fmt: skip
STEP_LINEAGE = Code(
    "step-lineage", "error", "a signature is made of tensors that an earlier step of the plan made",
    "No source has values for them, so the signature could not be verified.",
    "Add the signature in a step before that one.",
)  # fmt: skip
RESULT_OPTIONS = Code(
    "result-options", "error", "a plan that connects no models has options for the result of connecting them",
    "They would have no effect.", "Leave them out, and write the changes as steps.",
)  # fmt: skip
STEP_ORDER = Code(
    "step-order", "error", "a plan connects models after another step",
    "Models are connected first; the other steps change what that gives.", "Put the step before the others.",
)  # fmt: skip
FREEZE_NOTHING = Code(
    "freeze-nothing", "info", "no signature reads a variable", "There is nothing to freeze.",
    "Nothing; the model is frozen already.",
)  # fmt: skip
FREEZE_DONE = Code(
    "freeze-done", "info", "variables became constants", "Their values are part of the graph now.",
    "Nothing: this is what was asked for.",
)  # fmt: skip
FREEZE_CHECKPOINT = Code(
    "freeze-checkpoint", "info", "the checkpoint stays in the result",
    "Another MetaGraph of the model reads its variables.", "Nothing, or write a model with one MetaGraph first.",
)  # fmt: skip
FREEZE_LEFT = Code(
    "freeze-left", "warning", "variables are left that the init op sets",
    "They get their values when the model is loaded; they are not in the checkpoint.",
    "Nothing, if the loader runs the init op.",
)  # fmt: skip
FREEZE_NO_VALUE = Code(
    "freeze-no-value", "warning", "the checkpoint has no value for a variable",
    "It stays a variable, which only the init op or the caller can set.",
    "Nothing, if it is set when the model is loaded; else save the model with all its variables.",
)  # fmt: skip
FREEZE_REFUSED = Code(
    "freeze-refused", "error", "a variable can't become a constant",
    "The graph writes to it, passes it on as a variable, or opens it by its name.",
    "Choose a signature that does not write to it, or keep the variables.",
)  # fmt: skip
FREEZE_STATE = Code(
    "freeze-state", "error", "the checkpoint holds state that is no variable",
    "A table or another resource is filled from the checkpoint, which a frozen model does not have.",
    "Keep the variables.",
)  # fmt: skip
FLATTEN_NOTHING = Code(
    "flatten-nothing", "info", "the main graph calls no function", "There is nothing to inline.",
    "Nothing; the model is flat already.",
)  # fmt: skip
FLATTEN_OPENED = Code(
    "flatten-opened", "info", "calls were inlined into the main graph",
    "Nodes of function bodies have the name of the call as a prefix.", "Nothing: this is what was asked for.",
)  # fmt: skip
FLATTEN_KEPT = Code(
    "flatten-kept", "info", "some calls stay calls",
    "Bodies of loops and branches, and functions that ops call themselves, can't be inlined.",
    "Nothing; the result computes the same.",
)  # fmt: skip
FLATTEN_OBJECTS = Code(
    "flatten-objects", "info", "the object graph and its functions stay",
    "Callables of a TF2 model are functions of the library and need their bodies.",
    "Write the result in TF1 format to leave them out.",
)  # fmt: skip
FLATTEN_NO_OBJECTS = Code(
    "flatten-no-objects", "error", "the model has no object graph, and TF2 format was asked for",
    "An object graph can be kept, but not made from nothing.", "Do not ask for a format.",
)  # fmt: skip
FLATTEN_RECURSION = Code(
    "flatten-recursion", "warning", "a recursive call stays a call", "To inline it would never end.",
    "Nothing; the result computes the same.",
)  # fmt: skip
ADAPT_NOTHING = Code(
    "adapt-nothing", "error", "there are no adapters to put in", "Nothing would be changed.",
    "Name a chain of adapters before an input or after an output.",
)  # fmt: skip
ADAPT_ENDPOINT = Code(
    "adapt-endpoint", "error", "an input or output can't have adapters",
    "It does not exist, is no dense tensor of the graph, or shares its tensor with another input; or a new output "
    "would have a name that is taken.",
    Hint("Correct the key: ", _KEYS),
)  # fmt: skip
ADAPT_CHAIN = Code(
    "adapt-chain", "error", "a chain of adapters does not fit",
    "It can't be read, an adapter does not take what it gets, a file is not what it should be, or the result does not "
    "fit the input.",
    "Change the adapter that is named.",
)  # fmt: skip
ADAPT_AUTO = Code(
    "adapt-auto", "info", "a chain from image files was derived in place of auto",
    "It follows from the input's dtype and shape and from what the graph does with it first; the recipe has the chain.",
    "Nothing, if each reason is right; else write the chain.",
)  # fmt: skip
ADAPT_AUTO_ASSUMED = Code(
    "adapt-auto-assumed", "info", "something was assumed for the chain in place of auto",
    "Neither the input nor the graph shows it, and either way gives similar results.",
    "Write the chain if it is otherwise.",
)  # fmt: skip
ADAPT_AUTO_UNKNOWN = Code(
    "adapt-auto-unknown", "error", "a chain from image files can't be derived",
    "The graph does not show the range of the numbers or the order of colours, and a wrong guess gives wrong results "
    "that look right; or the input is no image.",
    "Write the chain that is right in place of auto.",
)  # fmt: skip
ADAPT_IMPLIED = Code(
    "adapt-implied", "info", "a conversion was inserted into a chain of adapters",
    "The next adapter, or the input, takes another dtype or a batch; nothing is lost.",
    "Nothing; to be told each time, write it into the chain.",
)  # fmt: skip
ADAPT_ALPHA = Code(
    "adapt-alpha", "info", "the alpha channel of image files is dropped",
    "A transparent pixel has any colour, often black; on a page it would show the background.",
    "Nothing, if files have no alpha or the model was trained so; else write alpha=composite.",
)  # fmt: skip
ADAPT_SIZES = Code(
    "adapt-sizes", "warning", "images of a batch must have one size",
    "No adapter gives them a size, so a batch of different sizes fails when it runs.", "Add resize to the chain.",
)  # fmt: skip
STEP_OBJECTS = Code(
    "step-objects", "info", "callables of the object graph stay as they were",
    "In TF2 format a step changes a signature; what is called on the loaded object is not changed.",
    "Call the signature.",
)  # fmt: skip
EXTRACT_NOTHING = Code(
    "extract-nothing", "error", "no output of the part is named", "Nothing would be in the part.",
    "Name its outputs: KEY=TENSOR.",
)  # fmt: skip
EXTRACT_DONE = Code(
    "extract-done", "info", "a part became a model of its own",
    "It has what its outputs need, and nothing else of the model.", "Nothing: this is what was asked for.",
)  # fmt: skip
EXTRACT_CONSTANT = Code(
    "extract-constant", "warning", "an output of the part depends on none of its inputs",
    "It has the same value whatever is given.", "Leave the output out, unless this is intended.",
)  # fmt: skip
EXTRACT_STATE = Code(
    "extract-state", "error", "the part needs state that the checkpoint holds and that is no variable",
    "The saver of the part has variables only; a table or another resource would be empty.",
    "Choose outputs that do not need it.",
)  # fmt: skip
EXPOSE_NOTHING = Code(
    "expose-nothing", "error", "there are no tensors to expose", "Nothing would be changed.",
    "Name a new output and its tensor: KEY=TENSOR.",
)  # fmt: skip
EXPOSE_DONE = Code(
    "expose-done", "info", "tensors became outputs of a signature",
    "Functions on the way to them were cloned, with one result more; other users keep the original.",
    "Nothing: this is what was asked for.",
)  # fmt: skip
EXPOSE_LOOP = Code(
    "expose-loop", "info", "a new output has the values of a loop's iterations",
    "They are collected in a list and stacked behind the loop. It is a warning where their shape is not fixed: a loop "
    "without an iteration, or with values of different shapes, then fails when the output is asked for.",
    "Nothing, or expose what comes out of the loop.",
    also=("warning",),
)  # fmt: skip
EXPOSE_GRADIENT = Code(
    "expose-gradient", "warning", "a function on the way to a tensor has a gradient of its own",
    "It computes the gradient from the outputs that the function had before, so none flows back from the new ones.",
    "Nothing, unless the new outputs are for training.",
)  # fmt: skip
EXPOSE_OBJECTS = Code(
    "expose-objects", "info", "callables of the object graph have no new outputs",
    "In TF2 format the signature is changed; what is called on the loaded object stays as it was.",
    "Call the signature.",
)  # fmt: skip
RESHAPE_NOTHING = Code(
    "reshape-nothing", "error", "no other shape is asked for", "Nothing would be changed.",
    "Give a batch, or the shape of an input, that differs from what the signature has.",
)  # fmt: skip
RESHAPE_SHAPE = Code(
    "reshape-shape", "error", "a new shape can't be read, or changes more than the batch",
    "Only the first dimension of an input can be freed or get another size; a free one can be fixed.",
    "Write sizes with commas, ? for a free one: ?,224,224,3.",
)  # fmt: skip
RESHAPE_INPUT = Code(
    "reshape-input", "error", "which dimension of an input is the batch is not known",
    "It is no dense placeholder, its rank is unknown, or the inputs have different first dimensions.",
    "Give the new shape of each input that has the batch.",
)  # fmt: skip
RESHAPE_ROWS = Code(
    "reshape-rows", "error", "rows of the batch depend on each other",
    "An op computes with several rows at once, along the batch or with each other: with another number of rows it "
    "gives other results for the same row.",
    "Take an output before that op, or export the model with a free batch.",
)  # fmt: skip
RESHAPE_PINNED = Code(
    "reshape-pinned", "error", "the old size of the batch is built in, and can't be replaced with certainty",
    "A constant, a shape or a variable holds that size, or one row of the batch is taken.",
    "Take an output before that node, or export the model with a free batch.",
)  # fmt: skip
RESHAPE_OP = Code(
    "reshape-op", "error", "whether an op keeps the rows of a batch apart is not known",
    "The op has no rule, or its rule needs a shape or a value that is not known.",
    "Take an output before that node.",
)  # fmt: skip
RESHAPE_STATE = Code(
    "reshape-state", "error", "a variable holds rows of the batch",
    "It keeps them from one call to the next, as the states of a stateful LSTM, and has the batch's old size.",
    "Export the model without state.",
)  # fmt: skip
RESHAPE_SHARED = Code(
    "reshape-shared", "error", "another signature needs a node that has to change",
    "It has other inputs, so that the batch is not free for it.", "Drop the other signature in a step before.",
)  # fmt: skip
RESHAPE_RANDOM = Code(
    "reshape-random", "warning", "random numbers are drawn for each row of a batch",
    "Two runs never agree, so the verification compares dtypes and shapes alone.",
    "No action needed if the model is intended to draw random numbers.",
)  # fmt: skip
RESHAPE_REPAIRED = Code(
    "reshape-repaired", "info", "a constant that held the old size of the batch was replaced",
    "The size is now read from a tensor of that size, or TensorFlow infers it.", "Nothing; the result is verified.",
)  # fmt: skip
RESHAPE_OUTPUT = Code(
    "reshape-output", "warning", "an output has its rows in another dimension than the first, or several entries a row",
    "A client that sends several rows finds them there. TensorFlow Serving splits a batch by the first dimension.",
    "Reshape the output in a step behind, if clients expect a row each.",
)  # fmt: skip
RESHAPE_RANK = Code(
    "reshape-rank", "info", "an output gets a dimension for the batch",
    "The model took the only row of its batch out. With any number of rows the output has one more dimension in front.",
    "Clients of the old model take the first row of the output.",
)  # fmt: skip
RESHAPE_WITH = Code(
    "reshape-with", "info", "another signature takes the same input, and changes as well",
    "An input is one placeholder, whatever signature names it.", "To leave one out, drop it in a step before.",
)  # fmt: skip
RESHAPE_OTHERS = Code(
    "reshape-others", "info", "signatures with inputs of their own keep their shapes",
    "A step changes the chosen signature, and those that take the same inputs.",
    "Add a step for each other signature that should change: reshape batch=? signature=KEY.",
)  # fmt: skip
RESHAPE_CALLABLES = Code(
    "reshape-callables", "info", "callables of the object graph take any batch, or keep the old shapes",
    "In TF2 format signatures are functions of their own. A callable that a changed signature calls changes with it; "
    "others stay as they were.",
    "Call the signature, or a callable that changed.",
)  # fmt: skip
