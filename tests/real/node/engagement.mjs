// Reads mails in headless Chromium: as their authors wrote them, and in the copies that tell of opens and clicks.
//
// Reads {"chromium", "folder", "mails": [{"name", "original", "copy", "targets"}], "clicked"} and writes a line of JSON for
// each mail: how many links there are, which of them are counted, and what differs. Of what looks different, pictures are
// left in the folder. The last line says where clicks in the mail that is named last have led.
//
// Whatever host Chromium asks for, it asks this script, which has no certificate: https leads nowhere.

import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const require = createRequire(new URL("../../../target/test-tools/node/", import.meta.url));
const { chromium } = require("playwright-core");

const flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server"];
const patience = 100_000;
const widths = [800, 390];
// Lower than most mails, since a document is never lower than what it is shown in, and would hide that it grew.
const viewport = { width: widths[0], height: 64 };
// As much of a document as is pictured at once.
const tile = 4096;
// The copy is looked at twice: with its pixel, and where images are blocked.
const versions = ["original", "copy", "blocked"];
const gif = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64");

const report = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

function answer(mails, request, response) {
  const { host, "x-version": version } = request.headers;
  const [kind, name, number] = request.url.slice(1).split("/");
  const mail = mails.get(name);
  const send = (status, fields, body) => response.writeHead(status, { "cache-control": "no-store", ...fields }).end(body);
  const html = { "content-type": "text/html; charset=utf-8" };
  if (host === "mails.example" && mail) return send(200, html, version === "original" ? mail.original : mail.copy);
  if (host !== "links.example") return send(200, html, "<p>Here you are</p>");
  if (kind === "c" && mail) return send(302, { location: new URL(mail.targets[number]).href });
  if (kind === "o" && version !== "blocked") return send(200, { "content-type": "image/gif" }, gif);
  return send(404, html, "");
}

async function serve(mails) {
  const named = new Map(mails.map((mail) => [mail.name, mail]));
  const server = createServer((request, response) => answer(named, request, response));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server;
}

async function open(browser, version) {
  const context = await browser.newContext({ viewport, javaScriptEnabled: false, extraHTTPHeaders: { "x-version": version } });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  // What moves by itself stays where it starts.
  await devtools.send("Animation.enable");
  await devtools.send("Animation.setPlaybackRate", { playbackRate: 0 });
  return { page, devtools };
}

const address = (mail) => `http://mails.example/read/${mail.name}`;

// Runs in the page.
function lookAround(targets) {
  const resolved = (anchor) => {
    if (typeof anchor.href === "string") return anchor.href;
    return anchor.href.baseVal && new URL(anchor.href.baseVal, document.baseURI).href;
  };
  const { scrollWidth, scrollHeight } = document.scrollingElement;
  const heights = [document.documentElement, document.body].map((element) => element.getBoundingClientRect().height);
  const pixels = [...document.images].filter((image) => image.src.startsWith("http://links.example/o/"));
  return {
    links: [...document.querySelectorAll("a, area")].map(resolved),
    // Not Node's to say: it leaves a | alone that Chromium encodes.
    targets: targets.map((target) => (URL.canParse(target) ? new URL(target).href : `no URL: ${target}`)),
    size: [scrollWidth, scrollHeight, ...heights],
    pixels: pixels.map((image) => image.complete && image.naturalWidth),
  };
}

async function picture({ devtools }, y, [width, height]) {
  const clip = { x: 0, y, width, height: Math.min(tile, height - y), scale: 1 };
  const options = { format: "png", optimizeForSpeed: true, captureBeyondViewport: true, clip };
  return (await devtools.send("Page.captureScreenshot", options)).data;
}

// By tiles, of each reader's document, as if all had the same size.
async function pictures(readers, size) {
  const tiles = [];
  for (let y = 0; y < size[1]; y += tile) tiles.push(await Promise.all(readers.map((reader) => picture(reader, y, size))));
  return tiles;
}

// Sizes and pictures of one width. Chromium writes equal pixels as equal octets.
async function compareLooks(readers, mail, width, folder) {
  await Promise.all(readers.map(({ page }) => page.setViewportSize({ ...viewport, width })));
  const [original, ...others] = await Promise.all(readers.map(({ page }) => page.evaluate(lookAround, [])));
  const tiles = await pictures(readers, original.size);
  const differences = [];
  others.forEach(({ size }, n) => {
    if (`${size}` !== `${original.size}`) differences.push(`${width}: ${original.size} became ${size} (${versions[n + 1]})`);
  });
  tiles.forEach((shown, n) => {
    if (shown.every((picture) => picture === shown[0])) return;
    differences.push(`${width}: picture ${n} differs: ${shown.map((picture, v) => `${versions[v]} ${picture.length}`)}`);
    shown.forEach((picture, v) => writeFileSync(join(folder, `${mail.name}-${width}-${n}-${versions[v]}.png`), picture, "base64"));
  });
  return differences;
}

// Where each link leads in the end, against where it led.
function compareLinks(mail, original, copy) {
  const counted = new Set();
  const end = (href) => {
    const [, name, number] = href.match(/^http:\/\/links\.example\/c\/(\w+)\/(\d+)$/) ?? [];
    if (name !== mail.name) return href;
    counted.add(Number(number));
    return copy.targets[number];
  };
  const ends = copy.links.map(end);
  const differences = original.links.flatMap((href, n) => (ends[n] === href ? [] : [`link ${n}: ${href} became ${ends[n]}`]));
  if (ends.length !== original.links.length) differences.push(`${original.links.length} links became ${ends.length}`);
  return { counted: [...counted].sort((a, b) => a - b), differences };
}

async function read(readers, mail, folder) {
  await Promise.all(readers.map(({ page }) => page.goto(address(mail))));
  const [original, copy, blocked] = await Promise.all(readers.map(({ page }) => page.evaluate(lookAround, mail.targets)));
  const { counted, differences } = compareLinks(mail, original, copy);
  for (const width of widths) differences.push(...(await compareLooks(readers, mail, width, folder)));
  return { name: mail.name, links: original.links.length, counted, size: original.size, pixels: [original, copy, blocked].map(({ pixels }) => pixels), differences };
}

// Where each click leads, and over how many redirects.
async function click({ page }, mail) {
  await page.setViewportSize({ width: widths[0], height: 600 });
  await page.goto(address(mail));
  const places = await page.locator("[data-click]").count();
  const landed = [];
  for (let n = 0; n < places; n += 1) {
    await page.goto(address(mail));
    const arrives = page.waitForResponse((response) => response.status() === 200 && response.request().isNavigationRequest());
    await page.locator("[data-click]").nth(n).click();
    const request = (await arrives).request();
    await page.getByText("Here you are").waitFor();
    landed.push([page.url(), request.redirectedFrom()?.url() ?? null]);
  }
  return landed;
}

const job = JSON.parse(await text(process.stdin));
const server = await serve(job.mails);
const args = [...flags, `--host-resolver-rules=MAP * 127.0.0.1:${server.address().port}`];
const browser = await chromium.launch({ executablePath: job.chromium, args, timeout: patience });
try {
  const readers = await Promise.all(versions.map((version) => open(browser, version)));
  for (const mail of job.mails) report(await read(readers, mail, job.folder));
  const clicked = job.mails.find((mail) => mail.name === job.clicked);
  const [original, copy] = await Promise.all(readers.slice(0, 2).map((reader) => click(reader, clicked)));
  report({ original, copy });
} finally {
  await browser.close();
  server.close();
}
