"""`python -m bench run [CASE ...] [--json FILE]` and `python -m bench flow`."""

from __future__ import annotations

import argparse
import json
import sys

from bench import table
from bench.measure import Result


def main() -> int:
    """Run the cases, print one table, write BENCHMARKS.md."""
    from bench.cases import CASES

    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("what", choices=("run", "flow"))
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; default: all")
    parser.add_argument("--json", metavar="FILE", help="write the samples")
    arguments = parser.parse_args()
    if arguments.what == "flow":
        from bench import flow

        return flow.main(arguments.cases, arguments.json)
    results: list[Result] = []
    for name in arguments.cases or CASES:
        sys.stderr.write(f"{name} ...\n")
        results += CASES[name]()
    text = table.markdown(results)
    sys.stdout.write(f"{table.machine()}\n\n{text}\n")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"machine": table.machine(), "results": [result.as_json() for result in results]}, file, indent=1)
    if not arguments.cases:
        table.put_section("BENCHMARKS.md", "Beside boto3", f"{table.machine()}\n\n{text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
