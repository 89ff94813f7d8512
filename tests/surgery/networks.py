"""Networks of Keras with the layers of known ones, and few of them."""

from __future__ import annotations

from typing import Any


def small_mobilenet(image: Any, classes: int, activation: str | None = "softmax") -> Any:
    """MobileNetV2 with two of its seventeen blocks: the whole one takes many seconds to export.

    Args:
        image: its input.
        classes: how many scores it gives.
        activation: of the scores.
    """
    import keras
    from keras.src.applications.mobilenet_v2 import _inverted_res_block as block

    layers = keras.layers
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(image)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    x = block(x, filters=8, alpha=1.0, stride=2, expansion=6, block_id=1)
    x = block(x, filters=8, alpha=1.0, stride=1, expansion=6, block_id=2)  # what went in is added
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(classes, activation)(x))
