"""Python's safetensors package reads what libicl writes, and the other way round.
Usage: test_safetensors_peer.py COPY_SAFETENSORS. Skipped where the package is not there."""
import os
import subprocess
import sys

import tap

try:
    import numpy
    import safetensors
    from safetensors.numpy import load_file, save_file
except ImportError:
    print("1..0 # SKIP Python's safetensors or numpy is not there")
    sys.exit(0)

COPY = sys.argv[1]


def copy(directory, source, name):
    target = os.path.join(directory, name)
    done = subprocess.run([COPY, source, target], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


def texts(path):
    with safetensors.safe_open(path, framework="np") as file:
        return dict(file.metadata() or {})


def read(path):
    with open(path, "rb") as file:
        return file.read()


def checksum(data):
    """By its definition."""
    at = data.index(b'"libicl.checksum":"') + len(b'"libicl.checksum":"')
    value = 0xcbf29ce484222325
    for byte in data[:at] + b"0" * 16 + data[at + 16:]:
        value = (value ^ byte) * 0x100000001b3 % 2**64
    return f"{value:016x}", data[at:at + 16].decode()


def assert_same(arrays, others):
    assert sorted(arrays) == sorted(others)
    for name, array in arrays.items():
        assert array.dtype == others[name].dtype and array.shape == others[name].shape, name
        assert array.tobytes() == others[name].tobytes(), name


def varied():
    values = numpy.arange(24, dtype=numpy.float64) - 11.5
    values[:4] = [numpy.nan, -0.0, numpy.inf, 5e-324]
    whole = numpy.array([-2**63, 2**63 - 1, 0, -1], dtype=numpy.int64)
    return {
        "scalar": numpy.array(0.5), "vector": values, "matrix": values.reshape(4, 6),
        "cube": whole.reshape(2, 1, 2), "rank 4": values.reshape(2, 3, 1, 4),
        "mask": numpy.array([0, 255, 7], dtype=numpy.uint8), "empty": numpy.zeros((0, 3)),
        "empty bytes": numpy.zeros((2, 0), dtype=numpy.uint8),
        "\u0393* \U0001f600 \"quoted\\\" \n/": whole, "": whole[:1],
    }


def round_trip(directory, arrays, metadata):
    source = os.path.join(directory, "python")
    save_file(arrays, source, metadata=metadata)
    ours = copy(directory, source, "libicl")
    assert_same(arrays, load_file(ours))
    found = texts(ours)
    assert found.pop("libicl.format") == "1" and len(found.pop("libicl.checksum")) == 16
    assert found == (metadata or {}), found
    computed, stored = checksum(read(ours))
    assert computed == stored
    assert read(copy(directory, ours, "again")) == read(ours)


def test_every_type_shape_and_name(directory):
    round_trip(directory, varied(), {"kind": "mod\u00e8le", "\"": "\n", "": ""})


def test_no_texts(directory):
    round_trip(directory, varied(), None)


def test_nothing(directory):
    round_trip(directory, {}, None)


def test_many(directory):
    random = numpy.random.default_rng(1)
    round_trip(directory, {f"layer{i}": random.standard_normal(i) for i in range(200)}, None)


def test_numbers_are_aligned_in_the_file(directory):
    source, arrays = os.path.join(directory, "python"), varied()
    save_file(arrays, source)
    data = read(copy(directory, source, "libicl"))
    start = 8 + int.from_bytes(data[:8], "little")
    assert start % 8 == 0
    assert data.index(arrays["cube"].tobytes(), start) % 8 == 0


def test_other_types_are_refused(directory):
    source = os.path.join(directory, "python")
    save_file({"a": numpy.zeros(2, dtype=numpy.float32)}, source)
    done = subprocess.run([COPY, source, source], capture_output=True, text=True)
    assert done.returncode == 1 and "ICL_ERR_FORMAT" in done.stderr and "F32" in done.stderr, done


def test_a_file_that_python_changed_is_told(directory):
    source = os.path.join(directory, "python")
    save_file({"a": numpy.zeros(2)}, source)
    ours = copy(directory, source, "libicl")
    save_file({"a": numpy.ones(2)}, source, metadata=texts(ours))
    done = subprocess.run([COPY, source, source], capture_output=True, text=True)
    assert done.returncode == 1 and "ICL_ERR_FORMAT" in done.stderr, done


if __name__ == "__main__":
    sys.exit(tap.run([(name[5:].replace("_", " "), body) for name, body in list(globals().items())
                      if name.startswith("test_")]))
