// What the till lets hear and feel beside what it shows: tones (made here, no files) and vibration; each can be switched off.
window.jifenTill = window.jifenTill ?? {};
(() => {
  // [hertz, begins at, lasts], seconds. Good rises, bad is low and long, waiting is one middle tone.
  const TONES = {
    ok: [[880, 0, 0.09], [1320, 0.1, 0.16]],
    done: [[660, 0, 0.08], [880, 0.09, 0.08], [1320, 0.18, 0.22]],
    bad: [[220, 0, 0.22], [165, 0.26, 0.4]],
    wait: [[520, 0, 0.14]],
  };
  const MOVES = { ok: [60], done: [60, 40, 60], bad: [250, 80, 250], wait: [30] };
  const LOUD = 0.25;
  let context = null;

  const on = (name) => localStorage.getItem(`jifen-till-${name}`) !== "off";
  const set = (name, wanted) => localStorage.setItem(`jifen-till-${name}`, wanted ? "on" : "off");

  // A browser lets a page sound and shake once it was touched, an installed one at once; else colour and words have to do.
  const may = () => (navigator.userActivation?.hasBeenActive ?? true) || matchMedia("(display-mode: standalone)").matches;

  const play = (tones) => {
    context ??= new AudioContext();
    if (context.state === "suspended") context.resume();
    for (const [hertz, from, lasts] of tones) {
      const tone = context.createOscillator(), gain = context.createGain();
      const begin = context.currentTime + from;
      tone.frequency.value = hertz;
      gain.gain.setValueAtTime(LOUD, begin);
      gain.gain.exponentialRampToValueAtTime(0.001, begin + lasts);
      tone.connect(gain).connect(context.destination);
      tone.start(begin);
      tone.stop(begin + lasts);
    }
  };

  const signal = (kind) => {
    document.dispatchEvent(new CustomEvent("jifen:signal", { detail: kind }));
    if (!may()) return;
    if (on("sound") && window.AudioContext) play(TONES[kind] ?? []);
    if (on("vibration")) navigator.vibrate?.(MOVES[kind] ?? []);
  };

  // The switches at the foot of each page.
  const show = () => document.querySelectorAll("[data-setting]").forEach((box) => { box.checked = on(box.dataset.setting); });
  document.addEventListener("change", (event) => {
    const name = event.target.dataset?.setting;
    if (!name) return;
    set(name, event.target.checked);
    document.dispatchEvent(new CustomEvent("jifen:setting", { detail: name }));
    if (name === "sound") signal("ok");
  });

  jifenTill.signals = { signal, on, set, show };
})();
