"""Wallets and postings as their member sees them."""
