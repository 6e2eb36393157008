"""What hostile calendar files cost `forum read-busy`: CPU seconds, seconds by the clock, memory.

Each file is read by the command in a process of its own, its start included; the figures are what the
kernel counted for that process. Every one has to be read, cut or refused within two seconds of CPU and
200 MB.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

SECONDS, MEMORY = 2.0, 200.0
WINDOW = ("--zone", "Asia/Tokyo", "--from", "2027-03-01T00:00:00Z", "--to", "2027-04-01T00:00:00Z")
HEAD, END = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//x//EN\r\n", "END:VCALENDAR\r\n"
FIRST = "20270301T000000Z"
Rows = list[dict[str, object]]


def event(*lines: str, uid: str = "a", start: str = FIRST) -> str:
    """A VEVENT of half an hour."""
    body = "\r\n".join((f"UID:{uid}", f"DTSTART:{start}", "DURATION:PT30M", *lines))
    return f"BEGIN:VEVENT\r\n{body}\r\nEND:VEVENT\r\n"


def calendar(*parts: str) -> bytes:
    """A whole file."""
    return "".join((HEAD, *parts, END)).encode()


def zone(*observances: str, name: str = "Made/Up") -> str:
    """A VTIMEZONE."""
    return f"BEGIN:VTIMEZONE\r\nTZID:{name}\r\n{''.join(observances)}END:VTIMEZONE\r\n"


def observance(rule: str, kind: str = "STANDARD") -> str:
    """A part of a VTIMEZONE."""
    return (
        f"BEGIN:{kind}\r\nDTSTART:19700101T000000\r\n{rule}\r\n"
        f"TZOFFSETFROM:+0900\r\nTZOFFSETTO:+0800\r\nEND:{kind}\r\n"
    )


def files() -> Iterator[tuple[str, bytes]]:
    """Name and content."""
    million = 1_000_000
    yield (
        "a million recurrences",
        calendar(event(f"RRULE:FREQ=MINUTELY;COUNT={million}", start="20250101T000000Z")),
    )
    yield "a recurrence each second", calendar(event("RRULE:FREQ=SECONDLY", start="19700101T000000Z"))
    yield "each second, for ever, never", calendar(event("RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"))
    parts = "BYSECOND=0,1,2,3,4,5,6,7,8,9,10,11,12;BYMINUTE=" + ",".join(map(str, range(60)))
    yield (
        "each part of a rule at once",
        calendar(event(f"RRULE:FREQ=YEARLY;{parts};BYHOUR={','.join(map(str, range(24)))}")),
    )
    yield "the last of each set", calendar(event(f"RRULE:FREQ=YEARLY;{parts};BYSETPOS=-1"))
    dates = ",".join(
        f"2027{m:02}{d:02}T{h:02}{s:02}00Z"
        for m in range(1, 13)
        for d in range(1, 28)
        for h in range(24)
        for s in range(60)
    )
    yield "a million RDATE in a line", calendar(event(f"RDATE:{dates},{dates}"[:9_900_000]))
    yield (
        "a million EXDATE in a line",
        calendar(event("RRULE:FREQ=DAILY", f"EXDATE:{dates},{dates}"[:9_900_000])),
    )
    yield (
        "twelve thousand endless entries",
        calendar(*(event("RRULE:FREQ=SECONDLY", uid=f"u{n}") for n in range(12_000))),
    )
    yield "a hundred thousand entries", calendar(*(event(uid=f"u{n}") for n in range(100_000)))
    yield (
        "a hundred thousand exceptions",
        calendar(
            event("RRULE:FREQ=HOURLY"),
            *(event(f"RECURRENCE-ID:2027030{1 + n % 9}T{n % 24:02}0000Z") for n in range(70_000)),
        ),
    )
    yield (
        "a hundred thousand levels",
        HEAD.encode() + b"BEGIN:VEVENT\r\n" * 100_000 + b"END:VEVENT\r\n" * 100_000 + END.encode(),
    )
    yield "components that never end", HEAD.encode() + b"BEGIN:VEVENT\r\n" * 700_000
    yield (
        "a zone that changes each second",
        calendar(
            zone(observance("RRULE:FREQ=SECONDLY"), observance("RRULE:FREQ=SECONDLY", "DAYLIGHT")),
            event(start="20270301T000000").replace("DTSTART:", "DTSTART;TZID=Made/Up:"),
        ),
    )
    yield (
        "a thousand zones of their own",
        calendar(
            *(zone(observance("RRULE:FREQ=DAILY"), name=f"Z{n}") for n in range(1000)),
            *(
                event("RRULE:FREQ=DAILY", uid=f"u{n}", start="20270301T000000").replace(
                    "DTSTART:", f"DTSTART;TZID=Z{n}:"
                )
                for n in range(1000)
            ),
        ),
    )
    yield (
        "zones that are paths",
        calendar(
            *(
                event(uid=f"u{n}").replace("DTSTART:", f"DTSTART;TZID=../../etc/passwd{n}:")
                for n in range(20_000)
            )
        ),
    )
    yield "a line of ten megabytes", calendar(event(f"SUMMARY:{'x' * 9_900_000}"))
    yield "a rule of ten megabytes", calendar(event("RRULE:FREQ=DAILY;BYMONTHDAY=" + "1," * 4_900_000 + "1"))
    yield "one name, a million times", calendar(event("\r\n".join(["RRULE:FREQ=DAILY"] * 500_000)))
    yield (
        "a million parameters",
        calendar(event("").replace("DTSTART:", "DTSTART" + ";X=1" * 2_000_000 + ":")),
    )
    yield "folded at each character", calendar(event("RDATE:" + "\r\n ".join(dates[:3_000_000])))
    yield (
        "a free-busy of a million",
        calendar(
            "BEGIN:VFREEBUSY\r\nFREEBUSY:"
            + ",".join(["20270301T000000Z/PT1M"] * 450_000)
            + "\r\nEND:VFREEBUSY\r\n"
        ),
    )
    yield (
        "availability of thousands",
        calendar(
            "BEGIN:VAVAILABILITY\r\n",
            *(
                f"BEGIN:AVAILABLE\r\nUID:u{n}\r\nDTSTART:{FIRST}\r\nDURATION:PT1M\r\nRRULE:FREQ=MINUTELY\r\nEND:AVAILABLE\r\n"
                for n in range(5000)
            ),
            "END:VAVAILABILITY\r\n",
        ),
    )
    yield "years 1 to 9999", calendar(event("RRULE:FREQ=DAILY", start="00010101T000000Z"))
    yield (
        "numbers without end",
        calendar(event(f"RRULE:FREQ=DAILY;INTERVAL={'9' * 4000}", f"SEQUENCE:{'9' * 1_000_000}")),
    )
    yield "random bytes, 10 MB", os.urandom(10_000_000)
    yield "zeros, 10 MB", bytes(10_000_000)
    yield "a million empty lines", calendar("\n" * 9_000_000)
    yield "colons and quotes", calendar(event('DTSTART;X="' + '":;,' * 2_000_000))
    yield "UTF-16, 10 MB", calendar(*(event(uid=f"u{n}") for n in range(40_000))).decode().encode("utf-16")
    yield "UTF-32, 10 MB", calendar(*(event(uid=f"u{n}") for n in range(20_000))).decode().encode("utf-32")
    yield "100 MB", calendar(event()) + b"x" * 100_000_000


def measure(command: list[str]) -> tuple[int, float, float, float, str]:
    """Exit status, CPU seconds, seconds by the clock, MB, and what was said."""
    begun = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read(200_000).decode("utf-8", "replace")
    took = time.monotonic() - begun
    return process.returncode, used.ru_utime + used.ru_stime, took, used.ru_maxrss / 1000, text


def write(folder: Path) -> None:
    """Write all files, by number, with their names."""
    names = []
    for number, (name, content) in enumerate(files()):
        (folder / f"{number}.ics").write_bytes(content)
        names.append(name)
    (folder / "names.json").write_text(json.dumps(names), encoding="utf-8")


def measured() -> Rows:
    """Rows: name, CPU seconds, seconds by the clock, MB, how it ended.

    Only in a process that never held a large file: the kernel counts the memory of the process that starts a
    command as the command's until it begins.
    """
    rows: Rows = []
    forum = str(Path(sys.executable).with_name("forum"))
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", __spec__.name, "write", folder], check=True)
        names = json.loads(Path(folder, "names.json").read_text(encoding="utf-8"))
        for number, name in enumerate(names):
            path = Path(folder, f"{number}.ics")
            status, cpu, took, memory, said = measure([forum, "read-busy", str(path), *WINDOW])
            path.unlink()
            if status not in (0, 1) or "Traceback" in said:
                raise SystemExit(f"{name}: exit status {status}, {said[-500:]}")
            outcome = "refused" if status else "cut" if '"cut"' in said else "read"
            figures = {"cpu": round(cpu, 2), "wall": round(took, 2), "mb": round(memory)}
            rows.append({"name": name, **figures, "outcome": outcome})
    return rows


def run() -> Rows:
    """measured(), in a small process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.hostile_calendars", "measure"], check=True, stdout=subprocess.PIPE
    )
    rows: Rows = json.loads(done.stdout)
    return rows


def table(rows: Rows) -> str:
    """As text; what is beyond the limits is marked."""
    lines = [
        "",
        f"{'hostile calendar file':<36}{'CPU s':>7}{'s':>7}{'MB':>6}  at most {SECONDS} s, {MEMORY:.0f} MB",
    ]
    for row in rows:
        over = float(str(row["cpu"])) > SECONDS or float(str(row["mb"])) > MEMORY
        mark = "  OVER" if over else ""
        lines.append(
            f"{row['name']:<36}{row['cpu']:>7}{row['wall']:>7}{row['mb']:>6}  {row['outcome']}{mark}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", folder]:
            write(Path(folder))
        case ["measure"]:
            print(json.dumps(measured()))
        case _:
            print(table(measured()))
