// Scans tickets on the check-in page. The element [data-check-in-scanner] holds a video, a start and a stop button, a
// place for messages, and names in data attributes: the worker's address, the form to fill, and the sentences.
import QrScanner from "qr-scanner";

for (const box of document.querySelectorAll("[data-check-in-scanner]")) setUp(box);

function setUp(box) {
  const video = box.querySelector("video");
  const start = box.querySelector("[data-start]");
  const stop = box.querySelector("[data-stop]");
  const message = box.querySelector("[data-message]");
  const form = document.querySelector(box.dataset.form || "form:has(input[name=code])");
  const input = form?.querySelector("input[name=code]");
  if (!video || !start || !input) return;
  let native = null;

  // The worker comes from a file of ours, not from a blob, so that the content security policy stays strict.
  const engine = QrScanner.createQrEngine;
  QrScanner.createQrEngine = async () => {
    if ("BarcodeDetector" in window && (await window.BarcodeDetector.getSupportedFormats()).includes("qr_code")) {
      native ??= new window.BarcodeDetector({ formats: ["qr_code"] });
      return native;
    }
    return box.dataset.worker ? new Worker(box.dataset.worker) : engine();
  };

  let done = false;
  let scanner = null;
  const make = () => new QrScanner(
    video,
    (result) => {
      if (done || !result.data) return;
      done = true;
      scanner.stop();
      // a ticket holds the code alone or an address that ends in it
      input.value = result.data.trim().split(/[/=]/).pop();
      form.requestSubmit();
    },
    { returnDetailedScanResult: true, preferredCamera: "environment", maxScansPerSecond: 8 },
  );
  const show = (running) => {
    video.hidden = !running;
    start.hidden = running;
    if (stop) stop.hidden = !running;
  };
  const say = (text) => {
    if (message) message.textContent = text || "";
  };

  start.addEventListener("click", async () => {
    done = false;
    say("");
    if (!(await QrScanner.hasCamera())) {
      say(box.dataset.noCamera);
      return;
    }
    show(true);
    try {
      scanner ??= make();
      await scanner.start();
      say(box.dataset.hint);
    } catch {
      show(false);
      say(box.dataset.refused || box.dataset.noCamera);
    }
  });
  stop?.addEventListener("click", () => {
    scanner?.stop();
    show(false);
    say("");
  });
  show(false);
}
