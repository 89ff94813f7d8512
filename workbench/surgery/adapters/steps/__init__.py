"""The adapters by topic."""
