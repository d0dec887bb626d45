"""Who is asking, and what they may do: principals, permissions, sign-ins, keys, guess limits."""
