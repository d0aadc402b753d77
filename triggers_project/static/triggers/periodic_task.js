"use strict";

// The form of a periodic task: says in words what the chosen crontab means.
document.addEventListener("DOMContentLoaded", () => {
  const readable = JSON.parse(document.getElementById("readable-crontabs").textContent);
  const choice = document.getElementById("id_crontab");
  const help = document.querySelector(".field-crontab .help");
  document.querySelector(".field-crontab_translation")?.classList.add("hidden");
  if (!choice || !help) {
    return;
  }
  const words = document.createElement("div");
  help.append(words);
  choice.addEventListener("change", () => {
    words.textContent = readable[choice.value] ? `Translation: ${readable[choice.value]}` : "";
  });
});
