"""`python -m clika_core` is `clika`, for where the console script is not on the path."""

from clika_core.cli.main import main

if __name__ == "__main__":
    main()
