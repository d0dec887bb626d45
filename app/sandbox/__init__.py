"""Stand-ins for systems of the operator, for the demo and the tests. Never for production."""
