"""``python -m kanopt``: the command line."""

from kanopt.cli import main

if __name__ == "__main__":
    main()
