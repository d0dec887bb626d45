"""Points frozen and thawed by staff."""
