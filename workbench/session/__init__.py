"""What a person does with models before a merge is there, without any user interface: open, look, wire, undo.

Everything here is plain Python that a script can call; the terminal UI draws it.
"""
