"""Make a graph a SavedModel: saver, object graph, functions, tables, collections, assets."""
