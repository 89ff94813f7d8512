"""The terminal UI: it draws `workbench.session` and calls it, and decides nothing. Textual is imported only here."""
