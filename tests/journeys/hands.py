"""Somebody's eyes and hands: finds things by the words that a person sees, and counts what it takes.

How long people take for it is reckoned by the keystroke-level model (Card, Moran, Newell: The Keystroke-Level Model for User Performance
Time, 1980): a key 0.28 s, to point and press 1.2 s, to make up one's mind 1.35 s. What the machine takes is printed, not reckoned.
"""

import time
from dataclasses import dataclass, field

from playwright.sync_api import Page, expect

from base.web import i18n

KEY_S, POINT_S, MIND_S, GLANCE_S = 0.28, 1.2, 1.35, 1.0


@dataclass
class Hands:
    """One person at one screen, in a language; texts are given in English and looked for as that language has them."""

    page: Page
    language: str
    taps: int = 0
    keys: int = 0
    looks: int = 0
    began: float = field(default_factory=time.monotonic)

    def says(self, text: str) -> str:
        """A text of ours in the person's language."""
        return i18n.translations(self.language).gettext(text)

    def tap(self, name: str, role: str = "button") -> None:
        """A button or link by the words on it."""
        wanted = self.page.get_by_role(role, name=name).first
        expect(wanted).to_be_visible()
        wanted.click()
        self.taps += 1

    def fill(self, label: str, text: str) -> None:
        """Tap a field by its label, unless it is ready, and type."""
        wanted = self.page.get_by_label(label)
        if not wanted.evaluate("(field) => field === document.activeElement"):
            wanted.click()
            self.taps += 1
        self.type(text)

    def type(self, text: str) -> None:
        """Keys, wherever the focus is."""
        self.page.keyboard.type(text)
        self.keys += len(text)

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.keys += 1

    def read(self, text: str) -> None:
        """Look for words on the screen."""
        expect(self.page.get_by_text(text).locator("visible=true").first).to_be_visible()
        self.looks += 1

    def see(self, name: str) -> None:
        """Look for a picture by what it shows."""
        expect(self.page.get_by_role("img", name=name).first).to_be_visible()
        self.looks += 1

    @property
    def needs_s(self) -> float:
        """What a person takes, without the machine's share."""
        minds = self.taps + self.looks
        return self.keys * KEY_S + self.taps * POINT_S + self.looks * GLANCE_S + minds * MIND_S

    def told(self, what: str) -> str:
        took = time.monotonic() - self.began
        return (
            f"{what}, {self.language}: {self.taps} taps, {self.keys} keys, {self.looks} looks; "
            f"a person takes {self.needs_s:.1f} s, the machine took {took:.1f} s\n"
        )
