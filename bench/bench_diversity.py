"""The experiment of examples/task-diversity at d = 32 in numpy: prompt by prompt, and vectorised."""
import ctypes as c
import glob
import os
from concurrent.futures import ThreadPoolExecutor

import numpy

from bench_support import P, interleave

SCALAR, SPHERE = 5, 1  # of icl_covariance, icl_tasks

D, RHO, REPEATS = 32, 0.1, 20
TAUS = [0.2, 0.35, 0.5, 0.6, 0.7, 0.85, 1.15, 1.3, 1.5, 1.7, 2, 2.5]


def sphere(rng, count):
    w = rng.standard_normal((count, D))
    return w * (numpy.sqrt(D) / numpy.linalg.norm(w, axis=1, keepdims=True))


def risk(gamma, R, mean):
    """1 + rho - (2/d) tr(Gamma A^T) + (1/d) tr(Gamma B Gamma^T), alpha = 1."""
    A = numpy.hstack([R, (1 + RHO) * mean[:, None]])
    B = numpy.empty((D + 1, D + 1))
    B[:D, :D] = (1 + RHO) * numpy.eye(D) + (1 + 1 / D) * R
    B[:D, D] = B[D, :D] = (1 + RHO) * (1 + 2 / D) * mean
    B[D, D] = (1 + RHO) ** 2 * (1 + 2 / D)
    return 1 + RHO - 2 / D * numpy.sum(gamma * A) + numpy.sum((gamma @ B) * gamma) / D


def errors(gamma, pool):
    """(e_ICL, e_IDG)."""
    return (risk(gamma, numpy.eye(D), numpy.zeros(D)),
            risk(gamma, pool.T @ pool / len(pool), pool.mean(axis=0)))


def by_prompt(rng, pool, N):
    """Each prompt drawn and turned into features for itself; the normal equations, ridge 1e-9."""
    features, targets = numpy.empty((N, D * (D + 1))), numpy.empty(N)
    for i in range(N):
        w = pool[rng.integers(len(pool))]
        X = rng.standard_normal((D + 1, D)) / numpy.sqrt(D)
        y = X @ w + numpy.sqrt(RHO) * rng.standard_normal(D + 1)
        h = numpy.append(X[:D].T @ y[:D], y[:D] @ y[:D] / D)
        features[i] = numpy.outer(X[D], h).ravel()
        targets[i] = y[D]
    S = features.T @ features + N / D * 1e-9 * numpy.eye(D * (D + 1))
    return numpy.linalg.solve(S, features.T @ targets).reshape(D, D + 1)


def at_once(rng, pool, N):
    """All prompts in one array; the dual system, from two small Gram matrices, where it is smaller."""
    w = pool[rng.integers(len(pool), size=N)]
    X = rng.standard_normal((N, D, D)) / numpy.sqrt(D)
    y = (X @ w[:, :, None])[:, :, 0] + numpy.sqrt(RHO) * rng.standard_normal((N, D))
    h = numpy.empty((N, D + 1))
    h[:, :D] = (y[:, None, :] @ X)[:, 0]
    h[:, D] = numpy.einsum("ni,ni->n", y, y) / D
    x = rng.standard_normal((N, D)) / numpy.sqrt(D)
    target = numpy.einsum("ni,ni->n", x, w) + numpy.sqrt(RHO) * rng.standard_normal(N)
    if N <= D * (D + 1):
        return x.T @ (numpy.linalg.solve((x @ x.T) * (h @ h.T), target)[:, None] * h)
    features = (x[:, :, None] * h[:, None, :]).reshape(N, -1)
    return numpy.linalg.solve(features.T @ features, features.T @ target).reshape(D, D + 1)


def numpy_demo(fit, repeats):
    """The mean errors (ratios x 2) over the repeats."""
    def run():
        rng = numpy.random.default_rng(1)
        found = numpy.zeros((len(TAUS), 2))
        for i, tau in enumerate(TAUS):
            for _ in range(repeats):
                pool = sphere(rng, D)
                found[i] += errors(fit(rng, pool, round(tau * D * D)), pool)
        return found / repeats
    return run


def with_blas_threads(run, count):
    """numpy's own OpenBLAS is another library than libicl's, which keeps to one thread."""
    folder = os.path.join(os.path.dirname(numpy.__file__), "..", "numpy.libs")
    blas = c.CDLL(glob.glob(os.path.join(folder, "libscipy_openblas64_*"))[0])

    def limited():
        blas.scipy_openblas_set_num_threads64_(count)
        return run()
    return limited


def icl_demo(icl, threads, repeats):
    """The same with libicl, so many repeats side by side on contexts of one thread."""
    variance = c.c_double(1 / D)
    setting = {"dim": D, "context": D, "noise": RHO, "covariance": SCALAR,
               "covariance_values": c.addressof(variance), "tasks": SPHERE}
    lib = icl.lib

    def one(lab, fresh, pool, N):
        law, sampler, batch, fit = icl.law(lab, pool=D, pool_seed=pool, **setting), P(), P(), P()
        gamma, risk = numpy.empty(D * (D + 1)), (c.c_double * 2)()
        icl.call("icl_sampler_create", lab, law, c.c_uint64(1), c.byref(sampler))
        icl.call("icl_sampler_batch", sampler, c.c_int64(N), c.c_int64(1), c.c_uint32(0),
                 c.byref(batch))
        icl.call("icl_sampler_draw_moments", sampler, c.c_int64(N * pool), batch)
        icl.call("icl_fit_create", lab, c.c_int64(D), c.byref(fit))
        icl.call("icl_fit_add", fit, batch)
        icl.call("icl_fit_solve", fit, None, P(gamma.ctypes.data), None)
        for i, of in enumerate((fresh, law)):
            icl.call("icl_theory_feature_risk", of, P(gamma.ctypes.data),
                     P(c.addressof(risk) + 8 * i))
        for kind, handle in (("fit", fit), ("batch", batch), ("sampler", sampler), ("law", law)):
            getattr(lib, "icl_%s_free" % kind)(handle)
        return risk[:]

    def some(first, kept=variance):
        lab = icl.context(1)
        fresh = icl.law(lab, **setting)
        found = numpy.array([[one(lab, fresh, first + k, round(tau * D * D)) for tau in TAUS]
                             for k in range(repeats // threads)])
        lib.icl_law_free(fresh)
        lib.icl_context_free(lab)
        return found.mean(axis=0)

    def run():
        with ThreadPoolExecutor(threads) as pool:
            return numpy.mean(list(pool.map(some, range(0, repeats, repeats // threads))), axis=0)
    return run


def bench_diversity(icl, rounds):
    """numpy runs fewer repeats: its times are for one repeat, too."""
    print("task diversity, d = %d, %d ratios, %d repeats" % (D, len(TAUS), REPEATS))
    subjects = {"libicl, %d thread(s)" % t: (icl_demo(icl, t, REPEATS), REPEATS) for t in (2, 1)}
    few, many = numpy_demo(at_once, REPEATS)(), subjects["libicl, 1 thread(s)"][0]()
    assert numpy.allclose(few, many, rtol=0.3), (few, many)  # averages over pools of their own
    for name, fit, repeats in (("prompt by prompt", by_prompt, 1), ("vectorised", at_once, 2)):
        for t in (2, 1):
            subjects["numpy, %s, %d thread(s)" % (name, t)] = (
                with_blas_threads(numpy_demo(fit, repeats), t), repeats)
    interleave(rounds, 1, subjects, "repeat")
