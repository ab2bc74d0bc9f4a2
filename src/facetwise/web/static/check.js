"use strict";
// The claim check: progress of upload and check, a table to filter and sort, downloads made here from what the answer
// brought. Whatever comes from a claim is put into the page as text, never as markup.

const CSV_COLUMNS = ["claim_id", "claim_line_number", "edit", "severity", "hcpcs_code", "claim_line_start_date", "message", "fix", "carc", "citations",
  "other_claim_id", "other_claim_line_number", "file", "place", "payer", "rendering_npi", "billing_npi", "charge_amount"];
const RANK = { reject: 0, deny: 1, review: 2, info: 3 };
const GLYPHS = { reject: "✕", deny: "✕", review: "△", info: "·" };
const STEP = 200;
// More than this are neither held nor shown here; the form without a script gives them all as a file.
const MOST_HELD = 100000;
const STAGES = { reading: "Reading", screening: "Looking through the lines", fetching: "Fetching the lines", judging: "Judging", writing: "Writing the answer" };

const form = document.querySelector("form[data-check]");
const result = document.getElementById("result");
const progress = form.querySelector("[data-progress]");
const bar = progress.querySelector("progress");
const said = progress.querySelector("[data-progress-text]");
let running = null;

form.addEventListener("submit", event => {
  event.preventDefault();
  if (running) return;
  let size = 0;
  for (const field of form.querySelectorAll("input[type=file]")) for (const file of field.files) size += file.size;
  if (size > Number(form.dataset.most)) {
    wrong([{ found: `the files have ${megabytes(size)} MB`, expected: `at most ${megabytes(Number(form.dataset.most))} MB` }]);
    return;
  }
  send(new FormData(form));
});
progress.querySelector("[data-stop]").addEventListener("click", () => { if (running) running.abort(); });

function dollars(text) { return text.replace(/\B(?=(\d{3})+\.)/g, ","); }
function megabytes(bytes) { return Math.ceil(bytes / 1e6).toLocaleString("en"); }

function tell(text, share) {
  if (said.textContent !== text) said.textContent = text;
  if (share === null) bar.removeAttribute("value"); else bar.value = share;
}

function send(data) {
  const answer = { findings: [], rejected: [], summary: null, report: "", total: 0, problem: null };
  const request = running = new XMLHttpRequest();
  let seen = 0, shown = 0;
  // The end of what was read: a line may come in pieces.
  const read = last => {
    const text = request.responseText;
    for (let end = text.indexOf("\n", seen); end >= 0; end = text.indexOf("\n", seen)) {
      take(answer, JSON.parse(text.slice(seen, end)));
      seen = end + 1;
    }
    if (last && seen < text.length) answer.problem = answer.problem || { problems: [{ found: "the answer broke off" }] };
  };
  result.replaceChildren();
  progress.hidden = false;
  tell("Sending", 0);
  request.upload.addEventListener("progress", event => {
    const now = Date.now();
    if (!event.lengthComputable || (now - shown < 400 && event.loaded < event.total)) return;
    shown = now;
    tell(`Sending: ${megabytes(event.loaded)} of ${megabytes(event.total)} MB`, event.loaded / event.total);
  });
  request.upload.addEventListener("load", () => tell("Reading", null));
  request.addEventListener("progress", () => { if (request.status === 200) read(false); });
  request.addEventListener("load", () => {
    done();
    if (request.status !== 200) { wrong(problemsOf(request)); return; }
    read(true);
    if (answer.problem) wrong(answer.problem.problems);
    else if (!answer.summary) wrong([{ found: "the answer broke off" }]);
  });
  request.addEventListener("error", () => { done(); wrong([{ found: "the server does not answer, or it refused the files before all were sent" }]); });
  request.addEventListener("abort", () => { done(); result.replaceChildren(); });
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/x-ndjson");
  request.send(data);
}

function done() { running = null; progress.hidden = true; }

function take(answer, one) {
  const { type, ...rest } = one;
  if (type === "progress") tell(STAGES[one.stage] || "Checking", one.stage === "reading" ? null : one.done);
  else if (type === "finding") { answer.total++; if (answer.findings.length < MOST_HELD) answer.findings.push(rest); }
  else if (type === "rejected") { if (answer.rejected.length < MOST_HELD) answer.rejected.push(rest); }
  else if (type === "summary") answer.summary = rest;
  else if (type === "page") { show(answer, one.html); tell("Writing the report", null); }
  else if (type === "report") { answer.report = one.html; const button = result.querySelector("[data-download=report]"); if (button) button.disabled = false; }
  else if (type === "problem") answer.problem = one.problem;
}

function problemsOf(request) {
  try { const details = JSON.parse(request.responseText); return details.problems && details.problems.length ? details.problems : [{ found: details.detail }]; }
  catch { return [{ found: `the server answered with ${request.status}` }]; }
}

function wrong(problems) {
  const box = document.createElement("div"), first = document.createElement("p"), list = document.createElement("ul");
  box.className = "answer problem";
  box.setAttribute("role", "alert");
  first.className = "first";
  first.textContent = "This cannot be checked as it is.";
  for (const one of problems) {
    const item = document.createElement("li");
    item.textContent = [(one.file || one.place ? `${one.file || one.place}: ` : "") + one.found, one.expected && `expected ${one.expected}`, one.mend].filter(Boolean).join("; ");
    list.append(item);
  }
  box.append(first, list);
  result.replaceChildren(box);
  result.focus();
}

function show(answer, html) {
  // The page of a result is the server's own, with everything of the claims escaped.
  result.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.children);
  document.getElementById("h-upload").textContent = "Check other claims";
  for (const button of result.querySelectorAll("[data-download]")) button.addEventListener("click", () => download(answer, button.dataset.download));
  const filter = result.querySelector("form[data-filter]");
  if (filter) filtering(answer, filter);
  result.focus();
  result.scrollIntoView();
}

function filtering(answer, filter) {
  const rows = result.querySelector("[data-rows]"), more = result.querySelector("[data-more]");
  const skeleton = result.querySelector("template[data-row]").content.firstElementChild;
  const words = Object.fromEntries([...filter.severity.options].filter(one => one.value).map(one => [one.value, one.text]));
  const numbers = {};
  for (const link of result.querySelectorAll(".sources > li")) { const key = link.querySelector("code"); if (key) numbers[key.textContent] = link.value; }
  const orders = {
    "": () => 0,
    severity: (a, b) => RANK[a.severity] - RANK[b.severity],
    edit: (a, b) => (a.edit < b.edit ? -1 : a.edit > b.edit ? 1 : 0),
    charge: (a, b) => Number(b.charge_amount || 0) - Number(a.charge_amount || 0),
  };
  const held = answer.findings.map(one => ({ one, text: [one.claim_id, one.hcpcs_code, one.payer, one.message, one.edit, one.file].join(" ").toLowerCase() }));
  let found = answer.findings, until = STEP;
  const row = one => {
    const made = skeleton.cloneNode(true), at = name => made.querySelector(`[data-f=${name}]`);
    made.querySelector(".severity").classList.add(`v-${one.severity}`);
    made.querySelector(".glyph").textContent = GLYPHS[one.severity];
    made.firstElementChild.textContent = `${one.claim_id}, ${one.claim_line_number}`;
    at("severity").textContent = words[one.severity];
    at("edit").textContent = one.edit;
    at("edit").href = `/edits/${encodeURIComponent(one.edit)}`;
    at("code").textContent = one.hcpcs_code || "none";
    at("day").textContent = one.claim_line_start_date || "";
    at("message").textContent = one.message;
    at("fix").textContent = one.fix;
    at("charge").textContent = one.charge_amount ? dollars(one.charge_amount) : "-";
    for (const key of one.citations) {
      if (!(key in numbers)) continue;
      const link = document.createElement("a");
      link.href = `#source-${numbers[key]}`;
      link.textContent = numbers[key];
      link.setAttribute("aria-label", `source ${numbers[key]}`);
      if (at("cites").childElementCount) {
        const comma = document.createElement("span");
        comma.setAttribute("aria-hidden", "true");
        comma.textContent = ",";
        at("cites").append(comma, document.createElement("wbr"));
      }
      at("cites").append(link);
    }
    return made;
  };
  const draw = from => {
    if (!from) rows.replaceChildren();
    rows.append(...found.slice(from, until).map(row));
    more.hidden = until >= found.length;
    const beyond = answer.total > answer.findings.length ? ` The first ${answer.findings.length.toLocaleString("en")} of ${answer.total.toLocaleString("en")} are held in this page.` : "";
    result.querySelector("[data-shown]").textContent = `${Math.min(until, found.length).toLocaleString("en")} of ${found.length.toLocaleString("en")} finding${found.length === 1 ? "" : "s"} shown.${beyond}`;
  };
  const again = () => {
    const wanted = filter.words.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    found = held.filter(({ one, text }) => (!filter.severity.value || one.severity === filter.severity.value) && (!filter.edit.value || one.edit === filter.edit.value)
      && wanted.every(word => text.includes(word))).map(({ one }) => one);
    if (filter.order.value) found.sort(orders[filter.order.value]);
    until = STEP;
    draw(0);
  };
  let waiting;
  filter.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(again, 120); });
  filter.addEventListener("submit", event => { event.preventDefault(); again(); });
  more.addEventListener("click", () => { const from = until; until += STEP; draw(from); });
  more.hidden = found.length <= STEP;
}

// A cell that a spreadsheet would take for a formula is made text.
function cell(value) {
  if (value === undefined || value === null) return "";
  let text = Array.isArray(value) ? value.join(" ") : String(value);
  if (typeof value !== "number" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function download(answer, kind) {
  const files = {
    csv: () => ["findings.csv", "text/csv", [CSV_COLUMNS, ...answer.findings.map(one => CSV_COLUMNS.map(name => one[name]))].map(row => row.map(cell).join(",") + "\r\n")],
    json: () => ["findings.json", "application/json", [JSON.stringify({ ...answer.summary, rejected_records: answer.rejected, findings: answer.findings }, null, 1)]],
    report: () => ["report.html", "text/html", [answer.report]],
  };
  const [name, type, parts] = files[kind]();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
