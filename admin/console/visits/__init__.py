"""Visits in the console."""
