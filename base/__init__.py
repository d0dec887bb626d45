"""What every package stands on: configuration, database, errors, sign-in, jobs, time, ids, money."""
