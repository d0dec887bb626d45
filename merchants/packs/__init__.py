"""Packs of points that merchants buy in advance."""
