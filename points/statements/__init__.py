"""Statements of points: a member's month, from what was there at its begin to what was there at its end."""
