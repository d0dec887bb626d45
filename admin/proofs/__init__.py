"""Proof that a service was done: what the system recorded, what members said, and what a sample of them confirmed."""
