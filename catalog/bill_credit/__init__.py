"""Bill credit: points that lower the next phone bill."""
