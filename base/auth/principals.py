"""Principals: the kinds of who may ask. Each knows its actor name and its permissions."""

from dataclasses import dataclass

from base.auth.permissions import (
    CLERK,
    HALFWAY,
    MANAGER,
    MEMBER,
    MERCHANT_ROLES,
    PUBLIC,
    SIGNED,
    TERMINAL,
)
from base.auth.roles import staff_permissions


@dataclass(frozen=True)
class Anonymous:
    """Nobody signed in."""

    kind = "anonymous"
    actor = "anonymous"
    permissions = PUBLIC


@dataclass(frozen=True)
class Member:
    """A member of one programme, signed in on the web or in the app."""

    member_id: int
    programme_id: int
    kind = "member"
    permissions = PUBLIC | MEMBER

    @property
    def actor(self) -> str:
        return f"member:{self.member_id}"


@dataclass(frozen=True)
class Clerk:
    """A clerk at a terminal of an outlet of a merchant, in a shift."""

    clerk_id: int
    terminal_id: int
    outlet_id: int
    merchant_id: int
    shift_id: int | None = None
    is_manager: bool = False
    kind = "clerk"

    @property
    def permissions(self) -> frozenset[str]:
        return PUBLIC | CLERK | (MANAGER if self.is_manager else frozenset())

    @property
    def actor(self) -> str:
        return f"terminal:{self.terminal_id}"


@dataclass(frozen=True)
class Terminal:
    """A merchant's cash-desk system, known by its signature alone; it names the clerk in what it does.

    `is_sandbox`: it is for trying things out, and meets no voucher.
    """

    terminal_id: int
    outlet_id: int
    merchant_id: int
    is_sandbox: bool = False
    kind = "terminal"

    @property
    def permissions(self) -> frozenset[str]:
        return PUBLIC | (SIGNED if self.is_sandbox else TERMINAL)

    @property
    def actor(self) -> str:
        return f"terminal:{self.terminal_id}"


@dataclass(frozen=True)
class MerchantPerson:
    """A person of a merchant on its pages: owner, finance, or manager of an outlet (None: all outlets)."""

    clerk_id: int
    merchant_id: int
    role: str
    outlet_id: int | None = None
    kind = "merchant"

    @property
    def permissions(self) -> frozenset[str]:
        return PUBLIC | MERCHANT_ROLES.get(self.role, frozenset())

    @property
    def actor(self) -> str:
        return f"merchant:{self.clerk_id}"


@dataclass(frozen=True)
class Staff:
    """A person of the operator, with roles, in an area (empty: everywhere)."""

    staff_id: int
    roles: frozenset[str]
    area: str = ""
    kind = "staff"

    @property
    def permissions(self) -> frozenset[str]:
        return PUBLIC | staff_permissions(self.roles, self.area)

    @property
    def actor(self) -> str:
        return f"staff:{self.staff_id}"


@dataclass(frozen=True)
class Halfway:
    """Somebody of the staff whose password was right; may do nothing before the second factor is."""

    staff_id: int
    kind = "staff"
    permissions = PUBLIC | HALFWAY
    goes_on = "/staff/second-factor"

    @property
    def actor(self) -> str:
        return f"staff:{self.staff_id}"


@dataclass(frozen=True)
class Service:
    """A system of the operator, known by its API key, acting for one programme."""

    key_id: str
    programme_id: int
    scopes: frozenset[str]
    area: str = ""
    kind = "service"

    @property
    def permissions(self) -> frozenset[str]:
        return PUBLIC | self.scopes

    @property
    def actor(self) -> str:
        return f"service:{self.key_id}"


Principal = Anonymous | Member | Clerk | Terminal | MerchantPerson | Staff | Halfway | Service
ANONYMOUS = Anonymous()
