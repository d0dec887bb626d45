"""The page on which a person of the staff looks after the own sign-in."""
