"""Verification of models on disk: against their sources or another model."""
