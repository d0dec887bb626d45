"""What a web's master divides into; the keeper of the master is app/web_keeper.py."""

import signal

from gunicorn.workers.gthread import ThreadWorker


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn tells no types
    """Threads behind a listening socket that it shares with its siblings."""

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
