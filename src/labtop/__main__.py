"""`python -m labtop`: the same as the console script."""

from labtop.cli.entry import main

if __name__ == "__main__":
    main()
