"""`python -m ecs_connector`: the same as `ecs-connector`."""

import sys

from ecs_connector.cli import main

if __name__ == "__main__":
    sys.exit(main())
