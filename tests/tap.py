"""Runs Python functions as tests, with TAP on stdout."""
import tempfile
import traceback


def run(tests):
    """tests: (title, body); each body gets an empty directory of its own. Exit status 0 or 1."""
    print(f"1..{len(tests)}" + ("" if tests else " # SKIP nothing to test"), flush=True)
    failures = 0
    for number, (title, body) in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as directory:
            try:
                body(directory)
                print(f"ok {number} - {title}", flush=True)
            except Exception:  # whatever went wrong is this test's failure
                failures += 1
                print(f"not ok {number} - {title}", flush=True)
                print("".join("# " + line + "\n" for line in traceback.format_exc().splitlines()),
                      end="", flush=True)
    return failures > 0
