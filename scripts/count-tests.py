"""Prints how many tests of a meson log passed, failed and were skipped."""
import json
import sys

COUNTED = {"OK": 0, "EXPECTEDFAIL": 0, "SKIP": 2}
FAILED = 1


def main() -> None:
    counts = [0, 0, 0]
    with open(sys.argv[1], encoding="utf-8") as log:
        for line in log:
            counts[COUNTED.get(json.loads(line)["result"], FAILED)] += 1
    print(*counts)


if __name__ == "__main__":
    main()
