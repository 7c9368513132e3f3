"""No object of the library has a mutable global. Usage: check_globals.py STATIC_LIBRARY OBJDUMP"""
import re
import subprocess
import sys

import tree

# value, flags, section, size, name; .data.rel.ro holds constants with addresses in them
SYMBOL = re.compile(r"^[0-9a-f]{8,16} (.{7}) (\S+)\s+([0-9a-f]{8,16}) (?:\.\w+ )?(\S+)$")
MUTABLE = re.compile(r"^(\.data(?!\.rel\.ro)|\.bss|\.tdata|\.tbss|\.sdata|\.sbss|\*COM\*)")


def mutable(line):
    """The name of the mutable variable that a line of objdump -t speaks of, or None."""
    match = SYMBOL.match(line)
    if match is None:
        return None
    flags, section, size, name = match.groups()
    if "d" in flags or int(size, 16) == 0 or not MUTABLE.match(section):
        return None
    return name


def self_test():
    zeros = "0000000000000000"
    assert mutable(zeros + " l     O .bss\t0000000000000008 counter") == "counter"
    assert mutable(zeros + " g     O .data\t0000000000000004 .hidden state") == "state"
    assert mutable("0000000000000008       O *COM*\t0000000000000008 tentative") == "tentative"
    assert mutable(zeros + " l     O .data.rel.local\t0000000000000008 hook") == "hook"
    assert mutable(zeros + " l     O .tbss\t0000000000000008 per_thread") == "per_thread"
    assert mutable(zeros + " l    d  .bss\t0000000000000000 .bss") is None
    assert mutable(zeros + " l     O .data.rel.ro.local\t0000000000000020 names.0") is None
    assert mutable(zeros + " l     O .rodata\t0000000000000020 table") is None
    assert mutable(zeros + " g     F .text\t0000000000000020 icl_version") is None


def main(library, objdump):
    self_test()
    text = subprocess.run([objdump, "-t", library], check=True, capture_output=True,
                          text=True).stdout
    symbols = [line for line in text.splitlines() if SYMBOL.match(line)]
    assert any("icl_version" in line for line in symbols), "objdump's output was not understood"
    faults = [f"{name} is a mutable global" for name in map(mutable, symbols) if name]
    tree.report(faults, f"globals among {len(symbols)} symbols")


main(*sys.argv[1:])
