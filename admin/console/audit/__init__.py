"""The audit log: search, check, export."""
