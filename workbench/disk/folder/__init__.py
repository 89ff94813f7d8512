"""A SavedModel's folder or a GraphDef's file: finding, reading, digests."""
