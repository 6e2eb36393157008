"""`make bench`: every benchmark, as a table and as JSON (var/bench.json)."""

import argparse
import json
import platform
from pathlib import Path

from bench import matching, pages, scheduling

TARGET = Path("var/bench.json")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--instances", type=Path, help="a folder of instances of the meeting scheduler")
    folder = options.parse_args().instances
    rows = pages.run()
    print(f"{'page':<28}{'CPU ms':>10}{'peers':>10}{'part':>8}")
    for row in rows:
        if "cpu_ms" in row:
            cost, peer = float(str(row["cpu_ms"])), row["peer_ms"]
            part = f"{cost / float(str(peer)):.0%}" if peer else ""
            print(f"{row['name']:<28}{cost:>10.2f}{peer or '':>10}{part:>8}")
        else:
            print(f"{row['name']:<28}{row['value']:>10}  (at most {row['limit']})")
    suggestions = matching.run()
    print(matching.table(suggestions))
    rows += suggestions
    schedules = scheduling.run(folder)
    print(scheduling.table(schedules))
    rows += schedules
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps({"machine": platform.platform(), "rows": rows}, indent=2), encoding="utf-8")
    print(f"JSON in {TARGET}")


if __name__ == "__main__":
    main()
