"""One deed for several rows of a list, each by itself."""
