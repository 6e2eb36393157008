"""`make bench`: every benchmark, as a table and as JSON (var/bench.json); or those that are named."""

import argparse
import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import feeds, hostile_calendars, mail_chaos, matching, pages, scheduling

TARGET = Path("var/bench.json")
Rows = list[dict[str, Any]]


def _pages() -> Rows:
    rows: Rows = list(pages.run())
    print(f"{'page':<28}{'CPU ms':>10}{'peers':>10}{'part':>8}")
    for row in rows:
        if "cpu_ms" in row:
            cost, peer = float(str(row["cpu_ms"])), row["peer_ms"]
            part = f"{cost / float(str(peer)):.0%}" if peer else ""
            print(f"{row['name']:<28}{cost:>10.2f}{peer or '':>10}{part:>8}")
        else:
            print(f"{row['name']:<28}{row['value']:>10}  (at most {row['limit']})")
    return rows


def _matching() -> Rows:
    rows: Rows = list(matching.run())
    print(matching.table(rows))
    return rows


def _scheduling(folder: Path | None) -> Rows:
    rows: Rows = list(scheduling.run(folder))
    print(scheduling.table(rows))
    return rows


def _feeds() -> Rows:
    rows: Rows = list(feeds.run())
    print(feeds.table(rows))
    return rows


def _hostile() -> Rows:
    rows: Rows = list(hostile_calendars.run())
    print(hostile_calendars.table(rows))
    return rows


def _mail() -> Rows:
    rows = mail_chaos.run()
    print(mail_chaos.table(rows))
    return rows


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "names", nargs="*", help="of pages, feeds, hostile, matching, scheduling, mail; else all"
    )
    options.add_argument("--instances", type=Path, help="a folder of instances of the meeting scheduler")
    chosen = options.parse_args()
    benchmarks: dict[str, Callable[[], Rows]] = {
        "pages": _pages,
        "feeds": _feeds,
        "hostile": _hostile,
        "matching": _matching,
        "scheduling": lambda: _scheduling(chosen.instances),
        "mail": _mail,
    }
    if unknown := set(chosen.names) - benchmarks.keys():
        options.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    rows: Rows = []
    for name in chosen.names or benchmarks:
        rows += benchmarks[name]()
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps({"machine": platform.platform(), "rows": rows}, indent=2), encoding="utf-8")
    print(f"JSON in {TARGET}")


if __name__ == "__main__":
    main()
