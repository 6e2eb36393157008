"""An SMTP server that fails at random, for bench/mail_chaos.py; it knows nothing of the forum.

python -m bench.mail_chaos_server LOG PORT_FILE FAULTS SEED
"""

import asyncio
import json
import os
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True, slots=True)
class Faults:
    """Probabilities. deaf: seconds without anybody listening, about every two seconds."""

    hang_up: float = 0.01
    busy: float = 0.02  # 451 to a recipient
    full: float = 0.02  # 452 to the data
    lost: float = 0.01  # hangs up after the data, without having taken them
    taken_and_lost: float = 0.0002  # hangs up after having taken them
    slow: float = 0.02  # up to 0.2 s before it takes them
    deaf: float = 0.2


class Handler:
    """Takes mails as it likes; each one it took is a line of the log."""

    def __init__(self, log: Path, faults: Faults, seed: int) -> None:
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.faults = faults
        self.dice = random.Random(seed)  # noqa: S311 - a benchmark

    def _happens(self, probability: float) -> bool:
        return self.dice.random() < probability

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        if self._happens(self.faults.hang_up):
            _hang_up(server)
        return responses

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._happens(self.faults.busy):
            return "451 try again later"
        if self._happens(self.faults.hang_up):
            _hang_up(server)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self._happens(self.faults.full):
            return "452 no room"
        if self._happens(self.faults.slow):
            await asyncio.sleep(self.dice.uniform(0, 0.2))
        if self._happens(self.faults.lost):
            _hang_up(server)
            return "451 lost"
        content = envelope.content
        text = content if isinstance(content, bytes) else str(content).encode()
        head = text.split(b"\r\n\r\n", 1)[0]
        line = next(part for part in head.split(b"\r\n") if part.lower().startswith(b"message-id:"))
        forced = self._happens(self.faults.taken_and_lost)
        identity = line.split(b":", 1)[1].strip()
        os.write(self.log, (b"lost " if forced else b"said ") + identity + b"\n")
        if forced:
            _hang_up(server)
        return "250 OK"


def _hang_up(server: SMTP) -> None:
    transport: Any = server.transport
    if transport is not None:
        transport.abort()


async def _serve(log: Path, port_file: Path, faults: Faults, seed: int) -> None:
    handler, loop = Handler(log, faults, seed), asyncio.get_running_loop()
    dice = random.Random(seed + 1)  # noqa: S311 - a benchmark
    port = 0
    while True:
        server = await loop.create_server(
            lambda: SMTP(handler, hostname="chaos.example", enable_SMTPUTF8=False), "127.0.0.1", port
        )
        if not port:
            port = server.sockets[0].getsockname()[1]
            port_file.write_text(str(port), encoding="ascii")
        await asyncio.sleep(dice.uniform(1.0, 3.0))
        server.close()  # open connections stay; new ones are refused
        await asyncio.sleep(faults.deaf)


def main() -> None:
    """Serve until killed."""
    log, port_file, faults, seed = sys.argv[1:5]
    asyncio.run(_serve(Path(log), Path(port_file), Faults(**json.loads(faults)), int(seed)))


if __name__ == "__main__":
    main()
