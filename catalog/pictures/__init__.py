"""Pictures of offers, known by the hash of what they are."""
