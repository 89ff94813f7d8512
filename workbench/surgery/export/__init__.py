"""What makes a graph a SavedModel: saver, objects, functions, tables, assets."""
