"""Members of an invented world whose answer is known: scenarios, their months, their truth, and the estimators' exam."""
