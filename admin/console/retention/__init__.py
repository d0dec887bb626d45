"""Redemption and staying, on a page."""
