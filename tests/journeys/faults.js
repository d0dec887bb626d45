// Runs in the browser on the page as it stands: all that is wrong with it, in words. For labels and names as a reader
// for the blind needs them, for width, and for contrast (WCAG 2.2: 4.5, large text 3; gradients are not judged).
async (language) => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  for (let still = 0, at = 0; still < 2 && at < 60; at++) {  // colours that are just changing say nothing
    await frame();
    still = document.getAnimations().some((one) => one.effect.getComputedTiming().endTime < Infinity) ? 0 : still + 1;
  }
  const found = [];
  const every = (selector) => [...document.querySelectorAll(selector)];
  const seen = (element) => element.checkVisibility({ visibilityProperty: true });
  const told = (element) => element.outerHTML.replace(/\s+/g, " ").slice(0, 120);
  const fault = (what, element) => found.push(element ? `${what}: ${told(element)}` : what);

  const root = document.documentElement;
  if (root.lang !== language) fault(`the language is ${root.lang || "not said"}`);
  if (!document.title.trim()) fault("no title");
  if (every("main").length !== 1) fault(`${every("main").length} main`);

  const headings = every("h1, h2, h3, h4, h5, h6").filter(seen);
  const levels = headings.map((heading) => Number(heading.tagName[1]));
  if (levels.filter((level) => level === 1).length !== 1) fault(`${levels.filter((level) => level === 1).length} h1`);
  headings.forEach((heading, at) => {
    if (levels[at] > (levels[at - 1] ?? 1) + 1) fault("a heading skips a level", heading);
    if (!heading.textContent.trim()) fault("an empty heading", heading);
  });

  const ids = every("[id]").map((element) => element.id);
  ids.filter((id, at) => ids.indexOf(id) !== at).forEach((id) => fault(`the id ${id} is there twice`));
  every("[aria-describedby], [aria-labelledby]").forEach((element) => {
    const named = `${element.getAttribute("aria-describedby") ?? ""} ${element.getAttribute("aria-labelledby") ?? ""}`;
    named.split(/\s+/).filter((id) => id && !ids.includes(id)).forEach((id) => fault(`no ${id} to describe`, element));
  });
  const labelled = (element) => element.getAttribute("aria-label") || element.getAttribute("aria-labelledby");
  every("input:not([type=hidden]), select, textarea").filter(seen).forEach((field) => {
    if (!labelled(field) && ![...field.labels].some((label) => label.textContent.trim())) fault("no label", field);
  });
  every("img:not([alt]), svg[role=img]:not([aria-label], [aria-labelledby])").forEach((img) => fault("no alternative", img));
  every("button, a[href], summary").filter(seen).forEach((element) => {
    if (!labelled(element) && !element.textContent.trim() && !element.querySelector("img[alt]:not([alt=''])")) {
      fault("no name", element);
    }
  });

  if (root.scrollWidth > root.clientWidth) {
    const beyond = every("body *").filter((one) => seen(one) && one.getBoundingClientRect().right > root.clientWidth + 1);
    fault(`${root.scrollWidth} wide on a screen of ${root.clientWidth}`, beyond.at(-1));
  }
  every("body *:not(input, svg *)").filter(seen).forEach((element) => {
    const hides = /hidden|clip/.test(getComputedStyle(element).overflowX) && element.clientWidth > 1;
    if (hides && element.scrollWidth > element.clientWidth + 1) fault("cut off", element);
  });

  const brush = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const colour = (text) => known.get(text) ?? known.set(text, mixed(text)).get(text);
  const mixed = (text) => {
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = text;
    brush.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = brush.getImageData(0, 0, 1, 1).data;
    return { parts: [red, green, blue], alpha: alpha / 255 };
  };
  const over = (above, below) => above.parts.map((part, at) => part * above.alpha + below[at] * (1 - above.alpha));
  const ground = (element) => {
    if (!element) return [255, 255, 255];
    const style = getComputedStyle(element);
    if (style.backgroundImage !== "none" && element.children.length) return null;
    const own = colour(style.backgroundColor);
    if (own.alpha === 1) return own.parts;
    const below = ground(element.parentElement);
    return below && over(own, below);
  };
  const light = (parts) => {
    const [red, green, blue] = parts.map((part) => part / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  every("body *").forEach((element) => {
    const text = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    const box = element.getBoundingClientRect();
    if (!text || !seen(element) || box.width <= 1 || element.closest("svg, :disabled, .jf-skip")) return;
    const behind = ground(element);
    if (!behind) return;
    const style = getComputedStyle(element);
    const [one, other] = [light(over(colour(style.color), behind)), light(behind)];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (contrast < (large ? 3 : 4.5)) fault(`contrast ${contrast.toFixed(2)}`, element);
  });
  return found;
}
