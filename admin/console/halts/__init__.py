"""The console's page of stops."""
