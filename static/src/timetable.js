// The matrix of meetings: arrow keys between meetings, and dragging, which only fills the form that is there anyway.
import htmx from "htmx.org";

/** The links of a grid by row, each with the column of its cell. */
function rows(grid) {
  return [...grid.tBodies[0].rows].map((row) =>
    [...row.querySelectorAll("a.grid-card")].map((link) => ({ link, column: link.closest("td").cellIndex })),
  );
}

document.addEventListener("keydown", (event) => {
  const link = event.target.closest?.("[data-grid] a.grid-card");
  if (!link || !["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) return;
  const lines = rows(link.closest("[data-grid]"));
  const line = lines.findIndex((cards) => cards.some((card) => card.link === link));
  const cards = lines[line];
  const place = cards.findIndex((card) => card.link === link);
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  let next = null;
  if (step) next = cards[place + step];
  else if (event.key === "Home") next = cards[0];
  else if (event.key === "End") next = cards[cards.length - 1];
  else {
    const down = event.key === "ArrowDown" ? 1 : -1;
    for (let n = line + down; n >= 0 && n < lines.length && !next; n += down) {
      const column = cards[place].column;
      next = [...lines[n]].sort((a, b) => Math.abs(a.column - column) - Math.abs(b.column - column))[0];
    }
  }
  event.preventDefault();
  if (!next) return;
  next.link.focus({ preventScroll: true });
  next.link.scrollIntoView({ block: "nearest", inline: "nearest" });
});

// One tab stop per row: arrows reach the others.
function oneStop(grid) {
  for (const cards of rows(grid)) cards.forEach((card, n) => card.link.setAttribute("tabindex", n ? "-1" : "0"));
}
for (const grid of document.querySelectorAll("[data-grid]")) oneStop(grid);
document.addEventListener("focusin", (event) => {
  const link = event.target.closest?.("[data-grid] a.grid-card");
  if (!link) return;
  for (const other of link.closest("tr").querySelectorAll("a.grid-card")) other.setAttribute("tabindex", other === link ? "0" : "-1");
});

// Dragging a meeting to a cell opens its form with that cell's time (and table) chosen.
let dragged = null;
document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.("a.grid-card[data-drag]");
  if (!dragged) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.textContent.trim());
  dragged.classList.add("grid-card--dragged");
  dragged.closest("[data-grid]").classList.add("grid-matrix--dragging");
});
function target(event) {
  const cell = dragged && event.target.closest?.("td[data-slot]");
  return cell && cell !== dragged.closest("td") ? cell : null;
}
document.addEventListener("dragover", (event) => {
  const cell = target(event);
  for (const other of document.querySelectorAll(".grid-cell--over")) if (other !== cell) other.classList.remove("grid-cell--over");
  if (!cell) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "move";
  cell.classList.add("grid-cell--over");
});
document.addEventListener("drop", (event) => {
  const cell = target(event);
  if (!cell) return;
  event.preventDefault();
  const address = new URL(dragged.dataset.drag, location.href);
  address.searchParams.set("slot", cell.dataset.slot);
  if (cell.dataset.table) address.searchParams.set("table_id", cell.dataset.table);
  openForm(address, dragged);
});
document.addEventListener("dragend", () => {
  for (const cell of document.querySelectorAll(".grid-cell--over")) cell.classList.remove("grid-cell--over");
  dragged?.classList.remove("grid-card--dragged");
  dragged?.closest("[data-grid]")?.classList.remove("grid-matrix--dragging");
  dragged = null;
});

/** Shows a meeting's form over the matrix; without a dialog the browser goes to its page. */
async function openForm(address, from) {
  const dialog = document.getElementById("grid-dialog");
  if (!dialog?.showModal) {
    location.assign(address);
    return;
  }
  await htmx.ajax("GET", address.pathname + address.search, { target: dialog, select: "#move", swap: "innerHTML" });
  if (!dialog.firstElementChild) {
    location.assign(address);
    return;
  }
  dialog.showModal();
  dialog.addEventListener("close", () => from.focus(), { once: true });
}
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("dialog [data-close-dialog]");
  if (!link) return;
  event.preventDefault();
  link.closest("dialog").close();
});
