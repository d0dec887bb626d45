"""Points frozen by hand: by their member, or by staff."""
