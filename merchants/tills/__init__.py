"""A merchant's tills in the hands of its people: added, paired, revoked."""
