"""Proving a model again: against the sources in its recipe, or against another model."""
