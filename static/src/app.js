// Small enhancements; every page works without them.
import htmx from "htmx.org";
import "./timetable.js";

const root = document.documentElement;
root.classList.add("js");

/** Runs a function on the page and again on whatever htmx brings in. */
function onContent(enhance) {
  enhance(document);
  document.addEventListener("htmx:load", (event) => enhance(event.detail.elt));
}

// After a refused form the focus goes to the list of what to correct, or to why nothing was done.
// A form knows its fields in the order of its class; the list has them in the order of the page.
onContent((part) => {
  const summary = part.querySelector("[data-error-summary]");
  const place = (line) => document.getElementById(line.querySelector("a")?.hash.slice(1) ?? "");
  const lines = [...(summary?.querySelectorAll("li") ?? [])].filter(place);
  lines.sort((one, other) => (place(one).compareDocumentPosition(place(other)) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1));
  lines.at(0)?.parentElement.append(...lines);
  (summary ?? part.querySelector("[data-refusal]"))?.focus();
});

// On a phone the tab of this page may lie beyond the edge of its bar.
for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
  const bar = tab.closest(".tabs");
  bar.scrollLeft = tab.offsetLeft - bar.offsetLeft - (bar.clientWidth - tab.offsetWidth) / 2;
}

// A menu closes on Escape and on a click elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// A button with data-confirm asks first.
function ask(button) {
  const dialog = document.createElement("dialog");
  dialog.className = "confirm";
  const text = document.createElement("p");
  text.id = "confirm-text";
  text.textContent = button.dataset.confirm;
  dialog.setAttribute("aria-labelledby", text.id);
  const actions = document.createElement("div");
  actions.className = "actions";
  const yes = document.createElement("button");
  yes.type = "button";
  yes.className = button.classList.contains("usa-button--secondary") ? "usa-button usa-button--secondary" : "usa-button";
  yes.textContent = button.dataset.confirmOk || button.textContent.trim();
  const no = document.createElement("button");
  no.type = "button";
  no.className = "usa-button usa-button--outline";
  no.textContent = button.dataset.confirmCancel || "×";
  actions.append(yes, no);
  dialog.append(text, actions);
  document.body.append(dialog);
  return new Promise((resolve) => {
    yes.addEventListener("click", () => dialog.close("yes"));
    no.addEventListener("click", () => dialog.close("no"));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    dialog.showModal();
    no.focus();
  });
}
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-confirm]");
  if (!button?.form || button.dataset.confirmed) return;
  event.preventDefault();
  event.stopPropagation();
  if (!(await ask(button))) return;
  button.dataset.confirmed = "1";
  button.form.requestSubmit(button);
  delete button.dataset.confirmed;
}, true);

// A form is sent once: further clicks do nothing until the answer is there or the page comes back.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-submit-once]") || event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  for (const button of form.querySelectorAll("button[type=submit]")) button.setAttribute("aria-disabled", "true");
});
function release() {
  for (const input of document.querySelectorAll("form[data-skip-empty] :disabled")) input.disabled = false;
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button[aria-disabled]")) button.removeAttribute("aria-disabled");
  }
}
window.addEventListener("pageshow", release);
document.addEventListener("htmx:afterRequest", release);

// Lists: an empty field does not belong in the address.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-skip-empty]") || event.defaultPrevented) return;
  for (const input of event.target.elements) if (input.name && input.value === "") input.disabled = true;
});
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.detail.elt.matches("form[data-skip-empty]")) return;
  for (const name of [...event.detail.formData.keys()]) {
    if (event.detail.formData.get(name) === "") event.detail.formData.delete(name);
  }
});
// A filter works when it is chosen. Arrow keys choose too: where the page is asked for anew, the focus comes back.
document.addEventListener("change", (event) => {
  if (!event.target.matches("form[data-skip-empty] select")) return;
  const { form, id } = event.target;
  form.requestSubmit();
  if (!form.hasAttribute("hx-get")) sessionStorage.setItem("filter", id);
});
// After a swap the focus stays with the control that was used, else goes to the table.
let used = null;
document.addEventListener("htmx:beforeRequest", (event) => {
  const at = document.activeElement;
  used = event.detail.target.matches(".data-table") && event.detail.target.contains(at) ? at : null;
});
document.addEventListener("htmx:afterSettle", (event) => {
  const table = event.detail.elt.closest?.(".data-table");
  if (!used || !table || used.isConnected) return;
  const twin =
    (used.id && document.getElementById(used.id)) ||
    [...table.querySelectorAll("a, button")].find((other) => other.textContent === used.textContent);
  if (!twin) table.setAttribute("tabindex", "-1");
  (twin || table).focus({ preventScroll: true });
  used = null;
});
// A refused form comes back as 422, a lost race as 409: both are pages to show.
document.addEventListener("htmx:beforeSwap", (event) => {
  if ([409, 422].includes(event.detail.xhr.status)) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

// The reader's own time zone: offered where a form asks for it.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
onContent((part) => {
  for (const select of part.querySelectorAll("select[data-zone-guess]")) {
    if (zone && [...select.options].some((option) => option.value === zone)) select.value = zone;
  }
});

// Passwords can be looked at.
onContent((part) => {
  for (const box of part.querySelectorAll("[data-password]")) {
    const input = box.querySelector("input");
    if (!input || box.querySelector(".password-toggle")) continue;
    const toggle = document.createElement("button");
    toggle.type = "button";
    toggle.className = "password-toggle";
    toggle.textContent = box.dataset.labelShow;
    toggle.setAttribute("aria-pressed", "false");
    toggle.setAttribute("aria-controls", input.id);
    toggle.addEventListener("click", () => {
      const shown = input.type === "text";
      input.type = shown ? "password" : "text";
      toggle.textContent = shown ? box.dataset.labelShow : box.dataset.labelHide;
      toggle.setAttribute("aria-pressed", String(!shown));
    });
    box.append(toggle);
  }
});

// Printing a ticket.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});
onContent((part) => {
  for (const button of part.querySelectorAll("[data-print]")) button.hidden = false;
});

// Text that a button copies (a calendar's address).
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  if (button.dataset.copied) button.textContent = button.dataset.copied;
});

// Last, since a browser that keeps nothing for us throws here.
const filter = sessionStorage.getItem("filter");
sessionStorage.removeItem("filter");
if (filter) document.getElementById(filter)?.focus();
