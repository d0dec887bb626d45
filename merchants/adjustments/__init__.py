"""Adjustments of a merchant's account by two persons: a line of its next statement."""
