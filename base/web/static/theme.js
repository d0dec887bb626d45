// Light or dark, as the system prefers, before the first paint; paper is light. Without script pages stay light.
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const paper = window.matchMedia("print");
  const follow = () => document.documentElement.setAttribute("data-bs-theme", dark.matches && !paper.matches ? "dark" : "light");
  dark.addEventListener("change", follow);
  paper.addEventListener("change", follow);
  follow();
})();
