"""JSON of drafts, of proposals of offers, and of offers as staff see them: what is asked, what is told."""
