"""Statements: settlement periods of a merchant, sealed and chained."""
