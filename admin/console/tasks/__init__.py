"""Tasks of care in the console."""
