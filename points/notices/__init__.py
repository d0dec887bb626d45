"""What members are told about their points: to whom, every debit, and what lapses soon."""
