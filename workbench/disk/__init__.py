"""Bytes to messages and tensors and back. Knows the formats, not what a model means."""
