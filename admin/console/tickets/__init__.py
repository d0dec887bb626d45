"""Tickets on the console: the list that each works from, and one of them."""
