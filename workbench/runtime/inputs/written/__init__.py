"""Values for inputs as they are written on a command line: expressions, and the forms of saved_model_cli."""
