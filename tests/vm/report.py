# SPDX-License-Identifier: Apache-2.0
"""`ok …` and `FAIL …`, counted."""

import xml.etree.ElementTree as tree
from pathlib import Path


class Report:
    def __init__(self) -> None:
        self.passed = self.failed = 0

    def ok(self, what: str, tests: int = 1) -> None:
        self.passed += tests
        print(f"ok   {what}", flush=True)

    def fail(self, what: str) -> None:
        self.failed += 1
        print(f"FAIL {what}", flush=True)

    def line(self, text: str) -> None:
        """Of a script in the machine, which prints its checks as they are made."""
        print(text, flush=True)
        self.passed += text.startswith("ok ")
        self.failed += text.startswith("FAIL ")

    def suite(self, name: str, path: Path) -> None:
        """A report of GoogleTest or pytest in JUnit's XML. A skipped test has shown nothing."""
        if not path.exists():
            self.fail(f"{name} (got no report, want one: it did not run to its end)")
            return
        cases = [case for case in tree.parse(path).iter("testcase") if case.get("status") != "notrun"]
        bad = [case for case in cases if {child.tag for child in case} & {"failure", "error", "skipped"}]
        for case in bad:
            kinds = " and ".join(sorted({child.tag for child in case} - {"properties"}))
            self.fail(f"{name}: {case.get('classname')}.{case.get('name')} (got {kinds}, want it to pass)")
        if not cases:
            self.fail(f"{name} (got no test, want some)")
        elif len(bad) < len(cases):
            self.ok(f"{name}: {len(cases) - len(bad)} tests", len(cases) - len(bad))

    def properties(self, path: Path) -> list[dict[str, str]]:
        """What each test of the report recorded."""
        if not path.exists():
            return []
        return [{entry.get("name", ""): entry.get("value", "") for entry in case.iter("property")}
                for case in tree.parse(path).iter("testcase")]
