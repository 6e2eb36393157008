"""Built files under their hashed names, so that browsers may keep them for a year."""

import json
from pathlib import Path

from flask import Flask, url_for


def init_app(app: Flask, dist: Path) -> None:
    """asset(name) for templates; reads the build's manifest once."""
    manifest_path = dist / "manifest.json"
    manifest: dict[str, str] = {}
    if manifest_path.exists():
        manifest = json.loads(manifest_path.read_text(encoding="utf-8"))

    def asset(name: str) -> str:
        return url_for("static", filename=manifest.get(name, name))

    app.jinja_env.globals["asset"] = asset
