// The camera reads a voucher's picture: by the browser's own detector where it has one, else by the reader that we serve.
window.jifenTill = window.jifenTill ?? {};
(() => {
  const PAUSE_MS = 80, KEPT_MS = 60_000;
  let stream = null, detector = null, reading = 0, ending = null;

  const loaded = (address) => new Promise((done, failed) => {
    const script = Object.assign(document.createElement("script"), { src: address, onload: done, onerror: failed });
    document.head.append(script);
  });

  const made = async (box) => {
    const formats = ["qr_code"];
    const own = window.BarcodeDetector && await BarcodeDetector.getSupportedFormats();
    if (own?.includes("qr_code")) return new BarcodeDetector({ formats });
    if (!window.BarcodeDetectionAPI) await loaded(box.dataset.reader);
    const locateFile = (name) => (name.endsWith(".wasm") ? box.dataset.wasm : name);
    await BarcodeDetectionAPI.prepareZXingModule({ overrides: { locateFile }, fireImmediately: true });
    return new BarcodeDetectionAPI.BarcodeDetector({ formats });
  };

  const say = (box, name) => box.querySelectorAll("[data-says]").forEach((line) => { line.hidden = line.dataset.says !== name; });

  const opened = async () => {
    clearTimeout(ending);
    if (stream?.active) return stream;
    const video = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } };
    return navigator.mediaDevices.getUserMedia({ video, audio: false });
  };

  const end = () => {
    reading += 1;
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
  };

  const torch = (box) => {
    const track = stream.getVideoTracks()[0], button = box.querySelector("[data-torch]");
    button.hidden = !track.getCapabilities?.().torch;
    button.onclick = async () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      await track.applyConstraints({ advanced: [{ torch: on }] });
      button.setAttribute("aria-pressed", on);
    };
  };

  // Look at one frame after the other until a whole code is seen.
  const read = async (box, video, found) => {
    const mine = reading += 1;
    while (mine === reading && box.isConnected) {
      const seen = video.readyState >= 2 ? await detector.detect(video).catch(() => []) : [];
      const texts = seen.map((one) => one.rawValue);
      const code = texts.find(jifenTill.codes.reads);
      if (mine !== reading || !box.isConnected) return;
      if (code) { reading += 1; found(code); return; }
      say(box, texts.length ? "other" : "ready");
      await new Promise((done) => setTimeout(done, PAUSE_MS));
    }
  };

  const begin = async (box, found) => {
    box.hidden = !jifenTill.signals.on("camera");
    if (box.hidden) { end(); return; }
    const video = box.querySelector("video");
    say(box, "starting");
    try {
      stream = await opened();
      video.srcObject = stream;
      video.hidden = false;
      [detector] = await Promise.all([detector ?? made(box), video.play()]);
      torch(box);
      await read(box, video, found);
    } catch (error) {
      end();
      video.hidden = true;
      say(box, error.name === "NotAllowedError" ? "refused" : "none");
    }
  };

  // The page that is shown now: a camera on it is opened at once, and closed a while after there is none.
  const show = (found) => {
    reading += 1;
    const box = document.querySelector("[data-camera]");
    if (box && navigator.mediaDevices?.getUserMedia) begin(box, found);
    else if (stream) ending = setTimeout(end, KEPT_MS);
  };
  const again = (found) => { if (document.visibilityState === "visible") show(found); else end(); };

  jifenTill.camera = { show, again };
})();
