"""Recoveries: how what merchants owe comes back."""
