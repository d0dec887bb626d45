"""Lines: the member's subscription at the operator, its events, and what each of its states allows."""
