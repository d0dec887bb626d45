"""Every touch with a member: by which way, by whom, what for, what came of it, what is next."""
