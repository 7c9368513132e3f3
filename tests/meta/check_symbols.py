"""The shared library exports what the map lists, the map is what the headers declare, and the
library asks the system for nothing that a guest may not use. Usage: check_symbols.py LIBRARY NM"""
import os
import re
import subprocess
import sys

import tree

FORBIDDEN = set("""
    printf fprintf vprintf vfprintf sprintf vsprintf dprintf puts fputs fputc putc putchar fwrite
    perror fflush stdout stderr scanf sscanf gets
    exit _exit _Exit quick_exit abort raise kill atexit on_exit at_quick_exit __assert_fail
    __assert longjmp siglongjmp signal sigaction bsd_signal __sysv_signal setlocale uselocale
    setenv putenv unsetenv srand rand random srandom drand48 srand48 erand48 strtok chdir umask
    openblas_set_num_threads goto_set_num_threads omp_set_num_threads MKL_Set_Num_Threads
    feenableexcept fesetround fesetenv pthread_atfork system popen dlopen fork
""".split())


def forbidden(name):
    """Also the forms that _FORTIFY_SOURCE puts in their place: __printf_chk."""
    plain = re.sub(r"^__(\w+)_chk$", r"\1", name)
    return plain in FORBIDDEN or name in FORBIDDEN


def names(nm, library, *options):
    """Without the versions: icl_version@@LIBICL_0."""
    text = subprocess.run([nm, "-D", *options, library], check=True, capture_output=True,
                          text=True).stdout
    return [line.split()[-1].split("@")[0] for line in text.splitlines() if line.strip()]


def self_test():
    assert forbidden("printf") and forbidden("__printf_chk") and forbidden("__assert_fail")
    assert not forbidden("vsnprintf") and not forbidden("__vsnprintf_chk")
    assert not forbidden("__stack_chk_fail") and not forbidden("pthread_create")


def main(library, nm):
    self_test()
    faults = []
    check = subprocess.run(["sh", os.path.join(tree.ROOT, "tools", "symbols.sh"), "--check"],
                           capture_output=True, text=True)
    if check.returncode != 0:
        faults.append("lib/libicl.map is stale, run tools/symbols.sh:\n" + check.stdout)
    listed = tree.exported()
    found = {n for n in names(nm, library, "--defined-only") if n != "LIBICL_0"}
    faults += [f"{n}: in the map but not in the library" for n in sorted(listed - found)]
    faults += [f"{n}: exported but not in the map" for n in sorted(found - listed)]
    faults += [f"{n}: not for a library" for n in sorted(set(names(nm, library, "--undefined-only")))
               if forbidden(n)]
    tree.report(faults, f"{len(listed)} exported symbols")


main(*sys.argv[1:])
