"""Bundles: several offers at one price, all of them or none."""
