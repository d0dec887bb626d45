"""A merchant's people: invited, in roles, signed in, ended."""
