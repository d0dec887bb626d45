"""Opening balances: the lots that members bring from an older system, in totals that a second person approved."""
