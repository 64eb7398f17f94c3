// What makes the pages more comfortable. Each works without it, and nothing here decides anything: the server does.
"use strict";

// A password that was typed can be looked at: <input type="password" data-show="Show" data-hide="Hide">.
for (const field of document.querySelectorAll("input[type=password][data-show]")) {
  const button = document.createElement("button");
  const row = document.createElement("div");
  button.type = "button";
  button.className = "plain";
  row.className = "with-button";
  field.before(row);
  row.append(field, button);
  const show = (visible) => {
    field.type = visible ? "text" : "password";
    button.textContent = visible ? field.dataset.hide : field.dataset.show;
    button.setAttribute("aria-pressed", String(visible));
  };
  show(false);
  button.addEventListener("click", () => show(field.type === "password"));
  // What is sent is a password again, so that the browser offers to keep it.
  field.form?.addEventListener("submit", () => show(false));
}
