"""Disputes in the console."""
