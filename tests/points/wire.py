"""A wire between this process and PostgreSQL that can be cut at the commit: before it is sent, or after it was done."""

import os
import shutil
import socket
import tempfile
import threading
from contextlib import suppress

from sqlalchemy import make_url

COMMIT = b"COMMIT\x00"
BEFORE, AFTER = "before the commit is sent", "after it was done, before the reply"


class Wire:
    """Passes everything on; `cut` says at which moment of a commit to come the connection ends, once."""

    def __init__(self, database_url: str) -> None:
        url = make_url(database_url)
        host, port = str(url.query["host"]), str(url.query.get("port", "5432"))
        self._server = os.path.join(host, f".s.PGSQL.{port}")
        self._folder = tempfile.mkdtemp(prefix="wire")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(os.path.join(self._folder, f".s.PGSQL.{port}"))
        self._listener.listen()
        self._next: str | None = None
        self._pass = 0
        self.cuts = 0
        self.url = url.update_query_dict({"host": self._folder}).render_as_string(hide_password=False)
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, moment: str | None, *, after: int = 0) -> None:
        """The next commit, or the one after so many; None: none any more."""
        self._next, self._pass = moment, after

    def close(self) -> None:
        self._listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                lost = threading.Event()
                for ends in ((client, server, self._asked), (server, client, self._answered)):
                    threading.Thread(target=self._pass_on, args=(*ends, lost), daemon=True).start()

    def _pass_on(self, source, target, look, lost) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if not look(data, lost):
                    break
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _asked(self, data: bytes, lost: threading.Event) -> bool:
        """Whether it may pass from the client; the reply to a commit can be marked as lost here."""
        if self._next is None or COMMIT not in data:
            return True
        if self._pass:
            self._pass -= 1
            return True
        moment, self._next = self._next, None
        self.cuts += 1
        if moment == AFTER:
            lost.set()
        return moment == AFTER

    def _answered(self, data: bytes, lost: threading.Event) -> bool:
        return not (lost.is_set() and COMMIT in data)
