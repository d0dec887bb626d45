"""A merchant's shops: where they are and when they are open."""
