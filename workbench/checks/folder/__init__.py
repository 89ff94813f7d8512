"""Checks of a SavedModel folder: checkpoint, assets, fingerprint and the files beside them."""
