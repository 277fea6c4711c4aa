"""A scenario is data: module, loaders, trainer, callbacks, what is run, and which parts of the outcome count.

The same document drives Lightning here and our Trainer in `lightning-core/tests/lightning_scenarios.rs`.
"""

TRAINER = {"max_epochs": 1, "num_sanity_val_steps": 0, "log_every_n_steps": 1}
MODULE = {"w": 1.0, "optimizer": ["SGD", {"lr": 0.125}]}
LOADERS = {"train": [[1.0], [2.0]], "val": [[[3.0], [4.0]]]}


def scenario(
    name,
    compare,
    *,
    module=None,
    trainer=None,
    loaders=None,
    callbacks=(),
    runs=({"do": "fit"},),
    mended=None,
):
    """`mended` is `(ours, reason)` or `(ours, reason, switch)`.

    `ours` holds, for each run, the parts of the outcome that differ from Lightning's; `switch` names the
    setting of our Trainer that brings Lightning's own figures back.
    """
    document = {
        "name": name,
        "compare": compare.split(),
        "module": {**MODULE, **(module or {})},
        "loaders": {**LOADERS, **(loaders or {})},
        "trainer": {**TRAINER, **(trainer or {})},
        "callbacks": [list(each) for each in callbacks],
        "runs": list(runs),
    }
    if mended:
        document["mended"] = dict(zip(("ours", "reason", "switch"), mended))
    return document


def logs(hook, *entries):
    """`module` with these entries logged in one hook."""
    return {"log": {hook: list(entries)}}


def log(name, value, **options):
    return {"name": name, "value": value, **options}


def batches(count, start=1.0):
    """One-element batches 1, 2, …, so that a batch is known by its value."""
    return [[start + i] for i in range(count)]
