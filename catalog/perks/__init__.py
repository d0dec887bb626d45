"""Club perks: a place or a use that a member takes."""
