"""Merchants and statements as the staff sees them."""
