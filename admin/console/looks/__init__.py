"""Who looked at whom: the view log, and seeing personal data in clear."""
