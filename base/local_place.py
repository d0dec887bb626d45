"""Where the local servers of one data folder live: data, sockets, lock, logs; and who runs them."""

import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from base.local_process import CannotStart, Runner

# Survives restarts and, unlike /var/tmp, is swept by no cleaner; the others are for machines without it.
ROOTS_FOLDERS = (Path("/var/lib/jifen"), Path("/var/tmp/jifen-root"))


@dataclass(frozen=True)
class Place:
    data_dir: Path
    """The checkout's own folder: lock and logs."""
    home: Path
    """Holds the database and its passwords; equal to `data_dir/servers` unless we are root."""
    sockets: Path
    """A 0700 folder with a short name: a socket's path has at most 107 characters."""
    runner: Runner

    @property
    def lock(self) -> Path:
        return self.data_dir / "servers.lock"


def find(data_dir: Path) -> Place:
    """Work out the place without making anything: the same folder always gives the same place."""
    data_dir = data_dir.resolve()
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()
    uid = os.geteuid()
    if uid != 0:
        runner = Runner(uid=uid, gid=os.getegid(), switch=False)
        sockets = _temporary() / f"jifen-{uid}-{digest[:8]}"
        return Place(data_dir, data_dir / "servers", sockets, runner)
    nobody = _nobody()
    home = _roots_folder() / digest[:16]
    return Place(data_dir, home, home / "run", Runner(uid=nobody.pw_uid, gid=nobody.pw_gid, switch=True))


def make(place: Place) -> None:
    """Make the folders, under the lock; refuse those that somebody else could have planted."""
    if place.runner.switch:
        # Others may pass through, but only root writes here: nobody can swap the binaries or the sockets.
        for folder in (place.home.parent, place.home):
            own(folder, mode=0o711, uid=0)
        (place.home / "checkout").write_text(f"{place.data_dir}\n")
    else:
        own(place.home, mode=0o700, uid=place.runner.uid)
    own(place.sockets, mode=0o700, uid=place.runner.uid, gid=place.runner.gid)


@contextmanager
def held(place: Place) -> Iterator[None]:
    """Only one process at a time starts, stops or removes the servers of a data folder."""
    while True:
        try:
            place.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(place.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as trouble:
            raise CannotStart(
                f"cannot write to {place.data_dir} ({trouble.strerror}): is it yours?"
            ) from trouble
        fcntl.flock(handle, fcntl.LOCK_EX)
        # `delete` may have taken the file away while we waited: then our lock guards nothing.
        if place.lock.exists() and os.path.samestat(os.fstat(handle), place.lock.stat()):
            break
        os.close(handle)
    try:
        yield
    finally:
        os.close(handle)


def delete(place: Place) -> None:
    """Take away what `make` and the servers made. Call it under the lock, with nothing running."""
    shutil.rmtree(place.sockets, ignore_errors=True)
    shutil.rmtree(place.home)
    for log in (*place.data_dir.glob("postgres.log*"), *place.data_dir.glob("valkey.log*")):
        log.unlink()
    place.lock.unlink()
    if not any(place.data_dir.iterdir()):
        place.data_dir.rmdir()


def own(folder: Path, *, mode: int, uid: int, gid: int = -1) -> None:
    """Make the folder, or make sure that the one found there is ours and closed; never change its rights."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        rights = stat.S_IMODE(found.st_mode)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or rights & ~mode:
            raise CannotStart(
                f"{folder} is not ours alone (owner {found.st_uid}, rights {rights:o}; "
                f"expected {uid}, {mode:o}). Look who made it, then delete it."
            ) from None
        return
    except OSError as trouble:
        raise CannotStart(f"cannot make the folder {folder}: {trouble.strerror}") from trouble
    if uid != os.geteuid():
        os.chown(folder, uid, gid)
    folder.chmod(mode)


def _nobody() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise CannotStart(
            "PostgreSQL does not run as root and there is no user `nobody` to run it. "
            "Work as another user, or set DATABASE_URL."
        ) from None


def _roots_folder() -> Path:
    existing = [folder for folder in ROOTS_FOLDERS if folder.is_dir()]
    possible = [folder for folder in ROOTS_FOLDERS if os.access(folder.parent, os.W_OK)]
    return (existing + possible + [ROOTS_FOLDERS[-1]])[0]


def _temporary() -> Path:
    """/tmp where there is one: the folder that tempfile picks may be too long for a socket (macOS)."""
    short = Path("/tmp")
    return short if os.access(short, os.W_OK) else Path(tempfile.gettempdir())
