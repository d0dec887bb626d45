"""Redemptions: the member spends points on an offer."""
