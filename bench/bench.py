#!/usr/bin/env python3
"""libicl beside its peers, interleaved in one process: medians of the ratios of neighbouring runs.

    bench/bench.py [--library build/libicl.so] [--rounds 15] [normals] [step]

Peers are numpy and torch; what cannot be imported is left out. tools/bench-peers.sh makes a virtual
environment that has them. Figures of one run go to docs/benchmarks.md with the machine's name.
"""
import argparse
import ctypes as c
import os
import platform
import statistics
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
try:
    import numpy
except ImportError:
    numpy = None
try:
    import torch
except ImportError:
    torch = None

P = c.c_void_p


class ContextOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("allocate", P), ("release", P), ("allocator_user", P),
                ("log", P), ("log_user", P), ("threads", c.c_int64), ("isa", c.c_int)]


class LawOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("dim", c.c_int64), ("context", c.c_int64),
                ("noise", c.c_double), ("rest", c.c_byte * 256)]


class ModelOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("dim", c.c_int64), ("rest", c.c_byte * 128)]


class OptimiserOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("method", c.c_int), ("rate", c.c_double),
                ("rest", c.c_byte * 256)]


class TrainerOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("on", c.c_int), ("batch", c.c_int64),
                ("queries", c.c_int64), ("rest", c.c_byte * 128)]


class Library:
    def __init__(self, path):
        self.lib = c.CDLL(path)

    def call(self, name, *arguments):
        status = getattr(self.lib, name)(*arguments)
        if status != 0:
            raise RuntimeError("%s: status %d" % (name, status))

    def options(self, kind, init, **values):
        o = kind()
        self.call(init, c.byref(o), c.c_size_t(c.sizeof(o)))
        for key, value in values.items():
            setattr(o, key, value)
        return o

    def context(self, threads):
        out = P()
        o = self.options(ContextOptions, "icl_context_options_init", threads=threads)
        self.call("icl_context_create", c.byref(o), c.byref(out))
        return out


def interleave(rounds, units, subjects):
    """Runs every subject once a round; prints medians, and the ratios to the first subject."""
    times = {name: [] for name in subjects}
    for _ in range(rounds + 1):
        for name, run in subjects.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    first = next(iter(subjects))
    for name, all_times in times.items():
        kept = all_times[1:]
        ratios = [a / b for a, b in zip(kept, times[first][1:])]
        print("  %-38s %9.2f ns a value   %6.2f x (%.2f to %.2f)" %
              (name, 1e9 * statistics.median(kept) / units, statistics.median(ratios),
               min(ratios), max(ratios)))


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
    context, law, sampler, model, adam, trainer = icl.context(threads), P(), P(), P(), P(), P()
    o = icl.options(LawOptions, "icl_law_options_init", dim=d, context=n)
    icl.call("icl_law_create", context, c.byref(o), c.byref(law))
    icl.call("icl_sampler_create", context, law, c.c_uint64(1), c.byref(sampler))
    o = icl.options(ModelOptions, "icl_model_options_init", dim=d)
    icl.call("icl_model_create", context, c.byref(o), c.byref(model))
    o = icl.options(OptimiserOptions, "icl_optimiser_options_init", rate=1e-2)
    icl.lib.icl_model_parameter_count.restype = c.c_int64
    count = icl.lib.icl_model_parameter_count(model)
    icl.call("icl_optimiser_create", context, c.byref(o), c.c_int64(count), c.byref(adam))
    o = icl.options(TrainerOptions, "icl_trainer_options_init", batch=B)
    icl.call("icl_trainer_create", context, model, adam, sampler, c.byref(o), c.byref(trainer))
    return lambda: icl.call("icl_trainer_step", trainer, None)


def repeat(run, times):
    def many():
        for _ in range(times):
            run()
    return many


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
    model = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if "model name" in line]
    print("%s, %d processors, Python %s" % (model[0] if model else platform.machine(),
                                            os.cpu_count(), platform.python_version()))
    for name, bench in (("normals", bench_normals), ("step", bench_step)):
        if not arguments.what or name in arguments.what:
            bench(icl, arguments.rounds)


if __name__ == "__main__":
    sys.exit(main())
