"""The books: what happened, as balanced debits and credits, derived from the facts whenever they are asked for."""
