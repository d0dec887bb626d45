"""Members as the staff sees them."""
