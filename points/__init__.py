"""Members and their points: wallets, postings, earning, expiry, policies."""
