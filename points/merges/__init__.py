"""Merges: two memberships of one customer become one; points and debt move to the survivor."""
