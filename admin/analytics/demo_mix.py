"""The mix that the demo operator's members redeem, in the shares that an operator's document of 2011 reports.

81 % of the points go into bill credit, 16 % into the mall, 2.0 % into club perks, 0.03 % into new services; the printed
sum is 99.03 %, so 0.97 % stay unattributed. The population wishes near that of its own; here each wish is held to it.
"""

from dataclasses import dataclass, field

SHARES = {"bill": 8_100, "merchant": 1_600, "club": 200, "new": 3, "unattributed": 97}  # of 10,000 points


@dataclass
class Mix:
    """Points redeemed so far, by heap."""

    points: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SHARES, 0))

    def choose(self, wish: str, points: int, possible: set[str]) -> str:
        """The heap of a wish of so many points: its own while that is under its share, else the one that lacks most.

        Only wishes for something else than bill credit are moved, and only to what is possible.
        """
        if wish == "bill":
            return wish
        after = sum(self.points.values()) + points
        lacks = {
            heap: SHARES[heap] * after - 10_000 * self.points[heap]
            for heap in possible & (SHARES.keys() - {"club" if wish == "merchant" else "merchant"})
        }
        small = {
            heap: lack
            for heap, lack in lacks.items()
            if heap in ("new", "unattributed") and lack >= 10_000 * points
        }
        if wish == "merchant" and small:
            return max(small, key=lambda heap: small[heap])
        return wish if lacks[wish] > 0 else "bill"

    def add(self, heap: str, points: int) -> None:
        """So many points more."""
        self.points[heap] += points
