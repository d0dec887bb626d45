"""Pages of the alerts about tills."""
