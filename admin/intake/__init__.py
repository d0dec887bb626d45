"""Files that people send by way of a page."""
