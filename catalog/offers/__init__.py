"""Offers: what points can buy."""
