"""Each public header compiles alone, and twice, without a warning. Usage:
check_headers.py INCLUDE_FOLDER LANGUAGE STANDARD COMPILER [ARGUMENT ...]"""
import os
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wundef", "-Werror"]
WARNINGS_OF = {
    "c": ["-Wstrict-prototypes", "-Wmissing-prototypes"],
    "c++": ["-Wold-style-cast", "-Wzero-as-null-pointer-constant"],
}


def main(folder, language, standard, *compiler):
    command = [*compiler, "-x", language, "-std=" + standard, *WARNINGS, *WARNINGS_OF[language],
               "-I", folder, "-fsyntax-only", "-"]

    def complaints(text):
        done = subprocess.run(command, input=text, capture_output=True, text=True)
        return done.stderr if done.returncode else None

    assert complaints("int unused_argument(int a) { return 0; }\n"), "warnings are not errors"
    headers = sorted(n for n in os.listdir(os.path.join(folder, "icl")) if n.endswith(".h"))
    assert "icl.h" in headers
    failed = 0
    for header in headers:
        line = f"#include <icl/{header}>\n"
        message = complaints(line + line + "typedef int no_empty_unit;\n")
        if message:
            print(f"<icl/{header}> alone, as {standard}:\n{message}")
            failed += 1
    with open(os.path.join(folder, "icl", "icl.h"), encoding="utf-8") as file:
        everything = file.read()
    missing = [h for h in headers if h != "icl.h" and f"#include <icl/{h}>" not in everything]
    for header in missing:
        print(f"<icl/icl.h> leaves out <icl/{header}>")
    print(f"{len(headers)} headers as {standard}: {failed} failed")
    sys.exit(1 if failed or missing else 0)


main(*sys.argv[1:])
