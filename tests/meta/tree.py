"""What the meta tests share: the source tree, the table of levels, the exported symbols."""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def files():
    """Every file of the tree, relative: git's list, or a walk where there is no git."""
    command = ["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")
        return sorted(n for n in names if n and os.path.exists(os.path.join(ROOT, n)))
    except (OSError, subprocess.CalledProcessError):
        pass
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [f for f in folders if not f.startswith((".", "build", "__pycache__"))]
        found += [os.path.relpath(os.path.join(folder, n), ROOT) for n in names]
    return sorted(found)


def levels():
    """{directory of lib/: level}, from the table in docs/architecture.md."""
    rows = re.findall(r"^\| (\d+) \| ([a-z]+) \|", read("docs", "architecture.md"), re.M)
    return {name: int(level) for level, name in rows}


def exported():
    """The symbols of lib/libicl.map."""
    text = read("lib", "libicl.map")
    return set(re.findall(r"^    (icl_\w+);$", text, re.M))


def report(faults, what):
    """Prints the faults and ends the program: 1 if there are any."""
    for fault in faults:
        print(fault)
    print(f"{what}: {len(faults)} faults")
    sys.exit(1 if faults else 0)
