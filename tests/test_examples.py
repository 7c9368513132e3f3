"""The contract of the example programs, tried on each that meson names. TAP on stdout.

usage: test_examples.py PROGRAM...

Exit status 0, 1 or 2; one clear line on stderr for what is refused; the JSON's schema; equal
results for any number of threads; files that are written as a whole or not at all.
"""
import json
import math
import os
import pty
import re
import shutil
import subprocess
import sys

import tap

TIMEOUT = 100  # seconds a run
FOREVER = "1000000000"  # steps that nobody could wait for: whoever answers has not begun
SMALL = ["--quick", "--steps=1", "--dim=2", "--context=3", "--batch=64"]  # for what is not judged
FIXED = ["seed", "threads", "quick", "json", "csv", "plot"]  # what every program takes
SIZES = ["dim", "context", "noise", "batch", "steps", "lr", "population"]  # what one may leave out
FILES = ["json", "csv", "plot"]
TRAINING = ["step", "loss", "gradient_norm", "excess"]


def contract(results, sizes=SIZES, columns=TRAINING, small=SMALL, disagree=SMALL, slow=None,
             agree=()):
    """What a program promises: the options of SIZES that it takes, the names in its results, the
    columns of its series; flags for a run that is not judged, for one that must disagree with
    theory (None: there is no such run), for one of about a second (None: not tried), and for
    runs of odd sizes that must agree."""
    return dict(results=results, sizes=sizes, columns=columns, small=small, disagree=disagree,
                slow=slow, agree=agree)


ONE_LAYER = contract(["eta_trained", "eta_theory", "gamma_distance", "even_part", "risk_trained",
                      "risk_optimum", "risk_one_step", "risk_ridge", "risk_bayes", "seconds"])
DEEP = ["dim", "context", "noise", "batch", "steps", "lr"]
ERRORS = ["error_" + key + end for key in
          ["gd", "pgd", "heavy_ball", "nesterov", "chebyshev", "gd_plus_plus", "newton", "cg",
           "least_squares", "ridge", "bayes", "average", "online_gd", "sgd", "bfgs", "dfp",
           "lbfgs", "lasso", "knn", "kernel_ridge", "tree"] for end in ["", "_se"]]
NEWTON = ["sime_newton_ols", "sime_newton_ols_se", "sime_newton_ols_low", "sime_newton_ols_high",
          "sime_newton_gd", "best_gd_step_for_newton", "gd_steps"]
CONTRACTS = {
    "algorithm-race": contract(ERRORS + NEWTON + ["sime_newton_newton", "sime_cg_gd", "slope",
                                                  "r_squared", "seconds"],
                               sizes=["dim", "context", "noise", "batch"],
                               columns=["examples", "theory"] + ERRORS,
                               small=["--quick", "--dim=2", "--context=3", "--batch=64"],
                               disagree=None,
                               agree=[["--dim=1"], ["--dim=2"], ["--dim=3"], ["--batch=2"],
                                      ["--dim=7", "--noise=0.5"], ["--context=0"]]),
    "deep-attention": contract(["loss", "log_loss", "loss_theory", "etas_mean_trained",
                                "etas_mean_theory", "dist_identity", "seconds", "seconds_per_step"],
                               sizes=DEEP, disagree=["--quick", "--steps=3", "--batch=64",
                                                     "--no-covariate-update"],
                               agree=[["--dim=1", "--no-covariate-update"], ["--context=0"],
                                      ["--context=0", "--no-covariate-update", "--layers=1"]]),
    "newton-by-layers": contract(["max_deviation", "max_ratio", "error_gd_well", "error_newton_ill",
                                  "seconds"],
                                 sizes=["dim", "context", "noise", "batch"],
                                 columns=["layers", "error_gd_well", "error_gd_plus_plus_well",
                                          "error_newton_well", "error_gd_ill",
                                          "error_gd_plus_plus_ill", "error_newton_ill"],
                                 small=["--quick", "--batch=8"],
                                 disagree=None, agree=[["--context=3"], ["--layers=3"],
                                                       ["--kappa=1e6"], ["--dim=1"]]),
    "ill-conditioned": contract(ERRORS + NEWTON + ["kappa", "steps_newton", "steps_gd", "steps_cg",
                                          "slope_newton", "rate_gd", "rate_cg", "seconds"],
                                sizes=["dim", "context", "noise", "batch"],
                                columns=["examples", "theory"] + ERRORS,
                                small=["--quick", "--dim=2", "--context=3", "--batch=8"],
                                disagree=None,
                                agree=[["--epsilon=0.01"], ["--dim=1"], ["--batch=2", "--cg-dim=2"],
                                       ["--cg-dim=101", "--epsilon=1e-8"]]),
    "order-sensitivity": contract(
        ["order_sensitivity", "order_sensitivity_se", "seconds"],
        sizes=["dim", "context", "noise", "batch"],
        columns=["predictor", "order_sensitivity", "standard_error"],
        small=["--quick", "--dim=2", "--context=3", "--batch=8"],
        disagree=None,
        agree=[["--dim=1"], ["--dim=2"], ["--dim=3"], ["--context=5", "--iterations=20"],
               ["--batch=2", "--permutations=2", "--context=2"]]),
    "resume": contract(["kills", "differing", "loss", "seconds"], sizes=DEEP,
                       small=["--quick", "--steps=4", "--batch=64", "--kills=1"], disagree=None),
    "task-diversity": contract(
        ["tau", "e_icl", "e_idg", "g_task", "e_icl_error", "e_idg_error", "g_task_error",
         "e_icl_theory", "e_idg_theory", "e_icl_limit", "e_idg_limit", "e_icl_dmmse",
         "e_idg_dmmse", "e_icl_ridge", "e_idg_ridge", "seconds"],
        sizes=["dim"],
        columns=["tau", "e_icl", "e_idg", "g_task", "e_icl_error", "e_idg_error", "g_task_error",
                 "e_icl_theory", "e_idg_theory"],
        small=["--quick", "--dim=2", "--repeats=2"], disagree=None,
        agree=[["--dim=1"], ["--dim=4"], ["--tau=1"], ["--tau=0.5", "--ridge=0.1"],
               ["--alpha=0.1"], ["--rho=0", "--kappa=0.5"]]),
    "nonlinear-labels": ONE_LAYER,
    "one-step-gd": ONE_LAYER,
    "preconditioned-gd": ONE_LAYER,
    "demo-example": contract(["eta_trained", "gamma", "seconds"], disagree=["--outcome", "fail"],
                             slow=["--steps=40", "--pause=0.02"]),
    "demo-survey": contract(["errors_one_layer", "errors_two_layers", "seconds"],
                            sizes=["dim", "context", "noise"],
                            columns=["examples", "layers", "error", "theory"],
                            small=["--quick", "--dim=2", "--context=3"],
                            disagree=["--outcome", "fail"], slow=["--context=40", "--pause=0.02"]),
}


def environment(**changes):
    """A poor environment: no HOME, no terminal, no locale."""
    names = ("PATH", "LD_LIBRARY_PATH", "TMPDIR", "OPENBLAS_NUM_THREADS")
    kept = {k: v for k, v in os.environ.items() if k in names or "SAN_OPTIONS" in k}
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
    """A number, null, an array of such, or numbers by their names."""
    if isinstance(x, dict):
        return all(v is None or is_number(v) for v in x.values())
    return x is None or is_number(x) or isinstance(x, list) and all(map(is_value, x))


class Example:
    """The tests of one program; those that need files get a directory of their own."""

    def __init__(self, program, directory):
        self.program = program
        self.name = os.path.basename(program)
        self.directory = directory
        self.plots = shutil.which("gnuplot") is not None
        assert self.name in CONTRACTS, f"CONTRACTS does not say what {self.name} promises"
        for name, value in CONTRACTS[self.name].items():
            setattr(self, name, value)
        # whoever answers with these has not begun, or at least not come to an end
        self.forever = ["--steps", FOREVER] if "steps" in self.sizes else []

    def offered(self, argument=""):
        """The options that --help lists, in its order; of those with that argument."""
        text = run(self.program, "--help").stdout.decode()
        return re.findall(rf"^  --([a-z0-9-]+) {argument}", text, re.MULTILINE)

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
        for flag in FIXED + self.sizes + ["help"]:
            assert f"\n  --{flag} " in text, f"--{flag} is not in the help"
        assert f"usage: {self.name} [options]" in text
        assert "steps" in self.sizes or "prompts in a step" not in text
        assert all(len(line) <= 90 for line in text.split("\n"))
        assert not any(line.endswith(" ") for line in text.split("\n"))

    def test_the_sizes_are_those_of_the_contract(self):
        offered = self.offered()
        assert len(set(offered)) == len(offered), offered
        assert [flag for flag in offered if flag in SIZES] == self.sizes, offered
        assert [flag for flag in offered if flag in FIXED] == FIXED, offered
        assert set(FILES) <= set(self.offered("FILE")), offered
        for flag in set(SIZES) - set(self.sizes):
            self.refuses([f"--{flag}=1"], "unknown option", f"--{flag}=1")
            self.refuses([f"--{flag}", "1"], "unknown option", f"--{flag}")

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
        for flag in filter(self.offered().__contains__, wrong):
            for value in wrong[flag]:
                self.refuses([f"--{flag}={value}"], f"--{flag}", f'"{value}"')
                self.refuses([f"--{flag}", value], f"--{flag}", f'"{value}"')
        self.refuses(["--quick=1"], "--quick")

    def test_missing_values_are_refused(self):
        for flag in self.sizes[:1] + ["seed"] + FILES:
            self.refuses(["--" + flag], "--" + flag)
            self.refuses(["--" + flag, "--quick"], "--" + flag)

    def test_own_lists_and_choices(self):
        offered = self.offered()
        if "spectrum" in offered:
            self.refuses(["--spectrum", "1,,2"], "--spectrum", '"1,,2"')
            self.refuses(["--dim", "3", "--spectrum", "1,2"], "--spectrum", "--dim")
        for flag, most in [("iterations", "501"), ("epsilon", "0.5")]:
            if flag in offered:
                self.refuses([f"--{flag}", most], f"--{flag}", f'"{most}"')
        for flag in ["prior", "law", "outcome"]:
            if flag in offered:
                self.refuses([f"--{flag}", "nonsense"], f"--{flag}", '"nonsense"')

    def test_unwritable_files_are_refused_at_once(self):
        for flag in self.offered("FILE"):
            path = self.path("no/file.png")
            self.refuses([*self.forever, f"--{flag}", path], f"--{flag}", path, "No such file")
        self.refuses([*self.forever, "--json", self.directory], "--json", "directory")

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
            self.refuses([*self.forever, "--plot", self.path(name)], "--plot", name)
        self.refuses([*self.forever, "--plot", self.path("a.png")], "--plot", "gnuplot",
                     env=environment(PATH="/nonexistent"))
        assert os.listdir(self.directory) == []

    # ---- what is run ----

    def check_schema(self, found):
        assert list(found) == ["example", "settings", "results", "checks"], list(found)
        assert found["example"] == self.name
        expected = set(self.offered()) - set(self.offered("FILE")) - {"help"}
        assert set(found["settings"]) == expected, found["settings"]
        assert is_number(found["results"]["seconds"])
        for name, value in found["results"].items():
            assert is_value(value), f"{name} is {value!r}"
        for name in self.results:
            assert name in found["results"], f"no {name} in results"
        assert found["checks"], "no checks"
        for check in found["checks"]:
            assert list(check) == ["name", "value", "expected", "tolerance", "pass"], check
            assert isinstance(check["name"], str) and isinstance(check["pass"], bool), check
            numbers = [check["value"], check["expected"], check["tolerance"]]
            agrees = all(map(is_number, numbers)) and abs(numbers[0] - numbers[1]) <= numbers[2]
            assert check["pass"] == agrees, check

    def check_csv(self, text):
        """Numbers or nothing under the promised names. The first column rises; it repeats only
        where a column after it tells the rows apart, as no two rows are the same. That of
        predictors holds their names."""
        lines = text.decode("ascii").splitlines()
        assert lines[0].split(",") == self.columns, lines[0]
        rows = [line.split(",") for line in lines[1:]]
        assert rows and all(len(row) == len(self.columns) for row in rows)
        named = self.columns[0] == "predictor"
        if named:
            names = [row.pop(0) for row in rows]
            assert all(map(str.isidentifier, names)) and len(set(names)) == len(names), names
        assert all(field == "" or math.isfinite(float(field)) for row in rows for field in row)
        if named:
            return
        first = [float(row[0]) for row in rows]
        assert all(a <= b for a, b in zip(first, first[1:])), f"{self.columns[0]} falls"
        if self.columns == TRAINING:
            assert len(set(first)) == len(first), "steps repeat"
        assert len({tuple(row) for row in rows}) == len(rows), "rows repeat"

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
            del one["settings"]["threads"]
            one["results"] = {k: v for k, v in one["results"].items() if "seconds" not in k}
        assert found == again, "three threads change the results"
        assert series == series_again, "three threads change the series"

    def test_population(self):
        if "population" not in self.sizes:
            return
        found, _, _ = self.quick("--population")
        assert found["settings"]["population"] is True
        assert all(check["pass"] for check in found["checks"])

    def test_disagreement_has_status_1(self):
        if self.disagree is None:
            return
        found, _, table = self.quick(*self.disagree, status=1)
        assert not all(check["pass"] for check in found["checks"])
        assert "\nNO: " in table and "DISAGREES" in table

    def test_odd_sizes_agree(self):
        for flags in self.agree:
            self.quick(*flags)

    def test_what_is_not_judged_is_said(self):
        if self.name != "task-diversity":
            return
        _, _, table = self.quick("--tau=1")
        assert table.count("not judged\n") == 2 and "2 claims not judged" in table, table
        assert "YES: what was judged agrees" in table and "many covariates" not in table, table

    def test_order_sensitivity_is_by_predictor(self):
        if self.name != "order-sensitivity":
            return
        found, series, _ = self.quick()
        by_name = found["results"]["order_sensitivity"]
        assert {"gd", "online_gd", "pool", "positions_trained"} <= set(by_name), by_name
        rows = [line.split(",") for line in series.decode("ascii").splitlines()[1:]]
        assert {row[0]: float(row[1]) for row in rows} == by_name
        errors = found["results"]["order_sensitivity_se"]
        assert {row[0]: float(row[2]) for row in rows} == errors

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
        done = run(self.program, *self.small, f"--seed={seed}", "--json", "/dev/stdout")
        assert done.returncode in (0, 1), done
        found = json.loads(done.stdout)
        self.check_schema(found)
        assert found["settings"]["seed"] == seed
        for flag in self.small:
            name, _, value = flag[2:].partition("=")
            assert not value or found["settings"][name] == float(value), flag
        assert b"quantity" in done.stderr  # people read the table there

    def test_json_to_a_redirected_stdout(self):
        for flags in (["--json", "/dev/stdout"], ["--json", self.path("both")]):
            with open(self.path("both"), "wb") as file:
                done = subprocess.run([self.program, *self.small, *flags], stdout=file,
                                      stderr=subprocess.PIPE, env=environment(), timeout=TIMEOUT)
            assert done.returncode in (0, 1), done
            self.check_schema(json.loads(read(self.path("both"))))
        os.unlink(self.path("both"))

    def test_full_disks_are_reported(self):
        done = run(self.program, *self.small, "--json", "/dev/full")
        assert done.returncode == 2, done
        assert done.stderr.count(b"\n") == 1 and b"--json" in done.stderr, done.stderr
        assert b"/dev/full" in done.stderr and b"No space left" in done.stderr, done.stderr
        with open("/dev/full", "wb") as full:
            for flags in (self.small, ["--help"]):
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
        flags = self.slow or self.small
        status, drawn = self.on_a_terminal(*flags)
        assert status in ([1] if flags is self.disagree else [0] if self.slow else [0, 1]), status
        assert b"\n" not in drawn, drawn
        if self.slow or drawn:
            assert drawn.endswith(b"\r\x1b[K"), drawn
            for word in [b"loss ", b"steps/s"] if "steps" in self.sizes else [b" left"]:
                assert word in drawn, drawn
        if self.slow:
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
