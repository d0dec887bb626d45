"""What every page of every face stands on: the base template, macros, vendored assets, languages."""
