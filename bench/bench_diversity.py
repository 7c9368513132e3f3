"""The experiment of examples/task-diversity at d = 32 in numpy: prompt by prompt, and vectorised."""
import os
import subprocess

import numpy

from bench_support import interleave

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


def bench_diversity(library, rounds):
    """The program draws, fits, judges and also fits at d / 2; numpy runs fewer repeats, its times are
    for one repeat, too."""
    program = os.path.join(os.path.dirname(library), "examples", "task-diversity")
    print("task diversity, d = %d, %d ratios, %d repeats, one thread" % (D, len(TAUS), REPEATS))

    def demo():
        subprocess.run([program, "--dim", str(D), "--repeats", str(REPEATS),
                        "--tau", ",".join(map(str, TAUS))], check=True, stdout=subprocess.DEVNULL)
    loop, vectorised = numpy_demo(by_prompt, 1), numpy_demo(at_once, 2)
    interleave(rounds, 1, {"libicl, task-diversity": (demo, REPEATS), "numpy, prompt by prompt": (loop, 1),
                           "numpy, vectorised": (vectorised, 2)}, "repeat")
