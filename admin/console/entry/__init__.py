"""The console's door: sign in, second factor, a first password, single sign-on."""
