"""Checkpoints (TensorBundles): an index of entries, and data files of bytes.

`bundle_read` opens and checks one, `bundle_write` writes one and joins several; this is the door to both.
"""

from workbench.disk.checkpoint.bundle_entries import Entry, Slice
from workbench.disk.checkpoint.bundle_read import Bundle
from workbench.disk.checkpoint.bundle_write import JoinPart, Tensor, join, joined_size, write
from workbench.disk.checkpoint.data_files import shard_path

__all__ = ["Bundle", "Entry", "JoinPart", "Slice", "Tensor", "join", "joined_size", "shard_path", "write"]
