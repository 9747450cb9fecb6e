"""The command line. `main` finds commands and turns exceptions into exit codes; each command is one file."""
