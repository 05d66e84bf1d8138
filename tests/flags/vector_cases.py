"""The flags that the real evaluators were asked about, for the keys `user-0` to `user-9999`."""

KEYS = [f"user-{number}" for number in range(10_000)]
NOW = "2026-11-24T12:00:00Z"


def _flagd(targeting, **more):
    flag = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off", **more}
    return {**flag, "targeting": targeting}


def _goff(**more):
    return {"variations": {"enabled": True, "disabled": False}, **more}


def _percentage(enabled, disabled):
    return {"percentage": {"enabled": enabled, "disabled": disabled}}


_PROGRESS = {
    "initial": {"variation": "disabled", "percentage": 10, "date": "2026-11-24T00:00:00Z"},
    "end": {"variation": "enabled", "percentage": 90, "date": "2026-11-25T00:00:00Z"},
}

FLAGD = {
    "checkout-v2": _flagd({"fractional": [["on", 5], ["off", 95]]}),
    "off-first": _flagd({"fractional": [["off", 75], ["on", 25]]}),
    "fine": _flagd({"fractional": [["on", 1234], ["off", 98766]]}),
    "lone": _flagd({"fractional": [["on", 5]]}),
    "decimal": _flagd({"fractional": [["on", 2.5], ["off", 97.5]]}),
    "nobody": _flagd({"fractional": [["on", 0], ["off", 100]]}),
    "no-weights": _flagd({"fractional": [["on"], ["off"]]}),
    "negative": _flagd({"fractional": [["on", -5], ["off", 10]]}),
    "typo": _flagd({"fractional": [["onn", 5], ["off", 95]]}),
    "by-key": _flagd({"fractional": [{"cat": ["salt-", {"var": "targetingKey"}]}, ["on", 30], ["off", 70]]}),
    "by-nothing": _flagd({"fractional": [{"var": "email"}, ["on", 30], ["off", 70]]}),
    "rule": _flagd(
        {"if": [{"ends_with": [{"var": "targetingKey"}, "7"]}, "on", {"fractional": [["on", 10], ["off", 90]]}]}
    ),
    "and-or": _flagd(
        {
            "if": [
                {"and": [{"in": ["9", {"var": "targetingKey"}]}, {"!": [{"starts_with": [{"var": "email"}, "x"]}]}]},
                "on",
                {"or": [{"==": [{"var": "tier"}, "gold"]}, {"===": [1, 2]}]},
                "on",
                None,
            ]
        }
    ),
    "boolean": _flagd(
        {"if": [{"in": [{"var": "targetingKey"}, ["user-1", "user-2"]]}, True, False]},
        variants={"true": True, "false": False},
        defaultVariant="false",
    ),
    "disabled": _flagd({"fractional": [["on", 50], ["off", 50]]}, state="DISABLED"),
    "static": _flagd({}, defaultVariant="on"),
}

GOFF = {
    "checkout-v2": _goff(defaultRule=_percentage(5, 95)),
    "decimals": _goff(defaultRule=_percentage(2.5, 97.5)),
    "fine": _goff(defaultRule=_percentage(0.125, 99.875)),
    "lone": _goff(defaultRule={"percentage": {"enabled": 5}}),
    "two-hundred": _goff(defaultRule=_percentage(50, 150)),
    "order": {"variations": {"a": True, "b": False}, "defaultRule": {"percentage": {"a": 20, "b": 80}}},
    "static": _goff(defaultRule={"variation": "enabled"}),
    "disabled": _goff(defaultRule={"variation": "enabled"}, disable=True),
    "targeted": _goff(
        targeting=[{"name": "some", "query": 'key ew "7"', "variation": "enabled"}], defaultRule=_percentage(10, 90)
    ),
    "missing": _goff(
        targeting=[{"name": "none", "query": 'email ew "@x.io"', "variation": "enabled"}],
        defaultRule={"variation": "disabled"},
    ),
    "split-rule": _goff(
        targeting=[{"name": "part", "query": 'key co "9"', "percentage": {"enabled": 40, "disabled": 60}}],
        defaultRule={"variation": "disabled"},
    ),
    "skipped": _goff(
        targeting=[{"name": "skip", "query": 'key co "9"', "variation": "enabled", "disable": True}],
        defaultRule=_percentage(1, 99),
    ),
    "progress": _goff(defaultRule={"progressiveRollout": _PROGRESS}),
    "experiment-over": _goff(
        defaultRule={"variation": "enabled"},
        experimentation={"start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"},
    ),
    "empty-rules": _goff(targeting=[], scheduledRollout=[], experimentation={}, defaultRule={"variation": "enabled"}),
    "step-to-come": _goff(
        scheduledRollout=[{"date": "2027-01-01T00:00:00Z", "defaultRule": {"variation": "enabled"}}],
        defaultRule={"variation": "disabled"},
    ),
}
