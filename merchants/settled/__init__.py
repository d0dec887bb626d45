"""What a merchant sees of its settlement: statements, each line down to its acceptance, and where the money stands."""
