"""What a web's master divides into; the keeper of the master is app/web_keeper.py.

Its loop looks at what lies in a socket before it gives it to a thread: one of a crowd who is too many has the refusal at once, from
the loop. A thread for it would cost ten times as much of the one processor that all threads of a process share, and
whoever is let in would wait the longer the more are refused.
"""

import selectors
import signal
import socket
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from app import web_calls
from base.http import heads
from base.http.admission import Admission

SPEAKS_WITHIN_S = 5.0  # whoever calls and says nothing is hung up on
RESTS_S = 0.005  # after a look at the sockets that refused somebody: to look again at once would only disturb those who work


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn tells no types
    """Threads behind a listening socket that it shares with its siblings."""

    poller: Any

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._door: Admission | None = None
        self._crowd = set[
            TConn
        ]()  # whose request is one of the crowd's, and is in a thread or on its way to one
        self._refused = False

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """Threads that have all begun: to begin one takes its time, and most at the moment when a crowd comes."""
        pool = ThreadPoolExecutor(self.cfg.threads)
        begun = threading.Barrier(self.cfg.threads + 1)
        for _ in range(self.cfg.threads):
            pool.submit(begun.wait)
        begun.wait()
        return pool

    def load_wsgi(self) -> None:
        """Load the application, and know its door."""
        super().load_wsgi()
        door = getattr(self.wsgi, "wsgi_app", None)
        self._door = door if isinstance(door, Admission) else None

    def run(self) -> None:
        """Take calls until the end."""
        self.poller.close()
        self.poller = web_calls.poller()
        super().run()

    def accept(self, listener: socket.socket) -> None:
        """Take all calls that wait. Each has a thread once it has said something."""
        name = listener.getsockname()
        while self.nr_conns < self.worker_connections and (call := web_calls.accept(listener)):
            caller, address = call
            connection = TConn(self.cfg, caller, address, name)
            connection.timeout = time.monotonic() + SPEAKS_WITHIN_S
            self.nr_conns += 1
            self.pending_conns.append(connection)
            self.poller.register(
                caller, selectors.EVENT_READ, partial(self.on_pending_socket_readable, connection)
            )

    def on_pending_socket_readable(self, connection: TConn, caller: socket.socket) -> None:
        """The first request of a connection is here."""
        if not self._turned_away(connection, self.pending_conns):
            super().on_pending_socket_readable(connection, caller)

    def on_client_socket_readable(self, connection: TConn, caller: socket.socket) -> None:
        """A further request of a connection is here."""
        if not self._turned_away(connection, self.keepalived_conns):
            super().on_client_socket_readable(connection, caller)

    def finish_request(self, connection: TConn, done: Any) -> None:
        """A thread is through with a request."""
        self._crowd.discard(connection)
        super().finish_request(connection, done)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Look at the sockets once."""
        if self._refused:
            self._refused = False
            time.sleep(RESTS_S)
        super().wait_for_and_dispatch_events(timeout)

    def is_parent_alive(self) -> bool:
        """Whether the master lives, asked each second. Without it this one ends as if it was told to, and lets go of the port
        at once: nobody is left waiting at a socket where nobody takes calls, and a new master can listen while this one
        finishes what it has begun.
        """
        if super().is_parent_alive():
            return True
        signal.raise_signal(signal.SIGTERM)
        self.set_accept_enabled(False)
        for each in self.sockets:
            each.close()
        return False

    def _turned_away(self, connection: TConn, waiting: deque[TConn]) -> bool:
        """Whether the request that lies in this connection was refused here and now; what is unusual has a thread."""
        door, number = self._door, connection.sock.fileno()
        head = heads.read(web_calls.peek(number, heads.READS)) if door and self.alive else None
        if door is None or head is None or not door.is_crowd(head.path):
            return False
        if len(self._crowd) < door.most() or not head.whole:
            self._crowd.add(connection)
            return False
        self._refused = True
        web_calls.take(number, head.whole)
        waiting.remove(connection)
        if web_calls.put(number, door.refusal(head.path, head.language)):
            connection.set_timeout()
            waiting.append(connection)  # in the order in which they lapse
        else:  # nobody takes the answer
            self.poller.unregister(connection.sock)
            self.nr_conns -= 1
            connection.close()
        return True
