"""Care: which department a member belongs to by card, and the person who looks after it."""
