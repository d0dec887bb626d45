"""The audit log searched, and its chains checked."""
