"""The small twin of bench/mail_chaos.py: a server that fails, workers that are killed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parts import ROOT, postgresql_server

NUMBER, KILLS = 100, 3
ROUGH = {"hang_up": 0.02, "busy": 0.04, "full": 0.04, "lost": 0.03, "taken_and_lost": 0.0, "deaf": 0.1}


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_each_mail_arrives_whoever_dies(tmp_path: Path, database: str) -> None:
    # in a process of its own: a second application here would take the jobs of the first
    command = [sys.executable, "-m", "bench.mail_chaos", "--json", "--workers", "2", "--lease", "2"]
    command += ["--mails", str(NUMBER), "--kills", str(KILLS), "--faults", json.dumps(ROUGH)]
    if database == "postgresql":
        command += ["--database", postgresql_server().create_database("forum_mail_chaos")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    figures = json.loads(done.stdout.splitlines()[-1])
    assert (figures["delivered"], figures["lost"], figures["not_noted"]) == (NUMBER, 0, 0)
    assert figures["unknown"] == 0
    # one for each that was killed just between the server's answer and its own note, at worst
    assert figures["repeats"] <= KILLS
