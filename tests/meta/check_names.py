"""File names are unique in the whole tree; functions stay below 100 lines, files below 500."""
import collections
import os
import re

import tree

# names that tools prescribe
PRESCRIBED = {"meson.build", "README.md", "index.rst", "conf.py", ".gitignore", "__init__.py"}
SOURCES = (".c", ".h", ".py", ".jl", ".sh")
MAX_FUNCTION, MAX_FILE = 100, 500


def repeated(names):
    where = collections.defaultdict(list)
    for name in names:
        base = os.path.basename(name)
        if base not in PRESCRIBED:
            where[base].append(name)
    return [f"the name {base} is used by {', '.join(same)}" for base, same in sorted(where.items())
            if len(same) > 1]


def long_functions(name, text):
    """In this tree a function ends at the first "}" in column 0."""
    faults, start = [], None
    for number, line in enumerate(text.split("\n"), 1):
        if start is None and re.match(r"[A-Za-z_].*\{$", line):
            start = number
        elif start is not None and line.startswith("}"):
            if number - start + 1 > MAX_FUNCTION:
                faults.append(f"{name}:{start}: a block of {number - start + 1} lines")
            start = None
    return faults


def self_test():
    assert len(repeated(["a/x.c", "b/x.c", "b/y.c", "a/meson.build", "b/meson.build"])) == 1
    body = "int f(void) {\n" + "    ;\n" * 98 + "}\n"
    assert long_functions("x.c", body) == []
    assert len(long_functions("x.c", body.replace("{\n", "{\n    ;\n", 1))) == 1


def main():
    self_test()
    names = tree.files()
    faults = repeated(names)
    for name in names:
        if not name.endswith(SOURCES):
            continue
        text = tree.read(name)
        if text.count("\n") > MAX_FILE and not name.startswith("tests/test_"):
            faults.append(f"{name}: {text.count(chr(10))} lines")
        if name.endswith((".c", ".h")):
            faults += long_functions(name, text)
    tree.report(faults, "names and lengths")


main()
