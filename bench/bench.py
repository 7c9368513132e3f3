#!/usr/bin/env python3
"""libicl beside its peers, interleaved in one process: medians of the ratios of neighbouring runs.

    bench/bench.py [--library build/libicl.so] [--rounds 15] [normals] [step]

Peers are numpy and torch; what cannot be imported is left out. tools/bench-peers.sh makes a virtual
environment that has them. Figures of one run go to docs/benchmarks.md with the machine's name.
"""
import argparse
import ctypes as c
import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
try:
    import numpy
except ImportError:
    numpy = None
try:
    import torch
except ImportError:
    torch = None

from bench_support import Library, interleave, machine, repeat


def bench_normals(icl, rounds):
    count = 1 << 20
    print("standard normals, float64, one thread, %d at a time" % count)
    context = icl.context(1)
    memory = (c.c_double * (count + 8))()
    aligned = c.c_void_p((c.addressof(memory) + 63) & ~63)
    subjects = {"libicl": lambda: icl.call("icl_random_normal", context, c.c_uint64(1), c.c_uint64(0),
                                           c.c_int64(0), c.c_int64(count), aligned)}
    if numpy:
        generator, out = numpy.random.default_rng(1), numpy.empty(count)
        subjects["numpy %s standard_normal" % numpy.__version__] = \
            lambda: generator.standard_normal(out=out)
    if torch:
        torch.set_num_threads(1)
        tensor = torch.empty(count, dtype=torch.float64)
        subjects["torch %s normal_" % torch.__version__] = tensor.normal_
    interleave(rounds, count, subjects)


def torch_step(d, n, B, dtype):
    """The published form: tokens, one einsum layer, autograd, Adam."""
    P_ = torch.nn.Parameter(0.1 * torch.randn(d + 1, d + 1, dtype=dtype))
    Q_ = torch.nn.Parameter(0.1 * torch.randn(d + 1, d + 1, dtype=dtype))
    adam = torch.optim.Adam([P_, Q_], lr=1e-2)

    def step():
        x = torch.randn(B, n + 1, d, dtype=dtype)
        w = torch.randn(B, d, dtype=dtype)
        y = torch.einsum("bi,bni->bn", w, x)
        target = y[:, n].clone()
        Z = torch.cat([x, y[:, :, None]], dim=2)
        Z[:, n, d] = 0
        keys = torch.einsum("ij,bnj->bni", Q_, Z)
        attention = torch.einsum("bni,bmi->bnm", Z[:, :n], keys[:, n:])
        values = torch.einsum("bnm,bni->bmi", attention, Z[:, :n]) / n
        out = (Z[:, n:] + torch.einsum("ij,bmj->bmi", P_, values))[:, 0, d]
        loss = ((out - target) ** 2).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    return step


def libicl_step(icl, d, n, B, threads):
    context = icl.context(threads)
    sampler = icl.sampler(context, dim=d, context=n)
    return icl.step_of(icl.trainer(context, icl.model(context, dim=d), sampler, rate=1e-2, batch=B))


def bench_step(icl, rounds):
    d, n, B, times = 5, 20, 4000, 20
    print("training step of one layer, d = %d, n = %d, B = %d, fresh examples, Adam" % (d, n, B))
    subjects = {"libicl, 2 threads": repeat(libicl_step(icl, d, n, B, 2), times),
                "libicl, 1 thread": repeat(libicl_step(icl, d, n, B, 1), times)}
    if torch:
        for threads in (1, 2):
            for dtype in (torch.float64, torch.float32):
                step = torch_step(d, n, B, dtype)

                def run(step=step, threads=threads):
                    torch.set_num_threads(threads)
                    repeat(step, times)()
                subjects["torch %s, %d thread(s)" % (str(dtype)[6:], threads)] = run
    interleave(rounds, B * times, subjects)
    print("  (a value: a prompt)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", default="build/libicl.so")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("what", nargs="*", choices=["normals", "step", []])
    arguments = parser.parse_args()
    icl = Library(os.path.abspath(arguments.library))
    print(machine())
    for name, bench in (("normals", bench_normals), ("step", bench_step)):
        if not arguments.what or name in arguments.what:
            bench(icl, arguments.rounds)


if __name__ == "__main__":
    sys.exit(main())
