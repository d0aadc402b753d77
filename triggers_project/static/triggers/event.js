"use strict";

// The pages of an event and of a delivery: copies commands, and finds words in the payload. Without it the commands can
// be marked and copied by hand, and the browser's own search finds as well.
const MOST_MARKED = 1000;

async function copy(button) {
  const shown = document.getElementById(button.dataset.copies);
  const words = button.textContent;
  try {
    await navigator.clipboard.writeText(shown.textContent);
    button.textContent = "Copied";
  } catch {
    // Browsers let a page do so by HTTPS only, or on this machine.
    shown.closest("details").open = true;
    getSelection().selectAllChildren(shown);
    button.textContent = "Marked below: copy it";
  }
  setTimeout(() => { button.textContent = words; }, 2000);
}

function places(text, wanted) {
  const found = [];
  const inLowerCase = text.toLowerCase();
  // Some letters are two in lower case: then places would be off, and case counts.
  const hay = inLowerCase.length === text.length ? inLowerCase : text;
  const needle = hay === text ? wanted : wanted.toLowerCase();
  for (let at = hay.indexOf(needle); at >= 0 && found.length < MOST_MARKED; at = hay.indexOf(needle, at + needle.length)) {
    found.push(at);
  }
  return found;
}

function finder(tools) {
  const shown = document.getElementById(tools.dataset.finds);
  const box = tools.querySelector("input");
  const count = tools.querySelector("output");
  const text = shown.textContent;
  let marks = [];
  let current = -1;

  function go(to) {
    marks[current]?.classList.remove("current");
    current = (to + marks.length) % marks.length;
    marks[current].classList.add("current");
    shown.scrollTop += marks[current].getBoundingClientRect().top - shown.getBoundingClientRect().top - 60;
    count.textContent = `${current + 1} of ${marks.length}${marks.length === MOST_MARKED ? " or more" : ""}`;
  }

  function find() {
    const wanted = box.value;
    const parts = [];
    let end = 0;
    marks = [];
    current = -1;
    for (const at of wanted ? places(text, wanted) : []) {
      const mark = document.createElement("mark");
      mark.textContent = text.slice(at, at + wanted.length);
      parts.push(text.slice(end, at), mark);
      marks.push(mark);
      end = at + wanted.length;
    }
    shown.replaceChildren(...parts, text.slice(end));
    count.textContent = wanted ? "Not in it" : "";
    if (marks.length) {
      go(0);
    }
  }

  box.addEventListener("input", find);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      if (marks.length) {
        go(current + (event.shiftKey ? -1 : 1));
      }
    }
  });
}

for (const tools of document.querySelectorAll("[data-finds]")) {
  tools.hidden = false;
  finder(tools);
}
for (const button of document.querySelectorAll("[data-copies]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
// A link to something folded opens it.
window.addEventListener("hashchange", () => {
  const folded = document.getElementById(location.hash.slice(1));
  if (folded instanceof HTMLDetailsElement) {
    folded.open = true;
    folded.scrollIntoView();
  }
});
