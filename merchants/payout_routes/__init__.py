"""Where merchants are paid: at Stripe or a bank, and how that changes."""
