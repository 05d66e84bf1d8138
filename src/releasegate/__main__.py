"""`python -I -m releasegate`: the way the action starts the program."""

from releasegate.cli.main import main

if __name__ == "__main__":
    main()
