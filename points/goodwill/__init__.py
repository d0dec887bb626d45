"""Goodwill: points that a person of the staff proposes for a member, given under a goodwill rule and its budget."""
