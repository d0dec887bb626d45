"""Facts as events with amounts: for each event one question to the database, over whatever time is asked for."""
