"""Stopping what members, tills and payouts do, and letting it go on by two persons."""
