"""What the operator and a merchant agree: terms, packs of points."""
