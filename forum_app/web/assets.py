"""Built files under their hashed names, so that browsers may keep them for a year."""

import json
from functools import lru_cache
from pathlib import Path

from flask import Flask, request, url_for


def init_app(app: Flask, dist: Path) -> None:
    """asset(name) for templates; reads the build's manifest once."""
    manifest_path = dist / "manifest.json"
    manifest: dict[str, str] = {}
    if manifest_path.exists():
        manifest = json.loads(manifest_path.read_text(encoding="utf-8"))

    @lru_cache(maxsize=200)
    def address(root: str, name: str) -> str:
        return url_for("static", filename=manifest.get(name, name))

    def asset(name: str) -> str:
        return address(request.script_root, name)

    app.jinja_env.globals["asset"] = asset
