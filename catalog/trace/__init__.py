"""Any redemption to its payout and back, for the operator's finance."""
