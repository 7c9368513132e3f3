"""Every public header has a page of the manual, and every public symbol a comment in its header."""
import os
import re

import tree

DECLARATION = re.compile(r"^ICL_API\b[^;]*?(icl_\w+)\(")


def declared(text):
    """[(function, documented)] of a header: a comment stands above, after on the line, or above the
    group of declarations that it is in (no blank line between)."""
    found, group, inside = [], False, False
    for line in text.split("\n"):
        stripped = line.strip()
        if stripped == "":
            group = False
        elif stripped.startswith("/*"):
            group = True
        match = DECLARATION.match(line)
        if match is None and line.startswith("ICL_API"):
            match = re.match(r"^ICL_API\b.*?\*?(icl_\w+)$", line)
        if match:
            found.append((match.group(1), group or "/*" in line))
    return found


def self_test():
    text = ("/* Says. */\nICL_API int icl_a(void);\nICL_API void icl_b(int x,\n   int y);\n\n"
            "ICL_API int icl_c(void);\nICL_API int icl_d(void); /* says */\n")
    assert declared(text) == [("icl_a", True), ("icl_b", True), ("icl_c", False), ("icl_d", True)]


def obvious(name):
    """Constructors' helpers whose rule is stated once, in base.h."""
    return name.endswith(("_free", "_options_init"))


def main():
    self_test()
    faults, seen = [], set()
    for name in sorted(os.listdir(os.path.join(tree.ROOT, "include", "icl"))):
        if not name.endswith(".h"):
            continue
        page = os.path.join("docs", "manual", "ref_" + name[:-2] + ".rst")
        if name != "icl.h":
            if not os.path.exists(os.path.join(tree.ROOT, page)):
                faults.append(f"<icl/{name}> has no page {page}")
            elif f"doxygenfile:: {name}" not in tree.read(page):
                faults.append(f"{page} does not show <icl/{name}>")
            elif f"ref_{name[:-2]}" not in tree.read("docs", "manual", "index.rst"):
                faults.append(f"{page} is not in the manual's index")
        for function, documented in declared(tree.read("include", "icl", name)):
            seen.add(function)
            if not documented and not obvious(function):
                faults.append(f"<icl/{name}>: {function} has no comment")
    faults += [f"{n}: exported, but no declaration was found" for n in
               sorted(tree.exported() - seen)]
    tree.report(faults, f"documentation of {len(seen)} functions")


main()
