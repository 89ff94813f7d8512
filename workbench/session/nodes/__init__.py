"""The nodes of a model: as trees of name scopes, and as rows."""
