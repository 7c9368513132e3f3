#!/usr/bin/env python3
"""Solvers at every prefix beside torch, interleaved in one process.

    bench/bench_solve.py [--library build/libicl.so] [--rounds 11] [ridge] [squares] [heat] [pool]
                         [diversity]

Peers: a batched torch.linalg.solve of the normal equations, and torch.linalg.lstsq, at each prefix
for itself, in float64. The heat map has no peer, but a time to keep. The posterior mean over a pool
of tasks is held against a matrix product and a softmax, in float64 and float32, in chunks. The example
task-diversity, as a process, is held against the same experiment in numpy.
"""
import argparse
import ctypes as c
import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy

from bench_diversity import bench_diversity
from bench_support import P, Library, interleave, machine

try:
    import torch
except ImportError:
    torch = None

GD, NEWTON, RIDGE, LEAST_SQUARES, POOL = 0, 2, 3, 4, 17


class SolverOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("method", c.c_int), ("dim", c.c_int64),
                ("steps", c.c_int64), ("step", c.c_double), ("preconditioner", P), ("start", P),
                ("ridge", c.c_double), ("tolerance", c.c_double), ("law", P), ("gamma", c.c_double),
                ("momentum", c.c_double), ("least", c.c_double), ("greatest", c.c_double),
                ("order", c.c_int64), ("memory", c.c_int64), ("rule", c.c_int),
                ("ridge_factor", c.c_double), ("ridge_most", c.c_double), ("pool", P),
                ("pool_count", c.c_int64), ("noise", c.c_double), ("rest", c.c_byte * 128)]


class PrefixOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("steps", P), ("counts", P)]


class Prompts:
    """B prompts of n examples in d dimensions, with their arrays, on one context."""

    def __init__(self, icl, d, n, B, threads):
        self.icl, self.d, self.n, self.B = icl, d, n, B
        self.context = icl.context(threads)
        self.batch = P()
        icl.call("icl_sampler_batch", icl.sampler(self.context, dim=d, context=n, noise=0.25),
                 c.c_int64(B), c.c_int64(1), c.c_uint32(7), c.byref(self.batch))
        icl.call("icl_sampler_draw", icl.sampler(self.context, dim=d, context=n, noise=0.25),
                 c.c_int64(0), self.batch)

    def array(self, name, *shape):
        get = getattr(self.icl.lib, "icl_batch_" + name)
        get.restype = P
        pointer = c.cast(get(self.batch), c.POINTER(c.c_double))
        return numpy.ctypeslib.as_array(pointer, shape)

    def solver(self, method, **values):
        o = self.icl.options(SolverOptions, "icl_solver_options_init", method=method, dim=self.d,
                             **values)
        return self.icl.make("solver", self.context, c.byref(o))

    def prefixes(self, solvers, grids):
        """A function that fills the arrays of predictions, and these arrays."""
        steps = [None if g is None else numpy.array(g, dtype=numpy.int64) for g in grids]
        lengths = [1 if g is None else len(g) for g in steps]
        out = [numpy.empty((self.B, self.n + 1, k)) for k in lengths]
        count = len(solvers)
        handles = (P * count)(*solvers)
        rows = (P * count)(*[0 if s is None else s.ctypes.data for s in steps])
        counts = (c.c_int64 * count)(*lengths)
        o = self.icl.options(PrefixOptions, "icl_prefix_options_init", steps=c.addressof(rows),
                             counts=c.addressof(counts))
        pointers = (P * count)(*[a.ctypes.data for a in out])
        kept = (steps, handles, rows, counts, o, pointers, out)  # while run lives

        def run(kept=kept):
            self.icl.call("icl_solver_prefixes", handles, c.c_int64(count), self.batch,
                          c.byref(o), pointers, None, None)
        return run, out


def queries_of(prompts):
    """X, y and the query of each prefix as tensors."""
    B, n, d = prompts.B, prompts.n, prompts.d
    X = torch.from_numpy(prompts.array("X", B, n, d).copy())
    y = torch.from_numpy(prompts.array("y", B, n).copy())
    last = torch.from_numpy(prompts.array("query", B, 1, d).copy())
    return X, y, torch.cat([X, last], dim=1)


def torch_ridge(prompts, ridge):
    X, y, query = queries_of(prompts)
    eye = ridge * torch.eye(prompts.d, dtype=torch.float64)
    out = torch.empty(prompts.B, prompts.n + 1, dtype=torch.float64)

    def run():
        for t in range(prompts.n + 1):
            S = X[:, :t].mT @ X[:, :t] + eye
            w = torch.linalg.solve(S, X[:, :t].mT @ y[:, :t, None])
            out[:, t] = (query[:, t, None] @ w)[:, 0, 0]
    return run, out


def torch_lstsq(prompts, driver):
    X, y, query = queries_of(prompts)
    out = torch.zeros(prompts.B, prompts.n + 1, dtype=torch.float64)

    def run():
        for t in range(1, prompts.n + 1):
            w = torch.linalg.lstsq(X[:, :t], y[:, :t, None], driver=driver).solution
            out[:, t] = (query[:, t, None] @ w)[:, 0, 0]
    return run, out


def with_threads(run, threads):
    def wrapped():
        torch.set_num_threads(threads)
        run()
    return wrapped


def compare(icl, rounds, title, method, values, peers):
    """libicl on two threads and one beside the peers, which must agree with it."""
    d, n, B = 20, 40, 4096
    print("%s at every prefix, d = %d, n = %d, B = %d" % (title, d, n, B))
    subjects, answers = {}, None
    for threads in (2, 1):
        prompts = Prompts(icl, d, n, B, threads)
        run, out = prompts.prefixes([prompts.solver(method, **values)], [None])
        subjects["libicl, %d thread(s)" % threads] = run
        run()
        answers = out[0][:, :, 0]
    for name, (run, out) in (peers(prompts) if torch else {}).items():
        run()
        scale = numpy.abs(answers).mean()
        gap = numpy.median(numpy.abs(out.numpy() - answers), axis=0).max() / scale
        assert gap < 1e-9, (name, gap)
        for threads in (2, 1):
            subjects["%s, %d thread(s)" % (name, threads)] = with_threads(run, threads)
    interleave(rounds, B * (n + 1), subjects, "prefix")


def bench_ridge(icl, rounds):
    compare(icl, rounds, "ridge", RIDGE, {"ridge": 0.25},
            lambda prompts: {"torch.linalg.solve": torch_ridge(prompts, 0.25)})


def bench_squares(icl, rounds):
    compare(icl, rounds, "least squares of least norm", LEAST_SQUARES, {},
            lambda prompts: {"torch.linalg.lstsq (%s)" % driver: torch_lstsq(prompts, driver)
                             for driver in ("gelsy", "gelsd")})


def bench_heat(icl, rounds):
    d, n, B = 20, 40, 320
    grid = sorted({round(2 ** (k / 4)) for k in range(4 * 12 + 1)})
    print("heat map: %d prompts, d = %d, n = %d, Newton 1..23, GD after %d numbers of steps to 4096"
          % (B, d, n, len(grid)))
    subjects = {}
    for threads in (2, 1):
        prompts = Prompts(icl, d, n, B, threads)
        solvers = [prompts.solver(NEWTON), prompts.solver(GD)]
        run, _ = prompts.prefixes(solvers, [range(1, 24), grid])
        subjects["libicl, %d thread(s)" % threads] = (run, 1)
    interleave(rounds, 1, subjects, "heat map")


def torch_pool(prompts, pool, noise, dtype, prefixes):
    """X W^T, squared errors, softmax, mean: as many prompts at a time as 256 MB hold."""
    X, y, query = (a.to(dtype) for a in queries_of(prompts))
    W = torch.from_numpy(pool).to(dtype)
    n, d = prompts.n, prompts.d
    chunk = max(1, (1 << 28) // (len(pool) * n * dtype.itemsize))
    out = torch.empty(prompts.B, n + 1 if prefixes else 1, dtype=dtype)

    def run():
        for first in range(0, prompts.B, chunk):
            part = slice(first, first + chunk)
            errors = ((X[part] @ W.T) - y[part, :, None]).square_()
            if prefixes:
                errors = torch.cat([torch.zeros_like(errors[:, :1]), errors.cumsum(1)], dim=1)
                w = torch.softmax(errors * (-0.5 / noise), dim=2) @ W
                out[part] = (w * query[part]).sum(2)
            else:
                w = torch.softmax(errors.sum(1) * (-0.5 / noise), dim=1) @ W
                out[part, 0] = (w * query[part, n]).sum(1)
    return run, out


def bench_pool(icl, rounds):
    """The answer to whole prompts, then to every prefix; all times are linear in B."""
    d, n, m, noise = 8, 16, 1 << 16, 0.25
    pool = numpy.random.default_rng(1).standard_normal((m, d))
    for B, prefixes in ((2000, False), (200, True)):
        print("posterior mean over %d tasks, d = %d, n = %d, B = %d, %s"
              % (m, d, n, B, "every prefix" if prefixes else "whole prompts"))
        subjects, answers = {}, None
        for threads in (2, 1):
            prompts = Prompts(icl, d, n, B, threads)
            solver = prompts.solver(POOL, pool=pool.ctypes.data, pool_count=m, noise=noise)
            run, out = prompts.prefixes([solver], [None])
            if not prefixes:
                out = [numpy.empty((B, 1, 1))]

                def run(solver=solver, prompts=prompts, to=out[0]):
                    icl.call("icl_solver_predict", solver, prompts.batch, P(to.ctypes.data))
            subjects["libicl, %d thread(s)" % threads] = run
            run()
            answers = out[0][:, :, 0]
        for dtype in (torch.float64, torch.float32) if torch else ():
            name = "torch " + str(dtype).split(".")[1]
            run, out = torch_pool(prompts, pool, noise, dtype, prefixes)
            run()
            gap = numpy.median(numpy.abs(out.numpy() - answers)) / numpy.abs(answers).mean()
            assert gap < (1e-9 if dtype == torch.float64 else 1e-3), (name, gap)
            for threads in (2, 1):
                subjects["%s, %d thread(s)" % (name, threads)] = with_threads(run, threads)
        interleave(rounds, B * (n + 1 if prefixes else 1), subjects, "answer")


BENCHES = {"ridge": bench_ridge, "squares": bench_squares, "heat": bench_heat,
           "pool": bench_pool,
           "diversity": bench_diversity}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", default="build/libicl.so")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("what", nargs="*", help=", ".join(BENCHES))
    arguments = parser.parse_args()
    icl = Library(os.path.abspath(arguments.library))
    print(machine())
    for name in arguments.what or BENCHES:
        BENCHES[name](icl, arguments.rounds)


if __name__ == "__main__":
    sys.exit(main())
