"""Puts everything together: the web application, the command line, the worker, the pages of all faces."""
