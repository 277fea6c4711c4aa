"""The worker's side of the protocol in xtask/src/bench/serve.rs: jobs on stdin, times on stdout."""

import sys
import time


def model(fields):
    """Widths, classes, hidden, rows."""
    widths, classes, hidden, rows = fields
    return [int(width) for width in widths.split(",")], int(classes), int(hidden), int(rows)


def _times(run, times, samples):
    result = []
    for _ in range(samples):
        start = time.perf_counter_ns()
        for _ in range(times):
            run()
        result.append((time.perf_counter_ns() - start) / times)
    return result


def _most_resident():
    with open("/proc/self/status", encoding="ascii") as status:
        return next(line.split()[1] for line in status if line.startswith("VmHWM:"))


def serve(name, prepare, times=_times):
    """`prepare(kind, fields)` gives a function to run, or raises with a reason."""
    print("hello", name, flush=True)
    run = None
    for line in sys.stdin:
        command, *fields = line.split()
        try:
            if command == "prepare":
                run = None
                run = prepare(fields[0], fields[1:])
                answer = "ready"
            elif command == "run":
                answer = " ".join(["times", *(f"{ns:.1f}" for ns in times(run, int(fields[0]), int(fields[1])))])
            else:
                answer = f"memory {_most_resident()}"
        except Exception as reason:  # whatever it is, other jobs can be done
            answer = f"cannot {reason!r}".replace("\n", " ")
        print(answer, flush=True)
