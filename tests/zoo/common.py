"""Which models of the zoo the plain run takes where a test is for all of them: of each kind, and of each oddity one.

The others are made in the plain run only where a test asks for them by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.sampling import plainly

_NAMES = """
tf2_module tf2_pbtxt tf2_nested_functions tf2_equal_names tf2_cond tf2_while tf2_counter tf2_custom_gradient
tf2_optimizer tf2_old_optimizer tf2_odd_variables tf2_resaved_v1 tf2_python v1_random v1_reads_file v1_unknown_op
keras_dense keras_lstm keras_string_lookup keras_saved
v1_hash_table v1_mutable_table v1_assets_without_table tf2_hash_table tf2_tables
v1_simple_save v1_tag_sets v1_signatures v1_odd_keys v1_no_signature v1_default_input v1_passthrough
v1_lying_output_shape v1_unknown_rank v1_two_in_two_out v1_sparse_input v1_ragged_input v1_names_and_places
v1_functions v1_estimator graphdef_pb graphdef_pbtxt
v1_cond v1_while_functional v1_while_nested v1_while_ref
v1_ref_variables v1_ref_counter v1_ref_and_resource v1_ref_partitioned v1_sharded v1_adam_slots v1_renamed_keys
v1_odd_variables v1_main_op v1_legacy_init_op v1_queue v1_shared_names
tf2_signatures tf2_callables_only tf2_default_inputs tf2_shapes tf2_strings tf2_dtypes tf2_sparse tf2_ragged
tf2_image
"""
COMMON = frozenset(_NAMES.split())


def commonly(parameters: Iterable[Any], step: int = 1) -> list[Any]:
    """Return all parameters, marked exhaustive unless they are for a common model.

    Args:
        parameters: names of models, or tuples that begin with one.
        step: of the common ones only each `step`-th is taken.
    """
    given = list(parameters)
    return plainly(given, *[one for one in given if _model(one) in COMMON][::step])


def _model(parameter: Any) -> str:
    values = getattr(parameter, "values", parameter)
    return str(values if isinstance(values, str) else values[0])
