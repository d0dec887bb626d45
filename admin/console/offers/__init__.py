"""Offers and rates as the staff sees them."""
