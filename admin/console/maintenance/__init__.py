"""Planned work: announcing and ending it."""
