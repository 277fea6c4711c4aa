"""Reads a log folder with the real TensorBoard and compares what it finds with a JSON file.

    python scripts/check_tensorboard.py LOGDIR EXPECTED.json

LOGDIR holds one run. Nothing of TensorBoard's is reimplemented here: scalars, histograms, images and texts come from its
EventAccumulator, hyperparameters and their metrics from the code that fills its HParams tab. Exits with 1 and a list of
differences, or prints how many of each were found again. Needs `pip install tensorboard`.
"""

import io
import json
import math
import os
import struct
import sys
import zlib

from tensorboard import context
from tensorboard.backend.event_processing import data_provider, event_accumulator, plugin_event_multiplexer
from tensorboard.plugins import base_plugin
from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups

ALL = {kind: 0 for kind in ("scalars", "histograms", "images", "tensors")}
problems = []


def check(what, found, expected):
    if found != expected:
        problems.append(f"{what}: found {found!r}, expected {expected!r}")


def pixels_of(png):
    """The bytes of an 8-bit RGB image; only what the PNG standard says, so that no image library is needed."""
    at, data = 8, b""
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", png[at + 8 : at + 18])
            assert (depth, colour) == (8, 2), "not 8-bit RGB"
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += length + 12
    raw, stride, rows = io.BytesIO(zlib.decompress(data)), 3 * width, []
    above = bytes(stride)
    for _ in range(height):
        kind, row = raw.read(1)[0], bytearray(raw.read(stride))
        for i in range(stride):
            left = row[i - 3] if i >= 3 else 0
            corner = above[i - 3] if i >= 3 else 0
            near = min((left, above[i], corner), key=lambda x: abs(left + above[i] - corner - x))
            row[i] = (row[i] + [0, left, above[i], (left + above[i]) // 2, near][kind]) % 256
        rows.append(row)
        above = row
    return [byte for row in rows for byte in row]


def check_events(logdir, expected):
    (run,) = [os.path.join(logdir, name) for name in os.listdir(logdir) if os.path.isdir(os.path.join(logdir, name))]
    events = event_accumulator.EventAccumulator(run, size_guidance=ALL)
    events.Reload()
    tags = events.Tags()
    found = {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in tags["scalars"]}
    wanted = {}
    for tag, step, value in expected["scalars"]:
        # A 32-bit number is read back as the 64-bit number next to its text.
        single = struct.unpack("<f", struct.pack("<f", float(value)))[0]
        wanted.setdefault(tag, []).append((step, single))
    check("scalar tags", sorted(found), sorted(wanted))
    for tag, points in wanted.items():
        # repr makes NaN equal to itself.
        check(f"scalar {tag}", repr(found.get(tag)), repr(points))
    check("histogram tags", sorted(tags["histograms"]), sorted({h["tag"] for h in expected["histograms"]}))
    for tag in tags["histograms"]:
        wanted = [h for h in expected["histograms"] if h["tag"] == tag]
        for event, one in zip(events.Histograms(tag), wanted, strict=True):
            value, where = event.histogram_value, f"histogram {tag} step {one['step']}"
            check(f"{where} step", event.step, one["step"])
            for field in ("min", "max", "num", "sum", "sum_squares"):
                check(f"{where} {field}", getattr(value, field), one[field])
            check(f"{where} limits", list(value.bucket_limit), one["limits"])
            check(f"{where} counts", list(value.bucket), one["counts"])
    images = [(tag, e) for tag in tags["images"] for e in events.Images(tag)]
    for (tag, event), one in zip(images, expected["images"], strict=True):
        size = [event.width, event.height]
        check("image", [tag, event.step, *size, pixels_of(event.encoded_image_string)], one)
    texts = [[t, e.step, e.tensor_proto.string_val[0].decode()] for t in tags["tensors"] if t[:2] != "_h"
             for e in events.Tensors(t)]
    check("texts", texts, expected["texts"])


def check_hparams(logdir, expected):
    events = plugin_event_multiplexer.EventMultiplexer(size_guidance=ALL)
    events.AddRunsFromDirectory(logdir)
    events.Reload()
    provider = data_provider.MultiplexerDataProvider(events, logdir)
    tab = backend_context.Context(base_plugin.TBContext(data_provider=provider))
    request, experiment = context.RequestContext(), "experiment"
    infos = tab.experiment_from_metadata(
        request, experiment, True, tab.hparams_metadata(request, experiment),
        tab.hparams_from_data_provider(request, experiment, limit=None), None,
    )
    check("hparam columns", sorted(i.name for i in infos.hparam_infos), sorted(expected["hparams"]))
    columns = {i.name.tag for i in infos.metric_infos}
    check("metric columns", sorted(set(expected["hparams_metrics"]) - columns), [])
    statuses = [api_pb2.STATUS_UNKNOWN, api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE, api_pb2.STATUS_RUNNING]
    asked = api_pb2.ListSessionGroupsRequest(
        start_index=0, slice_size=10, allowed_statuses=statuses, include_metrics=True,
        col_params=[api_pb2.ColParams(metric=i.name) for i in infos.metric_infos],
    )
    (group,) = list_session_groups.Handler(request, tab, experiment, asked).run().session_groups
    found = {name: getattr(value, value.WhichOneof("kind")) for name, value in group.hparams.items()}
    check("hparams", found, expected["hparams"])
    metrics = {m.name.tag: m.value for m in group.metric_values}
    for tag, value in expected["hparams_metrics"].items():
        check(f"hparams metric {tag}", metrics.get(tag, math.nan), value)
    check("status", api_pb2.Status.Name(group.sessions[0].status), expected["status"])


def main():
    logdir, path = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        expected = json.load(file)
    check_events(logdir, expected)
    check_hparams(logdir, expected)
    if problems:
        sys.exit("\n".join(problems))
    counts = [f"{len(expected[kind])} {kind}" for kind in ("scalars", "histograms", "images", "texts")]
    print(f"found again: {', '.join(counts)}, {len(expected['hparams'])} hyperparameters")


if __name__ == "__main__":
    main()
