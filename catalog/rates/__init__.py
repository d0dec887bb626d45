"""Rates: what points buy, versioned by date."""
