"""Background work, on a page."""
