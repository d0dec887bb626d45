"""Imports, on pages."""
