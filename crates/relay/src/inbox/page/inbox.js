"use strict";
// Everything that comes from a message is put in as text, never as markup.

const byId = (id) => document.getElementById(id);
const state = { messages: [], total: 0, next: null, query: "", chosen: null, shown: null, tab: null, wanted: null, known: null, round: 0 };

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

async function api(path, method = "GET") {
  const response = await fetch(path, { method, headers: { accept: "application/json" } });
  if (response.status === 204) return null;
  if (!response.ok) throw new Error(`the inbox answered ${response.status}`);
  return response.json();
}

const megabyte = 1024 * 1024;
function size(octets) {
  if (octets < 1024) return `${octets} B`;
  if (octets < megabyte) return `${Math.round(octets / 1024)} KB`;
  return `${(octets / megabyte).toFixed(1)} MB`;
}

function time(milliseconds) {
  const date = new Date(milliseconds);
  const today = new Date().toDateString() === date.toDateString();
  return today
    ? date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" })
    : date.toLocaleDateString([], { day: "numeric", month: "short" });
}

const dkimWords = {
  pass: ["pass", "DKIM ✓", "The DKIM signature is valid"],
  fail: ["fail", "DKIM ✗", "The DKIM signature is not valid"],
  unchecked: ["dull", "DKIM ?", "The DKIM signature could not be checked"],
  none: ["dull", "unsigned", "The message has no DKIM signature"],
};

function dkimBadge(status) {
  const [style, words, title] = dkimWords[status] ?? ["dull", "DKIM …", "The DKIM signature is being checked"];
  return make("span", { class: `badge ${style}`, title }, words);
}

// A drawing, because not every system has a font with a paper clip.
function clip(count) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("viewBox", "0 0 16 16");
  drawing.setAttribute("class", "clip");
  drawing.setAttribute("role", "img");
  drawing.setAttribute("aria-label", `${count} attached`);
  const line = document.createElementNS(space, "path");
  line.setAttribute("d", "M12.5 7.2 7.6 12a3.1 3.1 0 0 1-4.4-4.4l5.3-5.2a2.1 2.1 0 0 1 3 3L6.3 10.5a1 1 0 0 1-1.5-1.5L9.3 4.7");
  drawing.append(line);
  return make("span", { title: `${count} attached` }, drawing);
}

// The list

function listPath(before) {
  const query = new URLSearchParams({ limit: "50" });
  if (state.query) query.set("query", state.query);
  if (before) query.set("before", before);
  return `/api/messages?${query}`;
}

async function refresh() {
  const round = ++state.round;
  const page = await api(listPath(null));
  if (round !== state.round) return;
  const first = state.known === null;
  if (first) state.known = new Set(page.messages.map((message) => message.id));
  // What was loaded by "show older" stays, unless it is gone or no longer fits the search.
  const oldest = page.next_before;
  const older = oldest === null ? [] : state.messages.filter((message) => message.id < oldest && state.olderQuery === state.query);
  state.messages = page.messages.concat(older);
  if (!older.length) state.next = page.next_before;
  state.total = page.total;
  showList();
}

async function showOlder() {
  const page = await api(listPath(state.next));
  state.messages = state.messages.concat(page.messages);
  state.next = page.next_before;
  state.olderQuery = state.query;
  showList();
}

function row(message) {
  const fresh = !state.known.has(message.id);
  const marks = make("span", { class: "marks" },
    message.attachments ? clip(message.attachments) : null,
    dkimBadge(message.dkim));
  return make("li", {}, make("button",
    { class: fresh ? "row fresh" : "row", type: "button", "data-id": message.id, "aria-current": String(message.id === state.chosen), onclick: () => choose(message.id) },
    make("span", { class: "row-subject" }, message.subject || "(no subject)"), make("span", { class: "time" }, time(message.received_at)),
    make("span", { class: "row-from" }, message.from), marks,
    make("span", { class: "row-to" }, `to ${message.to}`), make("span", { class: "size" }, size(message.octets))));
}

function showList() {
  const list = byId("messages");
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.id : null;
  list.replaceChildren(...state.messages.map(row));
  if (focused) list.querySelector(`[data-id="${focused}"]`)?.focus();
  const shown = state.messages.length;
  const all = state.total === 1 ? "1 message" : `${state.total} messages`;
  byId("count").textContent = state.query ? `${shown}${state.next ? "+" : ""} of ${all} match` : all;
  byId("count").hidden = state.total === 0;
  byId("more").hidden = state.next === null;
  byId("delete-all").disabled = state.total === 0;
  byId("empty").hidden = shown !== 0;
  byId("empty-title").textContent = state.total ? "Nothing found" : "No mail yet";
  byId("empty-text").textContent = state.total
    ? "No sender, recipient or subject has these words."
    : "Whatever your application sends is kept here and goes nowhere else. It appears by itself.";
  const unread = state.known ? state.messages.filter((message) => !state.known.has(message.id)).length : 0;
  document.title = unread ? `(${unread}) Sendlet inbox` : "Sendlet inbox";
}

// One message

async function choose(id, focus = true) {
  state.chosen = id;
  state.known?.add(id);
  history.replaceState(null, "", `#${id}`);
  showList();
  byId("messages").querySelector(`[data-id="${id}"]`)?.scrollIntoView({ block: "nearest" });
  let message;
  try {
    message = await api(`/api/messages/${id}`);
  } catch {
    return close();
  }
  if (state.chosen !== id) return;
  const another = state.shown?.id !== id;
  state.shown = message;
  showMessage(another);
  document.body.classList.add("reading");
  if (focus && another) byId("message").scrollTo(0, 0);
}

function close() {
  state.chosen = null;
  state.shown = null;
  history.replaceState(null, "", location.pathname);
  document.body.classList.remove("reading");
  byId("opened").hidden = true;
  byId("nothing").hidden = false;
  showList();
}

function fact(name, ...values) {
  return [make("dt", {}, name), make("dd", {}, ...values)];
}

function facts(message) {
  const hidden = message.envelope.to.filter((recipient) => recipient.envelope_only).map((recipient) => recipient.address);
  const header = (name) => message.headers.find((field) => field.name.toLowerCase() === name)?.value;
  return [
    ...fact("From", message.from),
    ...fact("To", message.to),
    ...(header("cc") ? fact("Cc", header("cc")) : []),
    ...(hidden.length ? fact("Envelope only", hidden.join(", "), " ", make("span", { class: "badge dull", title: "In no header field of the message: a Bcc recipient" }, "Bcc")) : []),
    ...fact("Received", `${new Date(message.received_at).toLocaleString()}, ${size(message.octets)}`),
    ...fact("Signature", signatureLine(message.dkim)),
  ];
}

function signatureLine(dkim) {
  const line = make("span", {}, dkimBadge(dkim?.status));
  const signed = dkim?.signatures?.find((signature) => signature.status === dkim.status);
  if (signed?.domain) line.append(` by ${signed.domain}`);
  if (signed?.reason) line.append(`: ${signed.reason}`);
  return line;
}

function tabsOf(message) {
  const tabs = [];
  if (message.contents.html) tabs.push(["HTML", showHtml]);
  if (message.contents.text !== null || !message.contents.html) tabs.push(["Text", showText]);
  if (message.contents.attachments.length) tabs.push([`Attachments (${message.contents.attachments.length})`, showAttachments]);
  if (message.contents.html?.links.length) tabs.push([`Links (${message.contents.html.links.length})`, showLinks]);
  tabs.push(["Headers", showHeaders], ["Envelope", showEnvelope], ["DKIM", showDkim], ["Source", showSource]);
  return tabs;
}

function showMessage(another) {
  const message = state.shown;
  byId("nothing").hidden = true;
  byId("opened").hidden = false;
  byId("subject").textContent = message.subject || "(no subject)";
  byId("facts").replaceChildren(...facts(message));
  const tabs = tabsOf(message);
  const names = tabs.map(([name]) => name);
  const before = state.tab;
  // Only a tab that somebody clicked stays chosen from one message to the next.
  state.tab = names.includes(state.wanted) ? state.wanted : names[0];
  byId("tabs").replaceChildren(
    ...tabs.map(([name, show]) => make("button", { type: "button", role: "tab", tabindex: name === state.tab ? "0" : "-1", "aria-selected": String(name === state.tab), onclick: () => chooseTab(name, show) }, name)));
  byId("actions").replaceChildren(
    make("a", { href: `/api/messages/${message.id}/source`, download: `message-${message.id}.eml` }, "Download .eml"),
    make("button", { type: "button", onclick: () => remove(message.id) }, "Delete"));
  // A frame that is loaded again flickers, so an update leaves the panel alone where it can.
  if (another || before !== state.tab || state.tab === "DKIM") tabs.find(([name]) => name === state.tab)[1](byId("panel"), message);
}

function chooseTab(name, show) {
  state.tab = state.wanted = name;
  for (const button of byId("tabs").querySelectorAll("[role=tab]")) {
    const chosen = button.textContent === name;
    button.setAttribute("aria-selected", String(chosen));
    button.tabIndex = chosen ? 0 : -1;
    if (chosen) button.focus();
  }
  show(byId("panel"), state.shown);
}

const note = (text) => make("p", { class: "note" }, text);

function showHtml(panel, message) {
  panel.replaceChildren(
    ...(message.contents.html.wants_network ? [note("Remote pictures and styles are left out: this page never fetches anything for a message.")] : []),
    frame(message));
}

// The page's policy lets a link lead nowhere inside the frame, which would leave an error page there. Whoever clicked it
// finds it among the links, where it opens in a new window.
function frame(message) {
  let loaded = false;
  const leave = () => {
    const links = tabsOf(message).find(([, show]) => show === showLinks);
    if (loaded && links) chooseTab(...links);
    loaded = true;
  };
  return make("iframe", { sandbox: "", title: "HTML body", referrerpolicy: "no-referrer", src: `/api/messages/${message.id}/html`, onload: leave });
}

function showText(panel, message) {
  const { text, text_cut } = message.contents;
  panel.replaceChildren(
    ...(text_cut ? [note("Only the first part of this text is shown. The source has all of it.")] : []),
    text === null ? make("p", { class: "empty" }, "This message has no text.") : make("pre", {}, text));
}

function showAttachments(panel, message) {
  const line = (attachment) => make("tr", {},
    make("td", {}, make("a", { href: `/api/messages/${message.id}/parts/${attachment.part}`, download: true }, attachment.name ?? `part ${attachment.part}`)),
    make("td", {}, attachment.media_type), make("td", {}, attachment.inline ? "inline" : ""), make("td", {}, size(attachment.octets)));
  panel.replaceChildren(make("table", {}, make("tbody", {}, ...message.contents.attachments.map(line))));
}

function showLinks(panel, message) {
  const link = (address) => make("li", {}, make("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, address));
  panel.replaceChildren(make("p", { class: "soft" }, "Links in the HTML body do nothing there. Here they open in a new window."),
    make("ul", { class: "links" }, ...message.contents.html.links.map(link)));
}

function showHeaders(panel, message) {
  const line = (field) => make("tr", {}, make("th", { scope: "row" }, field.name), make("td", {}, field.value));
  panel.replaceChildren(make("table", {}, make("tbody", {}, ...message.headers.map(line))));
}

function showEnvelope(panel, message) {
  const recipient = ({ address, envelope_only }) => make("tr", {}, make("th", { scope: "row" }, "RCPT TO"),
    make("td", {}, `<${address}> `, envelope_only ? make("span", { class: "badge dull" }, "envelope only") : null));
  panel.replaceChildren(make("table", {}, make("tbody", {},
    make("tr", {}, make("th", { scope: "row" }, "MAIL FROM"), make("td", {}, message.envelope.from)),
    ...message.envelope.to.map(recipient),
    make("tr", {}, make("th", { scope: "row" }, "Idempotency-Key"), make("td", {}, message.idempotency_key)))));
}

function showDkim(panel, message) {
  const dkim = message.dkim;
  if (!dkim) return panel.replaceChildren(make("p", { class: "empty" }, "The signatures are being checked."));
  if (!dkim.signatures.length) {
    return panel.replaceChildren(make("p", { class: "empty" }, dkim.note ? `The message could not be read: ${dkim.note}` : "This message has no DKIM signature."));
  }
  panel.replaceChildren(...dkim.signatures.map(signatureCard));
}

function signatureCard(signature) {
  const explained = {
    pass: "The body and the signed header fields are exactly what the domain signed.",
    fail: "A receiver would treat this signature as if it were not there.",
    unchecked: "Whether a receiver would accept it is not known here.",
  };
  const rows = [["Reason", signature.reason], ["Domain (d=)", signature.domain], ["Selector (s=)", signature.selector], ["Key record", signature.key_name],
    ["Signed at (t=)", signature.signed_at ? new Date(signature.signed_at * 1000).toLocaleString() : null],
    ["Signed fields (h=)", signature.signed_fields.join(", ")], ["Testing (t=y)", signature.testing ? "yes, the domain says it is only testing" : null]];
  return make("div", { class: "card" }, make("p", {}, dkimBadge(signature.status), " ", explained[signature.status] ?? ""),
    make("dl", { class: "facts" }, ...rows.filter(([, value]) => value).flatMap(([name, value]) => fact(name, value))));
}

async function showSource(panel, message) {
  const pre = make("pre", {}, "…");
  panel.replaceChildren(pre);
  const response = await fetch(`/api/messages/${message.id}/source`);
  const source = await response.blob();
  const text = await source.slice(0, megabyte).text();
  pre.textContent = text;
  if (source.size > megabyte) panel.prepend(note("Only the first megabyte is shown. The download has all of it."));
}

// Changes

async function remove(id) {
  const at = state.messages.findIndex((message) => message.id === id);
  const neighbour = state.messages[at + 1] ?? state.messages[at - 1];
  await api(`/api/messages/${id}`, "DELETE").catch(() => null);
  if (state.chosen === id) {
    if (neighbour && !matchMedia("(max-width: 760px)").matches) await choose(neighbour.id);
    else close();
  }
  await refresh();
}

// The first click asks, the second does it: a dialog of the browser would stop the page.
function askFirst(button, question, act) {
  const words = button.textContent;
  let timer = null;
  const calm = () => { clearTimeout(timer); timer = null; button.textContent = words; button.classList.remove("danger"); };
  button.addEventListener("click", async () => {
    if (timer === null) {
      button.textContent = question;
      button.classList.add("danger");
      timer = setTimeout(calm, 3000);
    } else {
      calm();
      await act();
    }
  });
  button.addEventListener("blur", calm);
}

function step(by) {
  if (!state.messages.length) return;
  const at = state.messages.findIndex((message) => message.id === state.chosen);
  const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), state.messages.length - 1);
  choose(state.messages[next].id);
}

function stepTab(by) {
  const tabs = [...byId("tabs").querySelectorAll("[role=tab]")];
  const at = tabs.findIndex((tab) => tab.getAttribute("aria-selected") === "true");
  tabs[(at + by + tabs.length) % tabs.length]?.click();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.id === "search";
  const inTabs = event.target.getAttribute?.("role") === "tab";
  const inList = byId("messages").contains(event.target);
  if (event.key === "Escape") {
    if (typing && state.query) { byId("search").value = ""; search(); } else if (typing) byId("search").blur(); else close();
  } else if (typing) return;
  else if (event.key === "/") byId("search").focus();
  else if (event.key === "j" || (inList && event.key === "ArrowDown")) step(1);
  else if (event.key === "k" || (inList && event.key === "ArrowUp")) step(-1);
  else if (inTabs && event.key === "ArrowRight") stepTab(1);
  else if (inTabs && event.key === "ArrowLeft") stepTab(-1);
  else if (event.key === "Delete" && state.chosen !== null) remove(state.chosen);
  else return;
  event.preventDefault();
});

let waiting = null;
function search() {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    state.query = byId("search").value.trim();
    state.messages = [];
    refresh().catch(() => null);
  }, 120);
}

// Many messages may come at once; one look at the list is enough for all of them.
let due = null;
function refreshSoon() {
  due ??= setTimeout(() => {
    due = null;
    refresh().catch(() => null);
  }, 80);
}

function listen() {
  const source = new EventSource("/api/events");
  const live = (on, words) => {
    byId("live").textContent = words;
    byId("live").title = on ? "New mail appears by itself" : "The inbox cannot be reached; trying again";
    byId("live").classList.toggle("on", on);
  };
  source.addEventListener("open", () => live(true, "live"));
  source.addEventListener("error", () => live(false, "offline"));
  source.addEventListener("change", (event) => {
    const { message } = JSON.parse(event.data);
    refreshSoon();
    if (message !== null && message === state.chosen) choose(message, false);
  });
}

byId("search").addEventListener("input", search);
byId("more").addEventListener("click", () => showOlder().catch(() => null));
byId("back").addEventListener("click", close);
askFirst(byId("delete-all"), "Really delete all?", async () => {
  await api("/api/messages", "DELETE").catch(() => null);
  close();
  await refresh();
});
listen();
refresh().then(() => {
  const id = Number(location.hash.slice(1));
  if (Number.isSafeInteger(id) && id > 0) choose(id);
}).catch(() => null);
