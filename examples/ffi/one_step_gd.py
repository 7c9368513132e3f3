"""One layer of linear attention becomes one step of gradient descent, called from Python.

Only the standard library: ctypes opens libicl and passes plain pointers. The layer is trained once
on the exact population loss and once on sampled prompts; the certificate then says how far it is
from the closed form, eta = 1 / (n + d + 1 + sigma^2). Exits 1 if it is too far.

Usage: one_step_gd.py [PATH OF libicl.so]   (else the environment's LIBICL, else the system's)
"""
import ctypes
import ctypes.util
import os
import sys
import weakref
from ctypes import POINTER, Structure, byref, c_char_p, c_double, c_int, c_int64, c_size_t, c_uint64
from ctypes import c_void_p, sizeof

OK, ARGUMENT = 0, 1                       # icl_status
PVKQ = 1                                  # icl_parametrisation
LBFGS, FIXED, POPULATION = 4, 1, 2        # icl_optimiser_method, icl_train_on
STOP_CALLBACK = 5                         # icl_stop


# The head of each option struct, down to the last field that is used here: the library leaves the
# others at their defaults, as it does for a program that was compiled with an older header.
class LawOptions(Structure):
    _fields_ = [("size", c_size_t), ("dim", c_int64), ("context", c_int64), ("noise", c_double)]


class ModelOptions(Structure):
    _fields_ = [("size", c_size_t), ("dim", c_int64), ("parametrisation", c_int)]


class OptimiserOptions(Structure):
    _fields_ = [("size", c_size_t), ("method", c_int), ("rate", c_double)]


class TrainReport(Structure):
    _fields_ = [("step", c_int64), ("loss", c_double), ("gradient_norm", c_double),
                ("excess", c_double), ("seconds", c_double), ("stop", c_int)]


Progress = ctypes.CFUNCTYPE(c_int, POINTER(TrainReport), c_void_p)


class TrainerOptions(Structure):
    _fields_ = [("size", c_size_t), ("on", c_int), ("batch", c_int64), ("queries", c_int64),
                ("first", c_int64), ("steps", c_int64), ("seconds", c_double),
                ("gradient_tolerance", c_double), ("excess_tolerance", c_double),
                ("excess_every", c_int64), ("average", c_int64), ("progress", Progress)]


class Certificate(Structure):
    _fields_ = [("size", c_size_t)] + [(name, c_double) for name in (
        "gamma_distance", "even_part", "gradient_norm", "risk", "risk_optimum", "excess", "step",
        "step_theory")]


class Error(Exception):
    """A failed call, with the library's own text."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class Icl:
    """libicl and one context."""

    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.library.icl_context_last_error.restype = c_char_p
        self.library.icl_status_text.restype = c_char_p
        self.context = c_void_p()
        self.check(self.library.icl_context_create(None, byref(self.context)))
        weakref.finalize(self, self.library.icl_context_free, self.context)

    def check(self, status):
        if status != OK:
            text = self.library.icl_context_last_error(self.context) if self.context else b""
            raise Error(status, (text or self.library.icl_status_text(status)).decode())

    def options(self, kind, name, **fields):
        options = kind()
        self.check(self.library["icl_" + name + "_options_init"](byref(options),
                                                                  c_size_t(sizeof(options))))
        for field, value in fields.items():
            setattr(options, field, value)
        return options

    def make(self, name, *arguments):
        return Object(self, name, *arguments)


class Object:
    """A handle that Python frees. The order does not matter: objects keep their context alive."""

    def __init__(self, icl, name, *arguments):
        self.handle = c_void_p()
        self.kept = arguments  # what the library borrows must live as long
        passed = [a.handle if isinstance(a, Object) else byref(a) if isinstance(a, Structure) else a
                  for a in arguments]
        icl.check(icl.library["icl_" + name + "_create"](icl.context, *passed, byref(self.handle)))
        weakref.finalize(self, icl.library["icl_" + name + "_free"], self.handle)


class Listener:
    """The progress callback. An exception may not pass through C: it is kept, and the run stops."""

    def __init__(self, stop_at):
        self.losses, self.stop_at, self.error = [], stop_at, None
        self.function = Progress(self.hear)

    def hear(self, report, _user):
        try:
            self.losses.append(report.contents.loss)
            return int(report.contents.step == self.stop_at)
        except BaseException as error:
            self.error = error
            return 1


def train(icl, sampler, dim, stop_at=0, **fields):
    """Trains a new layer; its certificate on the sampler's law, and why it stopped."""
    model = icl.make("model", icl.options(ModelOptions, "model", dim=dim, parametrisation=PVKQ))
    icl.library.icl_model_parameter_count.restype = c_int64
    count = c_int64(icl.library.icl_model_parameter_count(model.handle))
    optimiser = icl.make("optimiser", icl.options(OptimiserOptions, "optimiser", method=LBFGS,
                                                  rate=1.0), count)
    listener = Listener(stop_at)
    options = icl.options(TrainerOptions, "trainer", progress=listener.function, **fields)
    trainer = icl.make("trainer", model, optimiser, sampler, options)
    report = TrainReport()
    status = icl.library.icl_trainer_run(trainer.handle, byref(report))
    if listener.error is not None:
        raise listener.error
    icl.check(status)
    assert len(listener.losses) == report.step > 0
    certificate = Certificate(size=sizeof(Certificate))
    icl.library.icl_sampler_law.restype = c_void_p
    law = c_void_p(icl.library.icl_sampler_law(sampler.handle))
    icl.check(icl.library.icl_model_certify(model.handle, law, None, byref(certificate)))
    return certificate, report


def main():
    icl = Icl(sys.argv[1] if len(sys.argv) > 1 else
              os.environ.get("LIBICL") or ctypes.util.find_library("icl") or "libicl.so.0")
    d, n, noise = 5, 20, 0.25
    law = icl.make("law", icl.options(LawOptions, "law", dim=d, context=n, noise=noise))
    sampler = icl.make("sampler", law, c_uint64(1))
    theory = 1 / (n + d + 1 + noise)
    passed = True

    print(f"{'trained on':<12} {'eta':>10} {'theory':>10} {'gamma_distance':>15} {'excess risk':>12}")
    for name, bound, fields in (("population", 1e-8, {"on": POPULATION, "steps": 500}),
                                ("prompts", 0.03, {"on": FIXED, "batch": 100000, "steps": 100})):
        certificate, _ = train(icl, sampler, d, **fields)
        good = certificate.gamma_distance <= bound and abs(certificate.step_theory - theory) < 1e-15
        passed = passed and good
        print(f"{name:<12} {certificate.step:10.7f} {certificate.step_theory:10.7f} "
              f"{certificate.gamma_distance:15.1e} {certificate.excess:12.1e}  "
              f"{'pass' if good else 'FAIL'}")

    _, report = train(icl, sampler, d, stop_at=3, on=POPULATION, steps=500)
    passed = passed and report.step == 3 and report.stop == STOP_CALLBACK
    try:
        icl.make("law", icl.options(LawOptions, "law", dim=-1))
        passed = False
    except Error as error:
        print(f"a mistake is an exception: {error}")
        passed = passed and error.status == ARGUMENT and "dim = -1" in str(error)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
