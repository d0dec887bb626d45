"""The mix that the demo operator's members redeem, in the shares that an operator's document of 2011 reports.

81 % of the points go into bill credit, 16 % into the mall, 2.0 % into club perks, 0.03 % into new services; the printed
sum is 99.03 %, so 0.97 % stay unattributed. The population wishes near that of its own; here each wish is held to it.
"""

from dataclasses import dataclass, field

SHARES = {"bill": 8_100, "merchant": 1_600, "club": 200, "new": 3, "unattributed": 97}  # of 10,000 points
MOST_OF_ONE = 1_600  # points that the dearest voucher or perk takes


@dataclass
class Mix:
    """Points redeemed so far, by heap."""

    points: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SHARES, 0))

    def choose(self, wish: str, points: int, possible: set[str]) -> str:
        """The heap that a wish of so many points goes to: its own while that is under its share.

        A small wish for bill credit goes where as many points lack; a wish for something else whose share is full
        becomes bill credit; the two smallest heaps take from the mall.
        """
        after = sum(self.points.values()) + points
        lacks = {heap: SHARES[heap] * after - 10_000 * self.points[heap] for heap in possible}
        wanting = {heap: lack for heap, lack in lacks.items() if lack >= 10_000 * points}
        if wish == "bill":
            fitting = {heap: wanting[heap] for heap in ("merchant", "club") if heap in wanting}
            return max(fitting, key=lambda heap: fitting[heap]) if fitting and points <= MOST_OF_ONE else wish
        smallest = [heap for heap in ("new", "unattributed") if heap in wanting]
        if wish == "merchant" and smallest:
            return smallest[0]
        return wish if lacks[wish] > 0 else "bill"

    def add(self, heap: str, points: int) -> None:
        """So many points more."""
        self.points[heap] += points
