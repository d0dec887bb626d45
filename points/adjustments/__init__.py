"""Adjustments: points added or taken by hand, proposed by one person and approved by another."""
