// What the desk's pages do by themselves: times in the viewer's zone, figures that stay fresh, a key for the search.
"use strict";

const UNITS = [["year", 31536000], ["month", 2592000], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const exact = new Intl.DateTimeFormat("en-CA", {
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
  hourCycle: "h23", timeZoneName: "short",
});
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric" });

function inWords(moment) {
  const seconds = (moment - Date.now()) / 1000;
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return relative.format(Math.trunc(seconds / length), unit);
  }
  return seconds > 0 ? "within a minute" : "just now";
}

function showTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    if (element.classList.contains("exactly")) element.textContent = exact.format(moment);
    else element.title = exact.format(moment);
    if (element.classList.contains("ago")) element.textContent = inWords(moment);
    if (element.classList.contains("clock")) element.textContent = clock.format(moment);
    if (element.classList.contains("day")) element.textContent = day.format(moment);
  }
}

const loaded = new Date();
const PATIENCE = 10000; // ms, for an answer

// A region with data-live="seconds" is fetched anew with its page, for as long as the page says so. What somebody is
// using in it stays as it is. Throws in words why it can't be renewed.
async function refresh(regions) {
  const asked = { headers: { "X-Requested-With": "desk" }, signal: AbortSignal.timeout(PATIENCE) };
  const answer = await fetch(location.href, asked).catch(() => null);
  if (!answer) throw new Error("The server does not answer.");
  if (answer.redirected) throw new Error("You may have to log in again.");
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const region of regions) {
    const fresh = page.getElementById(region.id);
    if (!fresh) throw new Error("Load this page again.");
    if (inUse(region)) continue;
    replace(region, fresh);
    if (!fresh.dataset.live) delete region.dataset.live;
  }
}

// Where somebody types, chooses, or has marked something to copy it.
function inUse(region) {
  const selection = document.getSelection();
  const marks = !selection.isCollapsed && region.contains(selection.anchorNode);
  const field = document.activeElement?.matches("input, select, textarea") && region.contains(document.activeElement);
  return marks || field;
}

// How to find what has the focus, once it is another element.
function focusIn(region) {
  const element = document.activeElement;
  if (!region.contains(element)) return null;
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (element.matches("details[id] > summary")) return `#${CSS.escape(element.parentElement.id)} > summary`;
  return element.hasAttribute("href") ? `a[href="${CSS.escape(element.getAttribute("href"))}"]` : null;
}

function replace(region, fresh) {
  const focused = focusIn(region);
  const open = new Map(Array.from(region.querySelectorAll("details[id]"), (details) => [details.id, details.open]));
  const top = window.scrollY;
  region.replaceChildren(...fresh.childNodes);
  for (const details of region.querySelectorAll("details[id]")) details.open = open.get(details.id) ?? details.open;
  showTimes(region);
  if (focused) region.querySelector(focused)?.focus({ preventScroll: true });
  window.scrollTo(0, top);
  region.dataset.renewed = new Date().toISOString();
  region.dispatchEvent(new Event("desk:fresh", { bubbles: true }));
}

// Who looks at figures that are not renewed must know it: that is when it matters.
function stale(regions, why) {
  for (const region of regions) {
    if (region.querySelector(".not-fresh")) continue;
    const note = document.createElement("p");
    note.className = "not-fresh state state-bad";
    note.setAttribute("role", "alert");
    const since = new Date(region.dataset.renewed || loaded);
    note.textContent = `These figures are of ${exact.format(since)}. ${why}`;
    region.prepend(note);
  }
}

function keepFresh() {
  const live = () => Array.from(document.querySelectorAll("[data-live][id]"));
  const again = () => {
    if (!live().length) return;
    const seconds = Math.min(...live().map((region) => Number(region.dataset.live)));
    setTimeout(async () => {
      const regions = live();
      if (!document.hidden) {
        await refresh(regions).catch((error) => stale(regions, error.message));
      }
      again();
    }, seconds * 1000);
  };
  again();
}

// Times to narrow a list down by are typed in the viewer's zone; the address has them in UTC, as it has without scripts.
const typed = (moment) => new Date(moment - moment.getTimezoneOffset() * 60000).toISOString().slice(0, 16);

function useOwnZone(form) {
  const fields = Array.from(form.querySelectorAll("input[type=datetime-local]"));
  for (const field of fields) {
    const label = field.closest("label") || form.querySelector(`label[for="${field.id}"]`);
    if (label) label.firstChild.textContent = label.firstChild.textContent.replace("(UTC)", "(your time)");
    if (field.value) field.value = typed(new Date(`${field.value}Z`));
  }
  form.addEventListener("formdata", (event) => {
    for (const field of fields) {
      if (field.value) event.formData.set(field.name, new Date(field.value).toISOString().slice(0, 16));
    }
  });
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const field = document.querySelector(".desk-search input[type=search]");
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
});

document.addEventListener("DOMContentLoaded", () => {
  showTimes(document);
  Array.from(document.forms).forEach(useOwnZone);
  setInterval(() => { if (!document.hidden) showTimes(document); }, 30000);
  keepFresh();
});

// Of an API key that is pasted into the search only the part that may be shown leaves the page.
document.addEventListener("submit", (event) => {
  const field = event.target.querySelector("input[type=search][name=q], #searchbar");
  if (field) field.value = field.value.trim().replace(/^(trg_[0-9A-Za-z]{12})_[0-9A-Za-z]+$/, "$1");
});

// Django's own fields of two parts, and its marks that explain, have names that can be seen only.
function nameFields() {
  for (const field of document.querySelectorAll(".datetime input:not([aria-label])")) {
    const legend = field.closest("fieldset.flex-container, .form-row")?.querySelector("legend, label");
    const part = field.classList.contains("vTimeField") ? "time" : "date";
    field.setAttribute("aria-label", `${legend ? legend.textContent.trim().replace(/:$/, "") : ""}, ${part}`);
  }
  for (const mark of document.querySelectorAll("span[aria-label]:not([role])")) mark.setAttribute("role", "img");
}

// The fields that are found by typing are a library's, which forgets what they are called. jQuery calls this after it.
window.addEventListener("load", () => window.django?.jQuery?.(() => {
  for (const shown of document.querySelectorAll(".select2-selection__rendered[id]")) {
    const label = document.querySelector(`label[for="${shown.id.slice("select2-".length, -"-container".length)}"]`);
    if (label) shown.setAttribute("aria-label", label.textContent.trim());
  }
  nameFields();
}));
