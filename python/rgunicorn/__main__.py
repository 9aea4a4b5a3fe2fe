"""The command: ``rgunicorn`` and ``python -m rgunicorn``."""

import sys

from rgunicorn import _rgunicorn


def main() -> int:
    """Run the command with the arguments of this process and return its exit status."""
    return _rgunicorn.main(["rgunicorn", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
