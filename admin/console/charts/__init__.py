"""Charts of the console: each is a table that may be drawn, and a file of the same rows."""
