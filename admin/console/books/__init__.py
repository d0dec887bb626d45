"""The books on the console."""
