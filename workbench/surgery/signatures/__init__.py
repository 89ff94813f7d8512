"""The signatures of a result: designed for a join, changed, made of a callable."""
