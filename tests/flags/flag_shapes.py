"""The data of one flag, as short as a table of cases needs it."""

SWITCH = {"on": True, "off": False}
TEXTS = {"old": "v1", "new": "v2"}
THREE = {"a": "v1", "b": "v2", "c": "v3"}


def flagd(targeting=None, default="off", variants=SWITCH, state="ENABLED"):
    flag = {"state": state, "variants": variants, "defaultVariant": default, "targeting": targeting}
    return {key: value for key, value in flag.items() if value is not None}


def split(*buckets):
    return {"fractional": list(buckets)}


def goff(rule, variations=SWITCH, **more):
    return {"variations": variations, "defaultRule": rule, **more}


def shares(**percentages):
    return {"percentage": percentages}
