"""Tax invoices of statements, in both directions."""
