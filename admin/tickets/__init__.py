"""What members ask and complain of: taken by one person, answered in time, called back, closed."""
