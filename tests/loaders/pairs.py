"""The joins of the table: what people have, and what is hard about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Join:
    """Models by handle, each a name of `NETWORKS` or of the zoo, and wires by key of signature or callable.

    `real`: a network on both sides. `quick`: among those that the exhaustive run of the tests looks at. `steps`: what
    is done besides, as `--step` takes it; a single model has no wires.
    """

    name: str
    parts: dict[str, str]
    wires: tuple[str, ...]
    real: bool = False
    quick: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    steps: tuple[str, ...] = ()


def join(name: str, *models: str, real: bool = False, quick: bool = False, **options: Any) -> Join:
    """`join(name, "first", "out=in", "second", "out=in", "third")`."""
    parts = dict(zip("abcdef", models[::2], strict=False))
    handles = list(parts)
    wires = []
    for index, texts in enumerate(models[1::2]):
        for text in texts.split(" & "):
            out, _, key = text.rpartition("=")
            wires.append(f"{handles[index]}@{out} = {handles[index + 1]}@{key}")
    return Join(name, parts, tuple(wires), real, quick, options)


def real(name: str, *models: str, quick: bool = False) -> Join:
    return join(name, *models, real=True, quick=quick)


def changed(name: str, model: str, *steps: str) -> Join:
    """A model changed by steps."""
    return Join(name, {"a": model}, (), steps=steps)


# fmt: off
JOINS = [
    # a network on both sides
    real("U-Net, MobileNetV2", "denoiser", "output_0=image", "mobilenet_v2"),
    real("U-Net, MobileNetV3", "denoiser", "output_0=image", "mobilenet_v3"),
    real("U-Net, LeNet of TF1", "denoiser", "output_0=x", "lenet_v1"),
    real("U-Net, a frozen GraphDef", "denoiser", "output_0=image", "convnet_graphdef"),
    real("U-Net twice", "denoiser", "output_0=noisy", "denoiser"),
    real("Keras 2 on both sides", "upscaler", "lambda=input_1", "mobilenet_v1"),
    real("a GAN's generator, EfficientNet", "generator", "output_0=inputs", "efficientnet_b0"),
    real("generator, U-Net, MobileNet of Keras 2", "generator", "output_0=noisy", "denoiser", "output_0=input_1",
         "mobilenet_v1"),
    real("callables of TensorFlow Hub, ResNet", "resnet_hub", "output_0=inputs", "head_hub"),
    real("ResNet by its callable, an export", "resnet_hub", "output_0=features", "mlp"),
    real("MobileNetV2, Dense", "mobilenet_v2", "output_0=features", "mlp"),
    real("MobileNetV3, saved by tf.saved_model.save", "mobilenet_v3", "output_0=inputs", "mlp_saved"),
    real("MobileNet of Keras 2, its Dense", "mobilenet_v1", "features=features", "mlp_keras2"),
    real("LeNet of TF1, a callable", "lenet_v1", "features=inputs", "head_hub"),
    real("a frozen GraphDef, Dense", "convnet_graphdef", "features=features", "mlp"),
    real("CRNN, GRUs", "crnn", "output_0=steps", "tagger"),
    real("CRNN, LSTM cells of Keras 2", "crnn", "output_0=steps", "tagger_keras2"),
    real("CRNN, a transformer", "crnn", "output_0=steps", "transformer"),
    real("an encoder with attention, GRUs", "encoder", "sequence=steps", "tagger"),
    real("a transformer, Dense", "transformer", "output_0=features", "mlp"),
    real("text, LSTM, Dense", "text_lstm", "output_0=features", "mlp", quick=True),
    real("text of Keras 2, Dense", "text_keras2", "features=features", "mlp_keras2"),
    real("preprocessing of columns, Dense", "tabular", "output_0=features", "mlp"),
    real("sound, MobileNetV3", "spectrogram", "image=image", "mobilenet_v3"),
    # variables
    join("TF2 twins of equal names", "tf2_module", "y=x", "tf2_module_twin"),
    join("three variables of one name, twice", "tf2_equal_names", "y=x", "tf2_equal_names"),
    join("the same export twice", "keras_dense", "output_0=keras_tensor", "keras_dense"),
    join("reference variables of TF1", "v1_ref_variables", "y=x", "v1_ref_and_resource", quick=True),
    join("partitioned variables", "v1_partitioned", "y=x", "v1_partitioned_columns", quick=True),
    join("partitioned reference variables", "v1_ref_partitioned", "y=x", "tf2_module"),
    join("variables of all dtypes", "v1_odd_variables", "y=x", "tf2_odd_variables"),
    join("1,000 variables on both sides", "v1_thousand_variables", "y=x", "tf2_thousand_variables"),
    join("an optimizer's slots", "v1_adam_slots", "y=x", "tf2_optimizer"),
    join("an optimizer that no longer loads", "tf2_old_optimizer", "y=x", "v1_simple_save"),
    join("no variables", "v1_no_variables", "y=x", "tf2_no_variables"),
    # tables
    join("tables with assets of one name", "tf2_hash_table", "ids=ids", "v1_key_value_table", "y=words",
         "tf2_hash_table_other"),
    join("tables of TF1 with assets of one name", "v1_hash_table", "ids=ids", "v1_key_value_table", "y=words",
         "v1_hash_table_other"),
    join("a table of TF1, variables of TF2", "v1_hash_table", "y=x", "tf2_module"),
    # control flow and functions
    join("loops with captured variables", "tf2_while", "y=x", "tf2_map_fn"),
    join("branches", "tf2_cond", "y=x", "v1_cond_functional"),
    join("loops and branches of TF1", "v1_while", "y=x", "v1_cond"),
    join("nested calls, four deep", "tf2_nested_functions", "y=x", "tf2_nested_functions", quick=True),
    join("functions of the same names", "v1_functions", "y=x", "v1_functions"),
    join("custom gradients", "tf2_custom_gradient", "y=x", "tf2_custom_gradient"),
    # kinds of tensors
    join("float16, bfloat16, int8, strings and bools", "many_dtypes",
         "#half=half_in & #brain=brain_in & #small=small_in & #words=words_in & #flags=flags_in", "many_dtypes"),
    join("unknown rank", "v1_unknown_rank", "y=x", "tf2_module", "y=x", "v1_unknown_rank"),
    join("shapes", "tf2_shapes", "any=any & scalar=scalar & static=static", "tf2_shapes"),
    join("sparse", "v1_sparse_output", "y=x", "v1_sparse_input"),
    join("ragged", "v1_ragged_input", "twice=x", "v1_ragged_input"),
    # what else comes
    join("GraphDefs and TF2, three in a chain", "graphdef_pb", "y=x", "tf2_module", "y=x", "graphdef_pbtxt"),
    join("callables only", "tf2_callables_only", "output_0=x", "tf2_callables_only", quick=True),
    join("default inputs", "v1_simple_save", "y=x", "tf2_default_inputs"),
    join("TF1 into TF1, text into TF2", "v1_pbtxt", "y=x", "tf2_pbtxt", "y=x", "v1_simple_save"),
    join("a TF1 model saved again by TF2", "tf2_resaved_v1", "y=x", "v1_simple_twin"),
    # adapters on a wire, and steps
    join("adapters on a wire", "denoiser", "output_0 | scale 2 | scale 1/2=image", "mobilenet_v2"),
    Join("an input that is shared", {"a": "mlp", "b": "mlp_saved"}, (),
         steps=("share features=a@features,b@inputs",)),
    changed("adapt: image files into MobileNetV2", "mobilenet_v2",
            "adapt 'before=image=decode-image | resize 32 32 | scale 1/255' 'after=output_0=softmax | top-k 3'"),
    changed("adapt: text numbers", "v1_simple_save", "adapt 'after=y=cast float64 | as-string'"),
    changed("expose: inside calls", "tf2_nested_functions", "expose tensors=inner=StatefulPartitionedCall:0"),
    changed("extract: a TF1 network's part", "lenet_v1", "extract outputs=features"),
    changed("reshape: a batch fixed", "mlp", "reshape batch=2"),
    changed("set and prune-dead", "v1_cond", "prune-dead"),
    changed("prune: an optimizer's slots", "v1_adam_slots", "prune"),
    changed("freeze and flatten", "tf2_module", "freeze", "flatten format=tf1"),
    changed("clear-devices, a signature renamed", "tf2_while", "clear-devices", "signature rename_outputs=y=scores"),
]
# fmt: on
