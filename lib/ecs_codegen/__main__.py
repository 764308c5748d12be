"""`python -m ecs_codegen generate | check | report OLD NEW`."""

from __future__ import annotations

import argparse
import os
import sys

from ecs_codegen import report, write
from ecs_codegen.source import CorrectionError, load

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def main(argv: list[str] | None = None) -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="ecs_codegen", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("generate", help="write what is generated")
    commands.add_parser("check", help="fail when a generated file differs from what would be written")
    compare = commands.add_parser("report", help="what one model version would change against another")
    compare.add_argument("old", nargs="?", help="botocore version or data folder; default: the installed one")
    compare.add_argument("new", nargs="?", help="botocore version or data folder; default: the newest on the index")
    compare.add_argument("--json", action="store_true", help="machine-readable")
    arguments = parser.parse_args(argv)
    try:
        if arguments.command == "report":
            return report.main(arguments.old, arguments.new, as_json=arguments.json)
        source = load()
        wanted = {**write.files(source), **write.documents(source, ROOT)}
    except (CorrectionError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if arguments.command == "generate":
        changed = write.write(ROOT, wanted)
        sys.stdout.write(f"{len(wanted)} files generated, {len(changed)} changed\n")
        return 0
    found = write.differences(ROOT, wanted)
    if found:
        sys.stderr.write(
            "\n".join(found) + f"\n{len(found)} files differ: run `make generate` and commit the result.\n"
        )
        return 1
    sys.stdout.write(f"{len(wanted)} generated files are up to date\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
