"""Messages as bytes: the wire format, and what is written or changed in it without a message class."""
