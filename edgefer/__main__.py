"""Run the command line as ``python -m edgefer``."""

from edgefer.cli import main

if __name__ == "__main__":
    main()
