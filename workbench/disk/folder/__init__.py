"""The folder of a SavedModel, or the file of a GraphDef: finding it, reading it, its assets, its digest."""
