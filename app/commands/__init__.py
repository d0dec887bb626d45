"""The verbs of the command line, a file for each topic; app/cli.py gathers them."""
