"""Bytes to messages and tensors, and back.

The room knows formats, not what a model means.
"""
