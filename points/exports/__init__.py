"""A member's own data as a file."""
