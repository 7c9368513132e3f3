#!/usr/bin/env python3
"""Deep linear attention beside its peers, interleaved in one process.

    bench/bench_deep.py [--library build/libicl.so] [--rounds 11] [small] [large] [length] [kernel]

Peers: the published form in PyTorch, tokens and einsum, eager, with autograd and Adam; the library's
own algorithm, moments instead of tokens, in JAX under jit. Both in float32, as published, and in
float64, which is what libicl computes in.
"""
import argparse
import ctypes as c
import os
import statistics
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy

from bench_support import P, Library, interleave, machine, repeat

try:
    import torch
except ImportError:
    torch = None
try:
    import jax
    import jax.numpy as jnp
    jax.config.update("jax_enable_x64", True)
except ImportError:
    jax = None


def torch_step(d, n, B, L, dtype):
    """Z <- Z + P Z M (Z^T Q Z) / n for L layers of one head, prediction -z_q[d], fresh prompts."""
    weights = torch.nn.Parameter(0.01 * torch.randn(L, 2, d + 1, d + 1, dtype=dtype))
    adam = torch.optim.Adam([weights], lr=1e-3)
    mask = torch.eye(n + 1, dtype=dtype)
    mask[n, n] = 0

    def step():
        x = torch.randn(B, n + 1, d, dtype=dtype)
        w = torch.randn(B, d, dtype=dtype)
        y = torch.einsum("bi,bni->bn", w, x)
        target = y[:, n].clone()
        Z = torch.cat([x, y[:, :, None]], dim=2)
        Z[:, n, d] = 0
        for l in range(L):
            attention = torch.einsum("bni,ij,bmj->bnm", Z, weights[l, 1], Z)
            values = torch.einsum("ij,bnj->bni", weights[l, 0], Z)
            Z = Z + torch.einsum("bnm,nk,bki->bmi", attention, mask, values) / n
        loss = ((-Z[:, n, d] - target) ** 2).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    return step


def jax_step(d, n, B, L, dtype):
    """The same model on moments: G <- A G A^T, q <- A q, A = I + P G Q."""
    D = d + 1
    weights = 0.01 * jax.random.normal(jax.random.PRNGKey(0), (L, 2, D, D), dtype)

    def loss_of(weights, G, q, target):
        for l in range(L):
            A = jnp.eye(D, dtype=dtype) + weights[l, 0] @ G @ weights[l, 1]
            q = jnp.einsum("bij,bj->bi", A, q)
            if l < L - 1:
                G = A @ G @ jnp.swapaxes(A, 1, 2)
        return jnp.mean((-q[:, d] - target) ** 2)

    @jax.jit
    def step(weights, m, v, t, key):
        key, a, b = jax.random.split(key, 3)
        x = jax.random.normal(a, (B, n + 1, d), dtype)
        y = jnp.einsum("bni,bi->bn", x, jax.random.normal(b, (B, d), dtype))
        Z = jnp.concatenate([x, y[:, :, None]], 2)
        G = jnp.einsum("bni,bnj->bij", Z[:, :n], Z[:, :n]) / n
        q = Z[:, n].at[:, d].set(0)
        _, g = jax.value_and_grad(loss_of)(weights, G, q, y[:, n])
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g * g
        t = t + 1
        weights -= 1e-3 * (m / (1 - 0.9 ** t)) / (jnp.sqrt(v / (1 - 0.999 ** t)) + 1e-8)
        return weights, m, v, t, key

    state = [(weights, 0 * weights, 0 * weights, 0, jax.random.PRNGKey(1))]

    def run():
        state[0] = step(*state[0])
        jax.block_until_ready(state[0])
    run()
    return run


def libicl_step(icl, d, n, B, L, threads, **training):
    context = icl.context(threads)
    model = icl.model(context, dim=d, layers=L, sign=-1, init=1, init_scale=0.01)
    sampler = icl.sampler(context, dim=d, context=n)
    return icl.step_of(icl.trainer(context, model, sampler, batch=B, **training))


def bench_step(icl, rounds, d, n, B, L, times):
    print("training step, L = %d, d = %d, n = %d, B = %d, fresh examples, Adam" % (L, d, n, B))
    subjects = {"libicl, 2 threads": (libicl_step(icl, d, n, B, L, 2), times),
                "libicl, 1 thread": (libicl_step(icl, d, n, B, L, 1), times),
                "libicl, 2 threads, moments": (libicl_step(icl, d, n, B, L, 2, moments=1),
                                               times)}
    for threads in (1, 2) if torch else ():
        for dtype in (torch.float64, torch.float32):
            def run(step=torch_step(d, n, B, L, dtype), threads=threads):
                torch.set_num_threads(threads)
                step()
            subjects["torch %s, %d thread(s)" % (str(dtype)[6:], threads)] = (run, 1)
    for dtype in (jnp.float64, jnp.float32) if jax else ():
        subjects["jax %s" % dtype.__name__] = (jax_step(d, n, B, L, dtype), 1)
    prompts = {name: (repeat(run, t), B * t) for name, (run, t) in subjects.items()}
    interleave(rounds, 1, prompts, "prompt")


def bench_length(icl, rounds):
    print("training step on moments, L = 3, d = 5, B = 4000: the length of the context")
    interleave(rounds, 1, {
        "n = %d" % n: (repeat(libicl_step(icl, 5, n, 4000, 3, 2, moments=1), 20), 80000)
        for n in (20, 2000)}, "prompt")


def evaluation(icl, d, L, B):
    """Loss and gradient of a dense model, one thread."""
    context = icl.context(1)
    sampler = icl.sampler(context, dim=d, context=2 * d)
    model = icl.model(context, dim=d, layers=L, sign=-1, init=1, init_scale=0.1 / d)
    batch = P()
    icl.call("icl_sampler_batch", sampler, c.c_int64(B), c.c_int64(1), c.c_uint32(0), c.byref(batch))
    icl.call("icl_sampler_draw", sampler, c.c_int64(0), batch)
    gradient = (c.c_double * icl.count(model).value)()
    loss = c.c_double()
    return lambda: icl.call("icl_model_loss", model, batch, c.byref(loss), gradient)


def bench_kernel(icl, rounds):
    """One whole layer more: t(L + 1) - t(L), 24 D^3 operations a prompt, by the thread's own clock.

    Of a model of L layers the last two go by vectors, O(D^2): only the difference is a layer's.
    """
    print("forward and backward of a whole layer beside dgemm at 512^3, one thread")
    a = numpy.random.default_rng(1).standard_normal((512, 512))
    subjects = {"dgemm": lambda: a @ a}
    operations = {"dgemm": 2 * 512 ** 3}
    for d, B in ((5, 4000), (20, 512), (32, 256), (40, 128), (47, 128), (64, 64), (128, 16)):
        for layers in (4, 8):
            subjects[d, layers] = evaluation(icl, d, layers, B)
        operations[d] = 24 * (d + 1) ** 3 * 4 * B
    rates = {name: [] for name in operations}
    for _ in range(rounds):
        seconds = {}
        for name, run in subjects.items():
            run()
            start = time.thread_time()
            for _ in range(3):
                run()
            seconds[name] = (time.thread_time() - start) / 3
        for name, count in operations.items():
            took = seconds[name] if name == "dgemm" else seconds[name, 8] - seconds[name, 4]
            rates[name].append(1e-9 * count / took)
    for name, values in rates.items():
        fractions = [v / w for v, w in zip(values, rates["dgemm"])]
        print("  %-12s %6.1f GF/s   %5.1f %% (%.1f to %.1f)" %
              (name if name == "dgemm" else "D = %d" % (name + 1), statistics.median(values),
               *(100 * f(fractions) for f in (statistics.median, min, max))), flush=True)


BENCHES = {"small": lambda icl, rounds: bench_step(icl, rounds, 5, 20, 4000, 3, 10),
           "large": lambda icl, rounds: bench_step(icl, rounds, 20, 40, 1000, 4, 3),
           "length": bench_length, "kernel": bench_kernel}


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
