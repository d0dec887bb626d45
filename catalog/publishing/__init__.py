"""How an offer comes to be: a draft in five steps, two persons, versions; and how it is paused and ended."""
