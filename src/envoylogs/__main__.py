"""Run the command line with ``python -m envoylogs``."""

from envoylogs.cli.app import run

if __name__ == "__main__":
    run()
