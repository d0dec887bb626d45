"""Planned work: announced ahead on every face, and read-only while it lasts, if it says so."""
