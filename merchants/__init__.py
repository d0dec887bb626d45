"""Who takes part: merchants, outlets, terminals, terms, acceptances, statements."""
