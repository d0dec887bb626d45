"""Entitlements: what a tier allows in a period without points, counted use by use."""
