"""The parts that the benchmarks share: libicl through ctypes, and interleaved timing."""
import ctypes as c
import os
import platform
import statistics
import time

P = c.c_void_p


class ContextOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("allocate", P), ("release", P), ("allocator_user", P),
                ("log", P), ("log_user", P), ("threads", c.c_int64), ("isa", c.c_int)]


class LawOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("dim", c.c_int64), ("context", c.c_int64),
                ("noise", c.c_double), ("covariance", c.c_int), ("covariance_values", P),
                ("prior", c.c_int), ("prior_values", P), ("prior_mean", P),
                ("rotation_seed", c.c_uint64), ("labels", c.c_int), ("hidden", c.c_int64),
                ("label_fn", P), ("label_user", P), ("label_odd", c.c_int), ("noise_values", P),
                ("noise_count", c.c_int64), ("noise_law", c.c_int), ("covariates", c.c_int),
                ("trace", c.c_int), ("tasks", c.c_int), ("sparsity", c.c_int64),
                ("pool", c.c_int64), ("pool_values", P), ("pool_seed", c.c_uint64),
                ("rest", c.c_byte * 256)]


class ModelOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("dim", c.c_int64), ("parametrisation", c.c_int),
                ("width", c.c_int64), ("sign", c.c_int), ("init", c.c_int),
                ("init_scale", c.c_double), ("seed", c.c_uint64), ("layers", c.c_int64),
                ("heads", c.c_int64), ("token", c.c_int64), ("looped", c.c_int),
                ("residual", c.c_int), ("guess", c.c_int), ("form", c.c_int),
                ("rest", c.c_byte * 128)]


class OptimiserOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("method", c.c_int), ("rate", c.c_double),
                ("rest", c.c_byte * 256)]


class TrainerOptions(c.Structure):
    _fields_ = [("size", c.c_size_t), ("on", c.c_int), ("batch", c.c_int64),
                ("queries", c.c_int64), ("first", c.c_int64), ("steps", c.c_int64),
                ("seconds", c.c_double), ("gradient_tolerance", c.c_double),
                ("excess_tolerance", c.c_double), ("excess_every", c.c_int64),
                ("average", c.c_int64), ("progress", P), ("progress_user", P),
                ("report_every", c.c_int64), ("refresh", c.c_int64), ("moments", c.c_int), ("rest", c.c_byte * 128)]


class Library:
    def __init__(self, path):
        self.path, self.lib = path, c.CDLL(path)

    def call(self, name, *arguments):
        status = getattr(self.lib, name)(*arguments)
        if status != 0:
            raise RuntimeError("%s: status %d" % (name, status))

    def options(self, kind, initialiser, **values):
        o = kind()
        self.call(initialiser, c.byref(o), c.c_size_t(c.sizeof(o)))
        for key, value in values.items():
            setattr(o, key, value)
        return o

    def make(self, kind, *arguments):
        """icl_<kind>_create; the object is kept until the process ends."""
        out = P()
        self.call("icl_%s_create" % kind, *arguments, c.byref(out))
        return out

    def context(self, threads):
        o = self.options(ContextOptions, "icl_context_options_init", threads=threads)
        return self.make("context", c.byref(o))

    def law(self, lab, **law):
        o = self.options(LawOptions, "icl_law_options_init", **law)
        return self.make("law", lab, c.byref(o))

    def sampler(self, lab, **law):
        return self.make("sampler", lab, self.law(lab, **law), c.c_uint64(1))

    def model(self, lab, **shape):
        o = self.options(ModelOptions, "icl_model_options_init", **shape)
        return self.make("model", lab, c.byref(o))

    def count(self, model):
        self.lib.icl_model_parameter_count.restype = c.c_int64
        return c.c_int64(self.lib.icl_model_parameter_count(model))

    def trainer(self, context, model, sampler, rate=1e-3, **training):
        o = self.options(OptimiserOptions, "icl_optimiser_options_init", rate=rate)
        adam = self.make("optimiser", context, c.byref(o), self.count(model))
        o = self.options(TrainerOptions, "icl_trainer_options_init", **training)
        return self.make("trainer", context, model, adam, sampler, c.byref(o))

    def step_of(self, trainer):
        return lambda: self.call("icl_trainer_step", trainer, None)


SETTLE = 0.05  # seconds that a subject of shorter runs has before it is timed


def interleave(rounds, units, subjects, per="value"):
    """Runs every subject once a round; prints medians, and the ratios to the first subject. A
    subject is a function, or one with the units that a run of it makes."""
    subjects = {name: run if isinstance(run, tuple) else (run, units)
                for name, run in subjects.items()}
    times = {name: [] for name in subjects}
    for _ in range(rounds + 1):
        for name, (run, made) in subjects.items():
            # threads of the last subject spin for a while, and those of this one must spread out
            start = time.perf_counter()
            while time.perf_counter() < start + SETTLE and not (times[name] and
                                                                times[name][-1] * made > SETTLE):
                run()
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) / made)
    first = next(iter(subjects))
    for name, all_times in times.items():
        kept = all_times[1:]
        ratios = [a / b for a, b in zip(kept, times[first][1:])]
        print("  %-42s %11.4g ns a %s   %7.3f x (%.2f to %.2f)" %
              (name, 1e9 * statistics.median(kept), per, statistics.median(ratios), min(ratios),
               max(ratios)), flush=True)


def repeat(run, times):
    def many():
        for _ in range(times):
            run()
    return many


def machine():
    """The processor, as one line."""
    names = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if "model name" in line]
    return "%s, %d processors, Python %s" % (names[0] if names else platform.machine(),
                                             os.cpu_count(), platform.python_version())
