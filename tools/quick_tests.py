"""Prints the unit tests of a build that took less than SECONDS in its last run, one a line.

usage: quick_tests.py BUILD SECONDS
"""
import json
import re
import sys


def main(build, seconds):
    with open(build + "/meson-info/intro-tests.json", encoding="utf-8") as file:
        unit = {test["name"] for test in json.load(file)
                if any(suite.endswith(":unit") or suite == "unit" for suite in test["suite"])}
    with open(build + "/meson-logs/testlog.json", encoding="utf-8") as file:
        for line in file:
            test = json.loads(line)
            name = re.split(" / |:", test["name"])[-1]  # old and new ways to name the suite
            if name in unit and test["duration"] < float(seconds):
                print(name)


if __name__ == "__main__":
    main(*sys.argv[1:])
