"""The wheel, installed alone in an empty environment outside the checkout, serves the demonstration forum."""

import os
import re
import shutil
import subprocess
import sys
import time
from configparser import ConfigParser
from importlib.metadata import distribution
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.parts import PATIENCE, ROOT, free_port


def run(*command: str, cwd: Path, environ: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def test_every_package_is_listed() -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    found = {
        ".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "forum_app").rglob("__init__.py")
    }
    assert found <= listed


def lay_in(packages: Path) -> None:
    """The locked packages, and no others, as pip has installed them for this checkout from the same list.

    Linked or copied: that the list can be installed is what `make` has shown before any test runs.
    """
    locked = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.M)
    assert len(locked) > 20
    for name, version in locked:
        installed = distribution(name)
        assert installed.version == version, f"{name} {installed.version} is not what is locked: make"
        for file in installed.files or ():
            if ".." in file.parts:  # commands, which name the Python of the checkout
                continue
            target = packages / file
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(file.locate(), target)
            except FileNotFoundError:  # compiled for nobody yet
                assert target.suffix == ".pyc", file
            except OSError:  # another disk
                shutil.copy2(file.locate(), target)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an environment that holds nothing but the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("wheel")
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("FORUM_", "PYTHON"))}
    # a copy, so that a build beside running tests leaves nothing in the checkout
    source = folder / "source"
    source.mkdir()
    for name in ("forum_app", "templates", "migrations", "static", "README.md", "LICENSE", "setup.cfg"):
        run("cp", "-r", str(ROOT / name), str(source / name), cwd=folder, environ=environ)
    run("cp", str(ROOT / "pyproject.toml"), str(source), cwd=folder, environ=environ)
    build = (sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(source))
    run(*build, cwd=folder, environ=environ)
    (wheel,) = folder.glob("*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"), cwd=folder, environ=environ)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    lay_in(packages)
    pip = (sys.executable, "-m", "pip", "--python", str(folder / "venv" / "bin" / "python"))
    install = (*pip, "install", "-q", "--disable-pip-version-check", "--no-compile", "--no-deps")
    run(*install, str(wheel), cwd=folder, environ=environ)
    run(*pip, "check", cwd=folder, environ=environ)
    return folder


def test_the_wheel_alone_serves_the_demonstration_forum(installed: Path, tmp_path: Path) -> None:
    port = free_port()
    environ = {
        "PATH": f"{installed / 'venv' / 'bin'}:/usr/bin:/bin",
        "FORUM_VAR": str(tmp_path / "var"),
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
    }
    forum = str(installed / "venv" / "bin" / "forum")
    run(forum, "db", "upgrade", cwd=tmp_path, environ=environ)
    printed = run(forum, "seed", "demo", cwd=tmp_path, environ=environ)
    assert "organizer@forum.example" in printed
    server = subprocess.Popen([forum, "serve"], cwd=tmp_path, env=environ)
    try:
        base = f"http://127.0.0.1:{port}"
        end = time.monotonic() + PATIENCE
        while True:
            try:
                page = urlopen(f"{base}/events/tech-forum-36/agenda?lang=ja", timeout=10).read().decode()  # noqa: S310 - our own address
                break
            except (URLError, ConnectionError):
                assert time.monotonic() < end, "did not start"
                time.sleep(0.05)
        assert "基調講演" in page
        style = page.split('rel="stylesheet" href="')[1].split('"')[0]
        with urlopen(base + style, timeout=10) as answer:  # noqa: S310 - our own address
            assert answer.headers["Content-Type"].startswith("text/css")
    finally:
        server.terminate()
        server.wait(20)
