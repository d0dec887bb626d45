"""The operations console: the staff's pages."""
