"""Local servers: started, reused, found again after a crash, and ended without touching anybody else's."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import redis

from base import local, local_place
from base.local_process import CannotStart, is_running

ROOT = Path(__file__).parents[2]
MODES = stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO


def answer(url: str, query: str = "SELECT current_user") -> object:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def postmaster(data_dir: Path) -> int:
    return int((local_place.find(data_dir).home / "postgres.pid").read_text())


def kill(pid: int, pid_file: Path) -> None:
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while is_running(pid_file) and time.monotonic() < deadline:
        time.sleep(0.02)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("local") / ".jifen"
    yield folder
    local.remove(folder)


@pytest.fixture
def servers(data_dir):
    return local.start(data_dir, durable=False)


@pytest.fixture
def other_dir(tmp_path):
    """A second checkout: a long path with a space and letters beyond ASCII."""
    folder = tmp_path / "点 积" / ("x" * 75) / ("y" * 75) / ".jifen"
    yield folder
    local.remove(folder)


def test_servers_start_and_answer(servers):
    assert answer(servers.database_url) == "jifen_app"
    assert answer(servers.owner_url) == "jifen_owner"
    assert answer(servers.admin_url) == "postgres"
    if servers.redis_url is None:
        assert servers.notes
    else:
        assert redis.Redis.from_url(servers.redis_url).ping()


def test_a_second_start_reuses_the_first(servers, data_dir):
    before = postmaster(data_dir)

    second = local.start(data_dir, durable=False)

    assert not second.started
    assert second.database_url == servers.database_url
    assert postmaster(data_dir) == before


def test_stopping_a_reused_server_leaves_it_running(servers, data_dir):
    second = local.start(data_dir, durable=False)

    second.stop()

    assert local.running(data_dir)
    assert answer(servers.database_url) == "jifen_app"


def test_two_starts_at_once_give_one_server(servers, data_dir):
    local.stop(data_dir)
    command = (
        "import sys; from pathlib import Path; from base import local; "
        "print(local.start(Path(sys.argv[1]), durable=False).started)"
    )

    def start_elsewhere(_: int) -> str:
        return subprocess.check_output([sys.executable, "-c", command, data_dir], cwd=ROOT, text=True).strip()

    with ThreadPoolExecutor() as pool:
        outcomes = sorted(pool.map(start_elsewhere, range(3)))

    assert outcomes == ["False", "False", "True"]
    assert answer(servers.database_url) == "jifen_app"


@pytest.mark.torture
def test_starting_and_removing_at_once_leaves_no_server_behind(other_dir):
    command = (
        "import sys; from pathlib import Path; from base import local; "
        "[(local.start(Path(sys.argv[1]), durable=False), local.remove(Path(sys.argv[1]))) for _ in range(3)]"
    )

    def start_and_remove(_: int) -> None:
        subprocess.check_call([sys.executable, "-c", command, other_dir], cwd=ROOT)

    with ThreadPoolExecutor() as pool:
        list(pool.map(start_and_remove, range(3)))
    local.remove(other_dir)

    sockets = os.fsencode(local_place.find(other_dir).sockets)
    left = [file for file in Path("/proc").glob("[0-9]*/cmdline") if sockets in shown(file)]
    assert not left


def shown(command_line: Path) -> bytes:
    try:
        return command_line.read_bytes()
    except OSError:  # it has just ended
        return b""


def test_a_server_outlives_the_process_that_started_it_and_another_can_stop_it(servers, data_dir):
    local.stop(data_dir)
    command = (
        "import sys; from pathlib import Path; from base import local; "
        "local.start(Path(sys.argv[1]), durable=False)"
    )
    subprocess.check_call([sys.executable, "-c", command, data_dir], cwd=ROOT)

    assert local.running(data_dir)
    assert local.stop(data_dir)
    assert not local.running(data_dir)
    assert not local.stop(data_dir)


@pytest.mark.parametrize("number", [os.getpid(), 999_999_999], ids=["of another process", "of none"])
def test_a_stale_pid_file_is_recovered_from(number, servers, data_dir):
    place = local_place.find(data_dir)
    local.start(data_dir, durable=False)
    kill(postmaster(data_dir), place.home / "postgres.pid")
    stale = place.home / "postgres" / "data" / "postmaster.pid"
    lines = stale.read_text().splitlines(keepends=True)
    stale.write_text("".join([f"{number}\n", *lines[1:]]))
    (place.home / "postgres.pid").write_text(f"{number}\n")

    again = local.start(data_dir, durable=False)

    assert again.started
    assert answer(again.database_url) == "jifen_app"


def test_a_server_whose_socket_was_swept_away_is_started_anew(servers, data_dir):
    before = postmaster(data_dir)
    (local_place.find(data_dir).sockets / ".s.PGSQL.5432").unlink()

    again = local.start(data_dir, durable=False)

    assert again.started
    assert postmaster(data_dir) != before
    assert answer(again.database_url) == "jifen_app"


def test_a_killed_cache_is_started_anew(servers, data_dir):
    if servers.redis_url is None:
        pytest.skip("no Valkey or Redis server on this machine")
    pid_file = local_place.find(data_dir).home / "valkey.pid"
    kill(int(pid_file.read_text()), pid_file)

    again = local.start(data_dir, durable=False)

    assert not again.started
    assert again.redis_url is not None
    assert redis.Redis.from_url(again.redis_url).ping()


def test_a_long_path_with_a_space_works_and_stopping_ends_only_its_own_servers(servers, other_dir):
    other = local.start(other_dir, durable=False)
    assert answer(other.database_url) == "jifen_app"
    assert other.database_url != servers.database_url

    other.stop()
    other.stop()

    assert not local.running(other_dir)
    assert answer(servers.database_url) == "jifen_app"


def test_remove_leaves_nothing_of_ours_and_everything_else(other_dir):
    place = local_place.find(other_dir)
    local.start(other_dir, durable=False)
    (other_dir / "a letter").write_text("not ours")

    local.remove(other_dir)

    assert [file.name for file in other_dir.iterdir()] == ["a letter"]
    assert not place.home.exists()
    assert not place.sockets.exists()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (a int)",
        "CREATE TEMPORARY TABLE mine (a int)",
        "CREATE SCHEMA mine",
        "CREATE DATABASE mine",
        "CREATE ROLE mine",
        "ALTER DATABASE jifen SET fsync = off",
    ],
)
def test_the_app_role_may_not_change_the_schema(statement, servers):
    with (
        psycopg.connect(servers.database_url.replace("+psycopg", ""), autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_the_app_role_does_not_wait_for_long(servers):
    limits = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")

    assert [answer(servers.database_url, f"SHOW {name}") for name in limits] == ["1s", "5s", "10s"]


def test_the_owner_role_may_make_tables(servers):
    with psycopg.connect(servers.owner_url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE mine (a int)")
        connection.rollback()


def test_nobody_signs_in_without_the_password(servers):
    wrong = servers.admin_url.replace(servers.admin_url.split(":")[2].split("@")[0], "guess")

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        answer(wrong)


def test_nothing_listens_on_the_network(servers):
    assert answer(servers.admin_url, "SHOW listen_addresses") == ""
    if servers.redis_url is not None:
        client = redis.Redis.from_url(servers.redis_url, decode_responses=True)
        assert client.config_get("port") == {"port": "0"}


def test_sockets_and_data_are_for_us_alone(servers, data_dir):
    place = local_place.find(data_dir)

    for folder in (place.sockets, place.home / "postgres", place.home / "postgres" / "data"):
        assert folder.stat().st_mode & MODES == 0o700
        assert folder.stat().st_uid == place.runner.uid
    for file in (place.home / "passwords.json", data_dir / "postgres.log"):
        assert file.stat().st_mode & MODES == 0o600
    assert len(os.fsencode(place.sockets / ".s.PGSQL.5432.lock")) < 107


def test_passwords_are_shown_neither_when_printed_nor_to_those_who_list_processes(servers, data_dir):
    home = local_place.find(data_dir).home
    secrets = [url.rsplit("@", 1)[0].rsplit(":", 1)[1] for url in (servers.database_url, servers.admin_url)]

    for secret in secrets:
        assert secret not in repr(servers)
        assert secret not in (data_dir / "postgres.log").read_text()
    if Path("/proc/self/cmdline").exists():
        for name in ("postgres", "valkey"):
            if is_running(home / f"{name}.pid"):
                pid = int((home / f"{name}.pid").read_text())
                shown = Path(f"/proc/{pid}/cmdline").read_text()
                assert not [secret for secret in secrets if secret in shown]


def test_a_folder_that_somebody_planted_is_refused(other_dir):
    place = local_place.find(other_dir)
    other_dir.mkdir(parents=True)
    with local_place.held(place):
        local_place.make(place)
    place.sockets.rmdir()
    elsewhere = other_dir / "elsewhere"
    elsewhere.mkdir()
    place.sockets.symlink_to(elsewhere)

    with pytest.raises(CannotStart, match="not ours alone"):
        local.start(other_dir, durable=False)

    place.sockets.unlink()
    shutil.rmtree(elsewhere)


def test_real_data_is_not_entrusted_to_a_server_that_may_lose_it(servers, data_dir):
    with pytest.raises(CannotStart, match="without fsync"):
        local.start(data_dir)


def test_a_server_that_cannot_start_says_why(other_dir):
    local.start(other_dir, durable=False).stop()
    data = local_place.find(other_dir).home / "postgres" / "data"
    (data / "postgresql.conf").write_text("nonsense = 1\n")

    with pytest.raises(CannotStart, match="nonsense"):
        local.start(other_dir, durable=False)

    assert not local.running(other_dir)
