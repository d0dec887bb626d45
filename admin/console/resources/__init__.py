"""Resources of service in the console."""
