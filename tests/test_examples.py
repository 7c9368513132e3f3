"""The contract of the example programs, tried on each that meson names. TAP on stdout.

usage: test_examples.py PROGRAM...

Exit status 0, 1 or 2; one clear line on stderr for what is refused; the JSON's schema; equal
results for any number of threads; files that are written as a whole or not at all.
"""
import json
import math
import os
import pty
import shutil
import subprocess
import sys

import tap

TIMEOUT = 100  # seconds a run
FOREVER = "1000000000"  # steps that nobody could wait for: whoever answers has not begun
SMALL = ["--quick", "--steps=1", "--dim=2", "--context=3", "--batch=64"]  # for what is not judged
COMMON = ["dim", "context", "noise", "batch", "steps", "lr", "seed", "threads", "json", "csv",
          "plot", "quick", "population"]
FILES = ["json", "csv", "plot"]
RESULTS = ["eta_trained", "eta_theory", "gamma_distance", "even_part", "risk_trained",
           "risk_optimum", "risk_one_step", "risk_ridge", "risk_bayes", "seconds"]
DEMO = "demo-example"


def environment(**changes):
    """A poor environment: no HOME, no terminal, no locale."""
    kept = {k: v for k, v in os.environ.items()
            if k in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") or "SAN_OPTIONS" in k}
    kept.update(changes)
    return kept


def run(program, *flags, env=None, **options):
    return subprocess.run([program, *flags], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=env or environment(), timeout=TIMEOUT,
                          **options)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def is_number(x):
    return isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x)


def is_value(x):
    """A number, null, or an array of such."""
    return x is None or is_number(x) or isinstance(x, list) and all(map(is_value, x))


class Example:
    """The tests of one program; those that need files get a directory of their own."""

    def __init__(self, program, directory):
        self.program = program
        self.name = os.path.basename(program)
        self.directory = directory
        self.plots = shutil.which("gnuplot") is not None

    def path(self, name):
        return os.path.join(self.directory, name)

    def refuses(self, flags, *words, **options):
        """Exit status 2, nothing on stdout, one line on stderr that holds the words."""
        done = run(self.program, *flags, **options)
        text = done.stderr.decode()
        assert done.returncode == 2, f"{flags}: status {done.returncode}, {text!r}"
        assert done.stdout == b"", f"{flags}: stdout {done.stdout!r}"
        assert text.startswith(self.name + ": ") and text.count("\n") == 1, f"{flags}: {text!r}"
        assert text.endswith("\n") and len(text) < 300, f"{flags}: {text!r}"
        for word in words:
            assert word in text, f"{flags}: {word!r} is not in {text!r}"

    # ---- what is refused ----

    def test_help(self):
        done = run(self.program, "--help", "--nonsense")
        text = done.stdout.decode("ascii")
        assert done.returncode == 0 and done.stderr == b"", done
        for flag in COMMON + ["help"]:
            assert f"\n  --{flag} " in text, f"--{flag} is not in the help"
        assert f"usage: {self.name} [options]" in text
        assert all(len(line) <= 90 for line in text.split("\n"))
        assert not any(line.endswith(" ") for line in text.split("\n"))

    def test_unknown_options_are_refused(self):
        self.refuses(["--nonsense"], "--nonsense")
        self.refuses(["--nonsense=3", "--quick"], "--nonsense=3")
        self.refuses(["--quick", "--di", "3"], "--di")
        self.refuses(["-d", "3"], "-d")
        self.refuses(["stray"], "stray")

    def test_wrong_values_are_refused(self):
        wrong = {"dim": ["0", "-1", "x", "1.5", "", "99999999999999999999"],
                 "context": ["-1", "x", "1e2"], "noise": ["-1", "nan", "inf", "x", "1,2"],
                 "batch": ["0", "-5"], "steps": ["0", "1.5"], "lr": ["0", "-0.1", "nan"],
                 "seed": ["-1", "9223372036854775808", "0x1"], "threads": ["0", "99999"]}
        for flag, values in wrong.items():
            for value in values:
                self.refuses([f"--{flag}={value}"], f"--{flag}", f'"{value}"')
                self.refuses([f"--{flag}", value], f"--{flag}", f'"{value}"')
        self.refuses(["--quick=1"], "--quick")

    def test_missing_values_are_refused(self):
        for flag in ["dim", "seed"] + FILES:
            self.refuses(["--" + flag], "--" + flag)
            self.refuses(["--" + flag, "--quick"], "--" + flag)

    def test_own_lists_and_choices(self):
        text = run(self.program, "--help").stdout.decode()
        if "\n  --spectrum " in text:
            self.refuses(["--spectrum", "1,,2"], "--spectrum", '"1,,2"')
            self.refuses(["--dim", "3", "--spectrum", "1,2"], "--spectrum", "--dim")
        for flag in ["prior", "law", "outcome"]:
            if f"\n  --{flag} " in text:
                self.refuses([f"--{flag}", "nonsense"], f"--{flag}", '"nonsense"')

    def test_unwritable_files_are_refused_at_once(self):
        for flag in FILES:
            path = self.path("no/file.png")
            self.refuses(["--steps", FOREVER, f"--{flag}", path], f"--{flag}", path, "No such file")
        self.refuses(["--steps", FOREVER, "--json", self.directory], "--json", "directory")

    def test_old_files_survive_a_refusal(self):
        old = self.path("old.json")
        with open(old, "w") as file:
            file.write("old")
        self.refuses(["--json", old, "--csv", self.path("no/file")], "--csv")
        self.refuses(["--json", old, "--csv", old], "--json", "--csv")
        assert read(old) == b"old"
        os.unlink(old)

    def test_plots_that_cannot_be_are_refused_at_once(self):
        for name in ["a.pdf", "a", "png"]:
            self.refuses(["--steps", FOREVER, "--plot", self.path(name)], "--plot", name)
        self.refuses(["--steps", FOREVER, "--plot", self.path("a.png")], "--plot", "gnuplot",
                     env=environment(PATH="/nonexistent"))
        assert os.listdir(self.directory) == []

    # ---- what is run ----

    def check_schema(self, found):
        assert list(found) == ["example", "settings", "results", "checks"], list(found)
        assert found["example"] == self.name
        for flag in COMMON:
            assert (flag in found["settings"]) == (flag not in FILES), flag
        assert is_number(found["results"]["seconds"])
        for name, value in found["results"].items():
            assert is_value(value), f"{name} is {value!r}"
        if self.name != DEMO:
            for name in RESULTS:
                assert name in found["results"], f"no {name} in results"
        assert found["checks"], "no checks"
        for check in found["checks"]:
            assert list(check) == ["name", "value", "expected", "tolerance", "pass"], check
            assert isinstance(check["name"], str) and isinstance(check["pass"], bool), check
            numbers = [check["value"], check["expected"], check["tolerance"]]
            agrees = all(map(is_number, numbers)) and abs(numbers[0] - numbers[1]) <= numbers[2]
            assert check["pass"] == agrees, check

    def check_csv(self, text):
        lines = text.decode("ascii").splitlines()
        names = lines[0].split(",")
        assert names[:2] == ["step", "loss"], names
        rows = [line.split(",") for line in lines[1:]]
        assert rows and all(len(row) == len(names) for row in rows)
        steps = [float(row[0]) for row in rows]
        assert all(a < b for a, b in zip(steps, steps[1:])), "steps do not rise"
        assert all(field == "" or math.isfinite(float(field)) for row in rows for field in row)

    def quick(self, *flags, name="run", kind="svg", status=0):
        """A quick run with all files: (JSON, CSV, stdout)."""
        files = [self.path(f"{name}.{end}") for end in ("json", "csv", kind)]
        plot = ["--plot", files[2]] if self.plots else []
        done = run(self.program, "--quick", "--json", files[0], "--csv", files[1], *plot, *flags)
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        assert done.stderr == b"", f"stderr is no terminal, but got {done.stderr!r}"
        assert sorted(os.listdir(self.directory)) == sorted(
            os.path.basename(f) for f in (files if self.plots else files[:2]))
        if self.plots:
            head = {"png": b"\x89PNG", "svg": b"<?xml"}[kind]
            assert read(files[2]).startswith(head), f"{files[2]} is no {kind}"
        found, series = json.loads(read(files[0])), read(files[1])
        for file in os.listdir(self.directory):
            os.unlink(self.path(file))
        self.check_schema(found)
        self.check_csv(series)
        return found, series, done.stdout.decode("ascii")

    def test_quick_run_agrees_with_theory_for_any_threads(self):
        found, series, table = self.quick("--threads", "1", kind="png")
        assert all(check["pass"] for check in found["checks"])
        assert "\nYES: " in table and "DISAGREES" not in table
        assert found["settings"]["quick"] is True and found["settings"]["threads"] == 1
        again, series_again, _ = self.quick("--threads", "3")
        for one in (found, again):
            del one["results"]["seconds"], one["settings"]["threads"]
        assert found == again, "three threads change the results"
        assert series == series_again, "three threads change the series"

    def test_population(self):
        found, _, _ = self.quick("--population")
        assert found["settings"]["population"] is True
        assert all(check["pass"] for check in found["checks"])

    def test_disagreement_has_status_1(self):
        flags = ["--outcome", "fail"] if self.name == DEMO else SMALL
        found, _, table = self.quick(*flags, status=1)
        assert not all(check["pass"] for check in found["checks"])
        assert "\nNO: " in table and "DISAGREES" in table

    def test_a_bad_minimum_is_named_and_left_by_restarts(self):
        if self.name != "preconditioned-gd":
            return
        flags = ["--spectrum=100,100,1,1,1", "--population", "--init=gaussian", "--seed=3"]
        result = run(self.program, *flags)
        assert result.returncode == 1, result.returncode
        assert "bad minimum" in str(result.stdout), result.stdout
        assert run(self.program, *flags, "--restarts=10").returncode == 0

    def test_json_to_stdout_is_json_only(self):
        seed = 2**63 - 1
        done = run(self.program, *SMALL, f"--seed={seed}", "--json", "/dev/stdout")
        assert done.returncode in (0, 1), done
        found = json.loads(done.stdout)
        self.check_schema(found)
        assert found["settings"]["seed"] == seed and found["settings"]["steps"] == 1
        assert b"quantity" in done.stderr  # people read the table there

    def test_json_to_a_redirected_stdout(self):
        for flags in (["--json", "/dev/stdout"], ["--json", self.path("both")]):
            with open(self.path("both"), "wb") as file:
                done = subprocess.run([self.program, *SMALL, *flags], stdout=file,
                                      stderr=subprocess.PIPE, env=environment(), timeout=TIMEOUT)
            assert done.returncode in (0, 1), done
            self.check_schema(json.loads(read(self.path("both"))))
        os.unlink(self.path("both"))

    def test_full_disks_are_reported(self):
        done = run(self.program, *SMALL, "--json", "/dev/full")
        assert done.returncode == 2, done
        assert done.stderr.count(b"\n") == 1 and b"--json" in done.stderr, done.stderr
        assert b"/dev/full" in done.stderr and b"No space left" in done.stderr, done.stderr
        with open("/dev/full", "wb") as full:
            for flags in (SMALL, ["--help"]):
                done = subprocess.run([self.program, *flags], stdout=full, stderr=subprocess.PIPE,
                                      env=environment(), timeout=TIMEOUT)
                assert done.returncode == 2, done
                assert done.stderr.count(b"\n") == 1, done.stderr

    def on_a_terminal(self, *flags):
        """What a run draws on a terminal that is its stderr."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen([self.program, *flags], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=theirs,
                                   env=environment(TERM="xterm"))
        os.close(theirs)
        drawn = b""
        try:
            while chunk := os.read(ours, 4096):
                drawn += chunk
        except OSError:  # the terminal closes with its last writer
            pass
        process.wait(timeout=TIMEOUT)
        os.close(ours)
        return process.returncode, drawn

    def test_progress_is_drawn_and_wiped(self):
        demo = self.name == DEMO
        flags = ["--steps=40", "--pause=0.02"] if demo else SMALL
        status, drawn = self.on_a_terminal(*flags)
        assert status == (0 if demo else 1), (status, drawn)
        assert b"\n" not in drawn, drawn
        if demo or drawn:
            assert drawn.endswith(b"\r\x1b[K"), drawn
            assert b"loss " in drawn and b"steps/s" in drawn, drawn
        if demo:
            assert 3 <= drawn.count(b"\r") <= 14, drawn  # ten a second

    def test_refusals_on_a_terminal_are_clean(self):
        status, drawn = self.on_a_terminal("--nonsense")
        assert status == 2 and drawn.count(b"\n") == 1 and b"\x1b" not in drawn, drawn


def tests_of(program):
    for name in vars(Example):
        if name.startswith("test_"):
            title = f"{os.path.basename(program)}: {name[5:].replace('_', ' ')}"
            yield title, lambda directory, name=name: getattr(
                Example(os.path.abspath(program), directory), name)()


if __name__ == "__main__":
    sys.exit(tap.run([test for program in sys.argv[1:] for test in tests_of(program)]))
