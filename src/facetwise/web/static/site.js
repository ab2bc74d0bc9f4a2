"use strict";
// Forms that say data-swap put their answer in place of a part of the page; without this script they load the page anew.

function queryOf(form) {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value !== "") query.append(name, value);
  return query.toString();
}

function swapping(form) {
  const selector = form.dataset.swap;
  const status = document.querySelector("[data-swap-status]");
  let asked = 0, shown = location.pathname + location.search;
  async function show(address, record) {
    const mine = ++asked;
    if (status) status.textContent = "Loading";
    try {
      const answer = await fetch(address, { headers: { accept: "text/html" }, credentials: "same-origin" });
      const text = await answer.text();
      if (mine !== asked) return;
      const next = new DOMParser().parseFromString(text, "text/html");
      const found = next.querySelector(selector);
      if (!found) {
        const problem = next.querySelector("main .problem");
        if (status) status.textContent = problem ? problem.textContent.trim().replace(/\s+/g, " ") : "This cannot be shown.";
        return;
      }
      document.querySelector(selector).replaceWith(found);
      document.title = next.title;
      for (const link of ["link[rel=alternate]", ".site-foot a[href^='/api/v1']"]) {
        const old = document.querySelector(link), fresh = next.querySelector(link);
        if (old && fresh) old.href = fresh.getAttribute("href");
      }
      if (record) history.pushState(null, "", address);
      shown = location.pathname + location.search;
      if (status) status.textContent = "Updated";
    } catch {
      if (status) status.textContent = "The server does not answer.";
    }
  }
  const go = record => {
    const query = queryOf(form);
    return show(form.action.split("?")[0] + (query ? "?" + query : ""), record);
  };
  form.addEventListener("submit", event => { event.preventDefault(); go(true); });
  let waiting;
  form.addEventListener("change", event => {
    count(form);
    if (event.target.type === "date" && !event.target.value) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => go(true), event.target.type === "checkbox" ? 350 : 0);
  });
  // A step back to another state; a link within the page is none.
  addEventListener("popstate", () => { if (location.pathname + location.search !== shown) location.reload(); });
}

function count(form) {
  for (const pick of form.querySelectorAll(".pick")) {
    const number = pick.querySelectorAll("input:checked").length;
    pick.querySelector(".pick-value").textContent = number ? `${number} chosen` : "all";
  }
}

for (const form of document.querySelectorAll("form[data-swap]")) swapping(form);
// The list of payers lies over the page: it closes on Escape and on a click beside it.
addEventListener("keydown", event => {
  if (event.key !== "Escape") return;
  for (const pick of document.querySelectorAll(".pick[open]")) { pick.open = false; pick.querySelector("summary").focus(); }
});
addEventListener("click", event => {
  for (const pick of document.querySelectorAll(".pick[open]")) if (!pick.contains(event.target)) pick.open = false;
});
// A link to what is folded opens it.
addEventListener("click", event => {
  const link = event.target.closest("a[href^='#']");
  const aim = link && document.getElementById(link.getAttribute("href").slice(1));
  if (aim && aim.tagName === "DETAILS") aim.open = true;
});
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// The spine: each choice is answered at once. What was treated is kept after the # of the address, which no server sees.
const spine = document.querySelector("form[data-spine]");
if (spine) {
  let asked = 0, waiting;
  const state = () => {
    const said = new URLSearchParams();
    for (const [name, value] of new FormData(spine)) if (value !== "") said.append(name, value);
    return said;
  };
  const show = next => {
    const marks = new Map([...next.querySelectorAll("[data-mark]")].map(one => [one.dataset.mark, one]));
    for (const label of spine.querySelectorAll("[data-key]")) {
      const mark = marks.get(label.dataset.key), words = label.querySelector("[data-state]");
      label.classList.remove("full", "half");
      label.querySelector(".missing")?.remove();
      if (words) words.textContent = mark ? mark.textContent : "";
      if (!mark) continue;
      label.classList.add(mark.dataset.state);
      if (!mark.dataset.missing) continue;
      const missing = document.createElement("span");
      missing.className = "missing";
      missing.setAttribute("aria-hidden", "true");
      missing.textContent = `no ${mark.dataset.missing}`;
      label.append(missing);
    }
    for (const part of ["#result", "[data-phone-bar]"]) {
      const fresh = next.querySelector(part);
      if (fresh) document.querySelector(part).innerHTML = fresh.innerHTML;
    }
  };
  const ask = async () => {
    const mine = ++asked, said = state();
    history.replaceState(null, "", "/spine" + (said.has("j") || said.has("n") ? "#" + said : ""));
    try {
      const answer = await fetch("/spine", { method: "POST", body: new URLSearchParams([...said, ["part", "1"]]), headers: { accept: "text/html" }, credentials: "same-origin" });
      const text = await answer.text();
      if (mine === asked) show(new DOMParser().parseFromString(text, "text/html"));
    } catch {
      document.querySelector("#result").textContent = "The server does not answer.";
    }
  };
  spine.addEventListener("change", () => { clearTimeout(waiting); waiting = setTimeout(ask, 60); });
  spine.addEventListener("submit", event => {
    event.preventDefault();
    if (event.submitter && event.submitter.name === "clear") for (const box of spine.querySelectorAll("input:checked")) box.checked = false;
    ask();
  });
  const restore = () => {
    const said = new URLSearchParams(location.hash.slice(1));
    if (!said.has("j") && !said.has("n")) return;
    const picked = new Set([...said.getAll("j"), ...said.getAll("n")]);
    for (const box of spine.querySelectorAll("input[type=checkbox]")) {
      box.checked = picked.has(box.value);
      const folded = box.checked && box.closest("details");
      if (folded) folded.open = true;
    }
    for (const field of spine.querySelectorAll("select, input[type=date]")) {
      const value = said.get(field.name) || "";
      if (field.type === "date" || [...field.options].some(one => one.value === value)) field.value = value || field.value;
    }
    ask();
  };
  // A link within the page must not push the state out of the address.
  addEventListener("click", event => {
    const link = event.target.closest("a[href^='#']");
    const aim = link && document.getElementById(link.getAttribute("href").slice(1));
    if (!aim) return;
    event.preventDefault();
    aim.tabIndex = -1;
    aim.focus();
    aim.scrollIntoView();
  });
  addEventListener("hashchange", restore);
  restore();
}
