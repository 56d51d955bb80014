# SPDX-License-Identifier: Apache-2.0
"""The pipeline's JSON lines as a table for people."""

import json
import sys


def main() -> None:
    print(f"{'case':<42}{'ns/packet':>10}{'over accept':>13}")
    for line in open(sys.argv[1], encoding="utf-8"):
        row = json.loads(line)
        if "note" in row:
            print(f"{row['case']:<42}  {row['note']}")
        elif "ns_per_packet" in row:
            print(f"{row['case']:<42}{row['ns_per_packet']:>10.0f}{row['ns_over_accept']:>13.0f}")


if __name__ == "__main__":
    main()
