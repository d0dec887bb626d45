"""Points that members earn at a merchant, which owes for them."""
