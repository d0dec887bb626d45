"""Traces in the console."""
