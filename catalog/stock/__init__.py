"""Stock: how many of a limited offer are left, and every change of it that no redemption made."""
