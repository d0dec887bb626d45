"""The merchant's pages, for its owners, finance people and outlet managers."""
