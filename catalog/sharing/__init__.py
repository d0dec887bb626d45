"""Offers and events that members share, and how far that reaches."""
