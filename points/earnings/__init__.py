"""What bills would earn: questions that write nothing."""
