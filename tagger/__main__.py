"""The command line, run as `python -m tagger`."""

from tagger.cli.main import main

if __name__ == "__main__":
    main()
