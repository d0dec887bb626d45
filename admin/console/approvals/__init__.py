"""The console's pages of proposals: what waits, what was decided, and deciding."""
