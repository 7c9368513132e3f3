"""A directory of lib/ includes its own headers and those of lower levels, nothing else."""
import os
import re

import tree

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<(icl/[^>]+)>)', re.M)
BUILT_WITH_ICL = {"version.h": "base"}


def owner(include):
    """The directory that an include belongs to: "task/law.h" and <icl/task.h> are task's."""
    folder, _, name = include.rpartition("/")
    if folder != "icl":
        return folder
    return BUILT_WITH_ICL.get(name, os.path.splitext(name)[0])


def faults_of(levels, where, folder, text):
    found = []
    for match in INCLUDE.finditer(text):
        include = match.group(1) or match.group(2)
        target = owner(include)
        if target not in levels:
            found.append(f"{where}: {include} belongs to no directory of the table of levels")
        elif target != folder and levels[target] >= levels[folder]:
            found.append(f"{where}: {folder} (level {levels[folder]}) includes {include} "
                         f"(level {levels[target]})")
    return found


def self_test():
    levels = {"base": 0, "random": 1, "linalg": 1, "task": 2}
    def count(folder, text):
        return len(faults_of(levels, "planted", folder, text))
    assert count("task", '#include "base/context.h"\n#include <icl/task.h>\n#include <math.h>') == 0
    assert count("task", '#include "task/law.h"') == 0
    assert count("base", '#include <icl/version.h>') == 0
    assert count("base", '#include "task/law.h"') == 1
    assert count("random", '  #  include "linalg/linalg.h"') == 1
    assert count("linalg", '#include <icl/random.h>') == 1
    assert count("task", '#include <icl/icl.h>') == 1
    assert count("task", '#include "law.h"') == 1


def main():
    self_test()
    levels = tree.levels()
    assert levels.get("base") == 0, "docs/architecture.md lost its table of levels"
    faults = []
    for name in tree.files():
        parts = name.split("/")
        if not name.endswith((".c", ".h")):
            continue
        if parts[0] == "lib" and len(parts) > 2:
            folder = parts[1]
        elif name.startswith("include/icl/") and parts[-1] != "icl.h":
            folder = owner("icl/" + parts[-1])
        else:
            continue
        if folder not in levels:
            faults.append(f"{name}: {folder} is not in the table of levels")
        else:
            faults += faults_of(levels, name, folder, tree.read(name))
    tree.report(faults, "layer rule")


main()
