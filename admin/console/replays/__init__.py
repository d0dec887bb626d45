"""Replays of proposals, on pages."""
