"""Adapters: small steps that make a tensor fit an input, or an output fit its reader."""
