"""Cash desks of a merchant: systems that sign with a key of their own, and the terminal for trying things out."""
