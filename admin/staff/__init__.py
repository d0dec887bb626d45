"""Staff of the operator and their sign-in."""
