"""Counts the tests of meson's logs, subtests one by one.

usage: count_tests.py [--failed N] LOG...

LOG is a log's path without its ending: BUILD/meson-logs/testlog. --failed adds failures of what
could not even be run. Names what failed; the last line is "N passed, N failed"; exit status 0 if
none failed and some passed.
"""
import json
import re
import sys
import xml.etree.ElementTree as ElementTree

NEITHER = ("SKIP", "EXPECTEDFAIL", "IGNORED")


def programs(log):
    """(name, result) of each test program."""
    with open(log + ".json", encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            yield record["name"], record["result"]


def subtests(log):
    """{program: [(subtest, "OK", "FAIL" or "SKIP")]} of the programs that speak TAP."""
    with open(log + ".junit.xml", encoding="utf-8", errors="replace") as file:
        text = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "?", file.read())  # not allowed in XML
    found = {}
    for suite in ElementTree.fromstring(text).iter("testsuite"):
        _, dot, program = suite.get("name", "").partition(".")  # PROJECT.PROGRAM
        if not dot:
            continue  # the suite of all programs without subtests
        for case in suite.iter("testcase"):
            tags = {child.tag for child in case}
            result = "SKIP" if "skipped" in tags else "FAIL" if tags & {"failure", "error"} else "OK"
            found.setdefault(program, []).append((case.get("name"), result))
    return found


def count(log):
    """(passed, [what failed]) of one log."""
    inner = subtests(log)
    passed, failed = 0, []
    for program, result in programs(log):
        cases = inner.get(program, [])
        passed += sum(r == "OK" for _, r in cases)
        bad = [f"{program}: {name}" for name, r in cases if r == "FAIL"]
        failed += bad
        if result == "OK" and not cases:
            passed += 1
        elif result != "OK" and result not in NEITHER and not bad:
            failed.append(f"{program}: {result}")  # crashed, timed out, or failed as a whole
    return passed, failed


def main(arguments):
    passed, failures = 0, 0
    if arguments[:1] == ["--failed"]:
        failures, arguments = int(arguments[1]), arguments[2:]
    for log in arguments:
        try:
            ok, bad = count(log)
        except (OSError, ValueError, ElementTree.ParseError) as error:
            ok, bad = 0, [f"no log: {error}"]
        for name in bad:
            print(f"FAILED {log}: {name}")
        passed, failures = passed + ok, failures + len(bad)
    print(f"{passed} passed, {failures} failed")
    return failures > 0 or passed == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
