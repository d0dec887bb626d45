"""Pages of the console about settlement: payouts and their runs, adjustments, invoices, traces."""
