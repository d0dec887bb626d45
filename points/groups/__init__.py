"""Groups: customers with a wallet that some of their contacts may spend, each up to a cap in a month."""
