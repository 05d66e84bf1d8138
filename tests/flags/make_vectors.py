"""Ask the real evaluators, and write what they serve into `vectors.json`.

`python tests/flags/make_vectors.py` installs openfeature-flagd-core 1, @openfeature/flagd-core and the WebAssembly
evaluator of gofeatureflag-python-provider into a temporary folder. Version 2 of openfeature-flagd-core is not asked
here: the tests ask it themselves.
"""

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import random_rules
from vector_cases import FLAGD, GOFF, KEYS, NOW

VECTORS = Path(__file__).with_name("vectors.json")
VERSIONS = {
    "openfeature-flagd-core": "1.0.0",
    "@openfeature/flagd-core": "4.0.1",
    "gofeatureflag-python-provider": "1.3.0",
}

FLAGD_PYTHON = """
import json, sys
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
asked = json.load(sys.stdin)
core = FlagdCore()
core.set_flags({"flags": asked["flags"]})
def serve(name, key, default):
    try:
        return core.resolve_boolean_value(name, default, EvaluationContext(targeting_key=key)).value
    except Exception:
        return default
answer = {}
for name in asked["flags"]:
    answer[name] = ["".join("01"[serve(name, key, default)] for key in asked["keys"]) for default in (False, True)]
json.dump(answer, sys.stdout)
"""

FLAGD_NODE = """
const {FlagdCore} = require("@openfeature/flagd-core");
const asked = JSON.parse(require("fs").readFileSync(0));
const quiet = {debug() {}, info() {}, warn() {}, error() {}};
const serve = (core, name, key, preset) => {
  try {
    const found = core.resolveBooleanEvaluation(name, preset, {targetingKey: key}, quiet);
    return found.value === undefined || found.reason === "ERROR" ? preset : found.value;
  } catch { return preset; }
};
const answer = {};
for (const name of Object.keys(asked.flags)) {
  const core = new FlagdCore(undefined, quiet);
  core.setConfigurations(JSON.stringify({flags: {[name]: asked.flags[name]}}));
  const bits = (preset) => asked.keys.map((key) => (serve(core, name, key, preset) ? "1" : "0")).join("");
  answer[name] = [bits(false), bits(true)];
}
process.stdout.write(JSON.stringify(answer));
"""

RULES_NODE = """
const {FlagdCore} = require("@openfeature/flagd-core");
const asked = JSON.parse(require("fs").readFileSync(0));
const quiet = {debug() {}, info() {}, warn() {}, error() {}};
const answer = asked.flags.map((flag) => {
  try {
    const core = new FlagdCore(undefined, quiet);
    core.setConfigurations(JSON.stringify({flags: {a: flag}}));
    const found = core.resolveStringEvaluation("a", "d", asked.keys, quiet);
    return found.value === undefined || found.reason === "ERROR" ? "d" : found.value;
  } catch { return "d"; }
});
process.stdout.write(JSON.stringify(answer.join("")));
"""

GOFF_PYTHON = """
import json, sys
from gofeatureflag_python_provider.wasm import EvaluateWasm, WasmFlagContext, WasmInput
asked = json.load(sys.stdin)
engine = EvaluateWasm(pool_size=1)
engine.initialize()
def serve(name, key, default):
    context = {"targetingKey": key, "key": key, "gofeatureflag": {"currentDateTime": asked["now"]}}
    found = engine.evaluate(WasmInput(
        flagKey=name, flag=asked["flags"][name], evalContext=context,
        flagContext=WasmFlagContext(defaultSdkValue=default),
    ))
    return default if found.value is None else found.value
answer = {}
for name in asked["flags"]:
    answer[name] = ["".join("01"[serve(name, key, default)] for key in asked["keys"]) for default in (False, True)]
json.dump(answer, sys.stdout)
"""


def ask(argv, program, flags, folder, keys=KEYS):
    asked = json.dumps({"flags": flags, "keys": keys, "now": NOW})
    done = subprocess.run([*argv, program], input=asked, capture_output=True, text=True, check=True, cwd=folder)
    return json.loads(done.stdout)


def python(folder, package):
    venv.create(folder, with_pip=True)
    interpreter = folder / "bin" / "python"
    subprocess.run([interpreter, "-m", "pip", "install", "--quiet", f"{package}=={VERSIONS[package]}"], check=True)
    return [interpreter, "-c"]


def node(folder, package):
    folder.mkdir()
    npm = ["npm", "install", "--silent", "--prefix", folder, f"{package}@{VERSIONS[package]}", "@openfeature/core"]
    subprocess.run(npm, check=True)
    return ["node", "-e"]


def packed(bits):
    """10,000 zeros and ones as hexadecimal digits."""
    return f"{int(bits, 2):0{len(bits) // 4}x}"


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one = ask(python(folder / "one", "openfeature-flagd-core"), FLAGD_PYTHON, FLAGD, folder)
        npm = node(folder / "node", "@openfeature/flagd-core")
        two = ask(npm, FLAGD_NODE, FLAGD, folder / "node")
        user = {"targetingKey": random_rules.KEY, **random_rules.USER}
        asked = random_rules.rules()
        answers = ask(npm, RULES_NODE, [random_rules.flag(rule) for rule in asked], folder / "node", user)
        three = ask(python(folder / "goff", "gofeatureflag-python-provider"), GOFF_PYTHON, GOFF, folder)
    differing = [flag for flag in FLAGD if one[flag] != two[flag]]
    print("served differently by the two evaluators of the concatenated hash:", differing or "nothing", file=sys.stderr)
    vectors = {
        "made_with": VERSIONS,
        "concat": {flag: [packed(bits) for bits in one[flag]] for flag in FLAGD},
        "concat_node": {flag: [packed(bits) for bits in two[flag]] for flag in differing},
        "goff": {flag: [packed(bits) for bits in three[flag]] for flag in GOFF},
        "rules": {"asked": random_rules.digest(asked), "answers": answers},
    }
    VECTORS.write_text(json.dumps(vectors, indent=1) + "\n")


if __name__ == "__main__":
    main()
