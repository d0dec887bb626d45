"""Club perks: a use at a provider, from an allowance or for points."""
