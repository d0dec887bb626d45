"""jifen verify and anchor: the books proved, and a summary of them that is kept outside the database."""

import json
import re
import secrets
from pathlib import Path
from typing import Any

import click

from app import local_setup, proof
from app.proving import snapshot
from base import clock
from base.findings import Finding
from base.progress import bar
from points import anchor as anchors
from points import verify as points_verify

FINDINGS = 1
_FILE = click.Path(path_type=Path, dir_okay=False)
_FILE_THERE = click.Path(path_type=Path, exists=True, dir_okay=False)
_json = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
_quiet = click.option("--quiet", is_flag=True, help="No progress, no summary.")


def _public_key(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", value):
        raise click.BadParameter("a public key has 64 hexadecimal digits", ctx, param)
    return value


def _in_a_folder(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
    if value is not None and not value.absolute().parent.is_dir():
        raise click.BadParameter(f"there is no folder {value.absolute().parent}", ctx, param)
    return value


@click.command()
@click.option("--sample", "size", type=click.IntRange(1), metavar="N", help="Replay N members drawn by lot.")
@click.option("--seed", type=click.IntRange(0, 2**62), help="Draw the same members again (with --sample).")
@click.option("--anchor", "file", type=_FILE_THERE, help="Compare with what `jifen anchor` wrote, too.")
@click.option(
    "--public-key", metavar="HEX", callback=_public_key, help="The only key that may have signed the anchor."
)
@_json
@_quiet
@click.pass_context
def verify(
    ctx: click.Context,
    size: int | None,
    seed: int | None,
    file: Path | None,
    public_key: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Replay every posting and prove every wallet, voucher and statement; exit 1 names what is wrong."""
    if seed is not None and size is None:
        raise click.UsageError("--seed belongs to --sample.")
    if public_key and file is None:
        raise click.UsageError("--public-key belongs to --anchor.")
    local_setup.ready()
    facts: dict[str, Any] = {}
    with snapshot() as session:
        members = None
        if size is not None:
            seed = secrets.randbelow(2**31) if seed is None else seed
            members = points_verify.sample(session, size, seed)
            facts["sample"] = {"members": len(members), "seed": seed}
        total = points_verify.count(session, members)
        with bar(total, "postings", quiet=quiet) as shown:
            found = list(proof.findings(session, shown.advance, members))
        if file is not None:
            facts["anchor"] = _said(header := anchors.read_header(file))
            with bar(header.count, "anchored wallets", quiet=quiet) as shown:
                found += anchors.findings(session, file, public_key, shown.advance)
            if public_key is None:
                click.echo(
                    f"The anchor's own key was believed: {header.public_key}; name yours with --public-key.",
                    err=True,
                )
    if as_json:
        said = {"postings": total, "findings": [vars(f) for f in found]} | facts
        click.echo(json.dumps(said, ensure_ascii=False))
    else:
        _tell(found, total, facts, quiet)
    ctx.exit(FINDINGS if found else 0)


def _tell(found: list[Finding], total: int, facts: dict[str, Any], quiet: bool) -> None:
    for finding in found:
        click.echo(f"{finding.rule}: {finding.place}: {finding.text}")
    if quiet:
        return
    if "sample" in facts:
        click.echo(f"{facts['sample']['members']:,} members drawn by lot, seed {facts['sample']['seed']}")
    if "anchor" in facts:
        click.echo(f"{facts['anchor']['wallets']:,} wallets as anchored at {facts['anchor']['as_of']}")
    click.echo(f"{total:,} postings replayed: " + (f"{len(found)} findings" if found else "all whole"))


@click.command()
@click.option(
    "--out",
    type=_FILE,
    callback=_in_a_folder,
    help="The new file; keep it where the database's keepers cannot write.",
)
@click.option("--key", "key_file", type=_FILE_THERE, help="The private key to sign with.")
@click.option(
    "--new-key",
    type=_FILE,
    callback=_in_a_folder,
    help="Make a key in a new file, and print its public half.",
)
@_json
@_quiet
def anchor(out: Path | None, key_file: Path | None, new_key: Path | None, as_json: bool, quiet: bool) -> None:
    """Write a signed summary of every wallet's chain to a file: `verify --anchor FILE` compares it later."""
    if new_key is not None:
        if out or key_file:
            raise click.UsageError("--new-key stands alone.")
        public_key = anchors.new_key(new_key)
        click.echo(json.dumps({"public_key": public_key}) if as_json else public_key)
        return
    if out is None or key_file is None:
        raise click.UsageError("Say --out FILE and --key FILE, or --new-key FILE.")
    key = anchors.read_key(key_file)
    local_setup.ready()
    with snapshot() as session, bar(anchors.count(session), "wallets", quiet=quiet) as shown:
        header = anchors.write(session, out, key, clock.now(), shown.advance)
    if as_json:
        click.echo(json.dumps(_said(header)))
    elif not quiet:
        click.echo(f"{header.count:,} wallets anchored in {out}\nroot       {header.root}")
        click.echo(f"public key {header.public_key}")


def _said(header: anchors.Header) -> dict[str, Any]:
    return {
        "as_of": header.as_of,
        "wallets": header.count,
        "root": header.root,
        "public_key": header.public_key,
    }


verbs = (verify, anchor)
