"""Members: one customer in one programme, found by the operator's customer id, signed in by phone."""
