"""Gifts: points from one member to another of the same programme, with limits and a time to undo."""
