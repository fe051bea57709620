"""Run the command line with ``python -m envoylogs``."""

from envoylogs.cli.app import main

if __name__ == "__main__":
    main()
