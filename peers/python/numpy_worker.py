"""numpy, whose products are OpenBLAS's. The number of threads comes from OPENBLAS_NUM_THREADS."""

import numpy as np

from protocol import serve


def prepare(kind, fields):
    if kind != "product":
        raise NotImplementedError("numpy does products only")
    float_type, layout, *sizes = fields
    m, n, k = map(int, sizes)
    rng = np.random.default_rng(1)
    dtype = np.float32 if float_type == "f32" else np.float64
    a = rng.random((k, m) if layout == "tn" else (m, k), dtype)
    b = rng.random((n, k) if layout == "nt" else (k, n), dtype)
    a, b = (a.T if layout == "tn" else a), (b.T if layout == "nt" else b)
    out = np.empty((m, n), dtype)
    return lambda: np.matmul(a, b, out=out)


def version():
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"numpy {np.__version__}, {blas['name']} {blas['version']}"


serve(version(), prepare)
