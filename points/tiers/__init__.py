"""Tiers: what members reach by points earned in a window, or are granted by two persons."""
