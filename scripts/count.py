"""Say how many tests ran, how many of them on real reports, and fail if one was skipped where nothing may be.

python3 scripts/count.py REPORT.xml…
"""

import os
import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def main() -> int:
    """Count the test cases of the JUnit files; 1 if one was skipped or failed, or none ran."""
    cases = [case for path in sys.argv[1:] for case in ET.fromstring(Path(path).read_text()).iter("testcase")]
    skipped = [case for case in cases if case.find("skipped") is not None]
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    on_data = [case for case in cases if case.find("properties/property[@name='data']") is not None]
    print(f"{len(on_data)} tests ran on real reports (RELEASEGATE_DATA {'set' if data_set() else 'not set'})")
    for case in skipped:
        print(f"skipped: {case.get('classname')}::{case.get('name')}: {case.find('skipped').get('message')}")  # type: ignore[union-attr]
    print(f"{len(cases) - len(skipped) - len(failed)} passed, {len(failed)} failed, {len(skipped)} skipped")
    unexcused = [case for case in skipped if data_set() or "RELEASEGATE_DATA" not in str(case.find("skipped").attrib)]  # type: ignore[union-attr]
    return 1 if failed or unexcused or not cases else 0


def data_set() -> bool:
    """Whether the folder of real reports was named."""
    return bool(os.environ.get("RELEASEGATE_DATA"))


if __name__ == "__main__":
    sys.exit(main())
