"""Terms by two persons, confirmed by the merchant's owner."""
