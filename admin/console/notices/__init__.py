"""Messages in the console: their texts, their rules, what became of them."""
