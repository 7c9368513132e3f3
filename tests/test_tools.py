"""The scripts of tools/: what they count, and what they do where they are used wrongly. TAP on
stdout; nothing is installed and nothing built.

usage: test_tools.py SOURCE_ROOT
"""
import json
import os
import subprocess
import sys

import tap

ROOT = os.path.abspath(sys.argv[1])
TOOLS = os.path.join(ROOT, "tools")
# how meson's logs name a test: of one suite, of several, of several in newer versions
PREFIXES = ("", "libicl:unit / ", "unit - libicl:")


def tool(*words, **options):
    return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True, **options)


def count(*words):
    """(exit status, lines) of count_tests.py."""
    done = tool(sys.executable, os.path.join(TOOLS, "count_tests.py"), *words)
    assert done.stderr == "", done.stderr
    return done.returncode, done.stdout.splitlines()


def write_log(directory, name, programs, extra=""):
    """A log as meson writes it: {program: (result, [subtest results])}."""
    log = os.path.join(directory, name)
    with open(log + ".json", "w") as file:
        for program, (result, _) in programs.items():
            print(json.dumps({"name": program, "result": result, "duration": 0.1}), file=file)
    tags = {"OK": "", "FAIL": "<failure/>", "ERROR": "<error/>", "SKIP": "<skipped/>"}
    with open(log + ".junit.xml", "w") as file:
        file.write("<testsuites>")
        for program, (result, cases) in programs.items():
            suite = f"libicl.{program}" if cases else "libicl"
            file.write(f"<testsuite name='{suite}'>")
            for number, case in enumerate(cases or [result]):
                file.write(f"<testcase name='{number}'>{tags.get(case, '')}</testcase>")
            file.write(extra + "</testsuite>")
        file.write("</testsuites>")
    return log


def test_subtests_are_counted_one_by_one(directory):
    for prefix in PREFIXES:
        log = write_log(directory, "a", {prefix + "tap": ("OK", ["OK", "OK", "SKIP"]),
                                         prefix + "plain": ("OK", []),
                                         prefix + "absent": ("SKIP", [])})
        assert count(log) == (0, ["3 passed, 0 failed"])


def test_failures_are_named(directory):
    log = write_log(directory, "a", {"tap": ("FAIL", ["OK", "FAIL", "ERROR"]),
                                     "plain": ("FAIL", [])})
    status, lines = count(log)
    assert status == 1 and lines[-1] == "1 passed, 3 failed", lines
    assert lines[:-1] == [f"FAILED {log}: {name}" for name in ("tap: 1", "tap: 2", "plain: FAIL")]


def test_a_crash_after_good_subtests_is_a_failure(directory):
    for result in ("ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS"):
        log = write_log(directory, "a", {"tap": (result, ["OK"]), "plain": (result, [])})
        status, lines = count(log)
        assert status == 1 and lines[-1] == "1 passed, 2 failed", lines


def test_logs_and_broken_stages_add_up(directory):
    one = write_log(directory, "one", {"tap": ("OK", ["OK"] * 4)})
    two = write_log(directory, "two", {"tap": ("OK", ["OK"] * 3)}, "<x>\x01</x>")
    assert count(one, two) == (0, ["7 passed, 0 failed"])
    assert count("--failed", "0", one, two)[0] == 0
    status, lines = count("--failed", "2", one, two)
    assert status == 1 and lines == ["7 passed, 2 failed"]


def test_nothing_run_is_no_success(directory):
    assert count() == (1, ["0 passed, 0 failed"])
    status, lines = count(os.path.join(directory, "none"))
    assert status == 1 and lines[-1] == "0 passed, 1 failed" and len(lines) == 2, lines
    assert count(write_log(directory, "a", {"absent": ("SKIP", [])})) == (1, ["0 passed, 0 failed"])


def test_quick_tests_are_the_fast_unit_tests(directory):
    os.mkdir(os.path.join(directory, "meson-info"))
    os.mkdir(os.path.join(directory, "meson-logs"))
    known = [("base", "libicl:unit", 0.1), ("slow", "libicl:unit", 3), ("demo", "libicl:examples", 0)]
    with open(os.path.join(directory, "meson-info/intro-tests.json"), "w") as file:
        json.dump([{"name": name, "suite": [suite]} for name, suite, _ in known], file)
    script = os.path.join(TOOLS, "quick_tests.py")
    for prefix in PREFIXES:
        with open(os.path.join(directory, "meson-logs/testlog.json"), "w") as file:
            for name, _, duration in known:
                print(json.dumps({"name": prefix + name, "duration": duration}), file=file)
        done = tool(sys.executable, script, directory, "0.5")
        assert done.stdout == "base\n", done
        assert tool(sys.executable, script, directory, "9").stdout == "base\nslow\n"


def test_setup_refuses_unknown_levels(_):
    done = tool("sh", os.path.join(TOOLS, "setup.sh"), "nonsense")
    assert done.returncode == 2 and done.stdout == "", done
    assert done.stderr == 'setup.sh: "nonsense" is not one of build, test, ci\n', done


def fake_machine(directory, **programs):
    """A folder for PATH with the given scripts and the few programs that setup.sh needs."""
    place = os.path.join(directory, "bin")
    os.mkdir(place)
    for name in ("sh", "env", "mktemp", "cat", "rm", "dirname"):
        for source in ("/usr/bin", "/bin"):
            if os.path.exists(os.path.join(source, name)):
                os.symlink(os.path.join(source, name), os.path.join(place, name))
                break
    for name, text in programs.items():
        path = os.path.join(place, name.replace("_", "-"))
        with open(path, "w") as file:
            file.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)
    return {"PATH": place, "LOG": os.path.join(directory, "log")}


MESON = 'echo 1.0.1\n'
APT = 'echo "$@" >>"$LOG"\n'


def test_setup_installs_only_what_is_missing(directory):
    present = 'case "$3" in libjansson-dev) exit 1 ;; *) echo installed ;; esac\n'
    env = fake_machine(directory, apt_get=APT, dpkg_query=present, meson=MESON, cc="", ninja="",
                       pkg_config="", id="echo 0\n")
    done = tool("sh", os.path.join(TOOLS, "setup.sh"), env=env)
    assert done.returncode == 0 and done.stdout == "", done
    assert done.stderr == "Installing gnuplot-nox libjansson-dev\n" or \
        done.stderr == "Installing libjansson-dev gnuplot-nox\n", done
    with open(env["LOG"]) as file:
        calls = file.read().splitlines()
    assert len(calls) == 2 and calls[0].endswith(" update"), calls
    assert calls[1].endswith("install --no-install-recommends libjansson-dev gnuplot-nox"), calls


def test_setup_uses_sudo_only_where_it_must(directory):
    env = fake_machine(directory, apt_get=APT, dpkg_query="exit 1\n", meson=MESON,
                       id="echo 1000\n", sudo='echo "sudo $1" >>"$LOG"; exec "$@"\n')
    done = tool("sh", os.path.join(TOOLS, "setup.sh"), env=env)
    assert done.returncode == 0, done
    with open(env["LOG"]) as file:
        assert file.read().startswith("sudo env\n")


def test_setup_without_rights_says_what_to_install(directory):
    env = fake_machine(directory, apt_get=APT, dpkg_query="exit 1\n", meson=MESON,
                       id="echo 1000\n")
    done = tool("sh", os.path.join(TOOLS, "setup.sh"), env=env)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done
    assert done.stderr.startswith("setup.sh: please install, as root: gcc libc6-dev"), done
    assert not os.path.exists(env["LOG"])


def test_setup_shows_why_an_installation_failed(directory):
    env = fake_machine(directory, apt_get='echo "E: no network"; exit 100\n',
                       dpkg_query="exit 1\n", meson=MESON, id="echo 0\n")
    done = tool("sh", os.path.join(TOOLS, "setup.sh"), "test", env=env)
    assert done.returncode == 1 and "E: no network\n" in done.stderr, done
    assert done.stderr.splitlines()[-1].startswith("setup.sh: could not install"), done
    assert " check " in done.stderr and "valgrind" not in done.stderr, done


def test_every_script_parses(_):
    scripts = [os.path.join(TOOLS, name) for name in os.listdir(TOOLS) if name.endswith(".sh")]
    assert len(scripts) >= 7, scripts
    for script in scripts:
        assert tool("sh", "-n", script).returncode == 0, script
    assert tool("bash", "-n", os.path.join(ROOT, ".ci/run")).returncode == 0


if __name__ == "__main__":
    sys.exit(tap.run([(name[5:].replace("_", " "), body) for name, body in list(globals().items())
                      if name.startswith("test_")]))
