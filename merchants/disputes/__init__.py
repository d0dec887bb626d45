"""Disputes: what a member says of an acceptance, who looks into it, and what comes of it."""
