"""Counts the tests of a meson log that passed, failed and were skipped, and names those that
failed, a line each; names the reasons for skips on standard error."""

import json
import re
import sys

COUNTED = {"OK": 0, "EXPECTEDFAIL": 0, "SKIP": 2}
FAILED = 1
REASON = re.compile(r"skipped: [^\n]*")


def main() -> None:
    counts = [0, 0, 0]
    failures: list[str] = []
    reasons: dict[str, set[str]] = {}
    with open(sys.argv[1], encoding="utf-8") as log:
        for test in map(json.loads, log):
            outcome = COUNTED.get(test["result"], FAILED)
            counts[outcome] += 1
            if outcome == FAILED:
                failures.append(f"{test['name']} ({test['result'].lower()})")
            for reason in REASON.findall(test.get("stdout", "")):
                reasons.setdefault(reason, set()).add(test["name"])
    for reason, tests in sorted(reasons.items()):
        print(f"   {reason} (in {', '.join(sorted(tests))})", file=sys.stderr)
    print(*counts)
    print(*failures, sep="\n")


if __name__ == "__main__":
    main()
