"""Trial cards: a merchant's voucher without a price, for one named member, by two persons; and what came of it."""
