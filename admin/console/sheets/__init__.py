"""Tables as files that spreadsheets read."""
