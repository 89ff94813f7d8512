"""The functions of `tf` that a reference may call: they compute, and read and write nothing."""

from __future__ import annotations

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
