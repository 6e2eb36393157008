"""What Flask itself needs for a byte string, under the same server."""

import os

from flask import Flask
from gunicorn.app.base import BaseApplication

app = Flask("bare")


@app.get("/")
def answer() -> bytes:
    return b"forum"


class Server(BaseApplication):  # type: ignore[misc]
    def load_config(self) -> None:
        self.cfg.set("bind", f"127.0.0.1:{os.environ['PORT']}")
        self.cfg.set("worker_class", "gthread")
        self.cfg.set("threads", 4)
        self.cfg.set("loglevel", "warning")

    def load(self) -> Flask:
        return app


if __name__ == "__main__":
    Server().run()
