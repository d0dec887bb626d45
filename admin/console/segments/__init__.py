"""Segments on pages: what they ask, how many they were, and a rule that is tried before it is made."""
