"""What the operator's systems ask of wallets directly, one operation or hundreds."""
