"""`python -m ecs_connector.sailor [METHOD]`."""

import sys

from ecs_connector.sailor.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
