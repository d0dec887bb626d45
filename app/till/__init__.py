"""The till's pages."""
