// Reads the pages to unsubscribe on in headless Chromium as a phone shows them, without JavaScript, and with the keyboard alone.
//
// Reads {"chromium", "url", "broken", "languages", "folder"} and writes a line of JSON for each language: what a screen reader has
// of the page that asks, of the one that says it is done, of the one that says it is taken back, and of a link that does not
// work; and what is wrong with how they look. Pictures of all are left in the folder.

import { createRequire } from "node:module";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const require = createRequire(new URL("../../../target/test-tools/node/", import.meta.url));
const { chromium } = require("playwright-core");

const flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server"];
const patience = 100_000;
// The narrowest phones: WCAG 2.2, 1.4.10.
const phone = { viewport: { width: 320, height: 640 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, javaScriptEnabled: false };
const schemes = ["light", "dark"];

const report = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

// Runs in the page: how it offends against WCAG 2.2 AA.
function offences() {
  const numbers = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = (color) => {
    const linear = numbers(color).slice(0, 3).map((value) => value / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const background = (element) => {
    const { backgroundColor } = getComputedStyle(element);
    return numbers(backgroundColor)[3] === 0 ? background(element.parentElement) : backgroundColor;
  };
  const contrast = (element) => {
    const [low, high] = [getComputedStyle(element).color, background(element)].map(luminance).sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const found = [];
  // 1.4.10
  if (document.scrollingElement.scrollWidth > innerWidth) found.push(`${document.scrollingElement.scrollWidth} wide`);
  for (const element of document.querySelectorAll("h1, p, p *, button")) {
    // 1.4.3
    if (contrast(element) < 4.5) found.push(`contrast of ${element.outerHTML}: ${contrast(element).toFixed(2)}`);
    if (parseFloat(getComputedStyle(element).fontSize) < 14) found.push(`small letters: ${element.outerHTML}`);
  }
  for (const button of document.querySelectorAll("button")) {
    const { width, height } = button.getBoundingClientRect();
    // 2.5.5
    if (width < 44 || height < 44) found.push(`button of ${width} by ${height}`);
  }
  return found;
}

async function look(page, folder, name) {
  const found = [];
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme });
    found.push(...(await page.evaluate(offences)).map((offence) => `${name}, ${colorScheme}: ${offence}`));
    await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`), fullPage: true });
  }
  const lang = await page.locator("html").getAttribute("lang");
  return { seen: { lang, title: await page.title(), heard: await page.locator("body").ariaSnapshot() }, found };
}

// By the keyboard, since whoever cannot point can do that.
async function press(page) {
  await page.keyboard.press("Tab");
  const focused = page.locator("button:focus-visible");
  await focused.waitFor();
  await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
}

async function read(browser, job, locale) {
  const context = await browser.newContext({ ...phone, locale });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const wrong = [];
  // Chromium asks for an icon by itself.
  page.on("request", (request) => [job.url, job.broken].includes(request.url()) || wrong.push(`asked for ${request.url()}`));
  page.on("console", (message) => message.text().includes("404") || wrong.push(message.text()));
  const pages = {};
  const see = async (name) => {
    const { seen, found } = await look(page, job.folder, `${locale}-${name}`);
    pages[name] = seen;
    wrong.push(...found);
  };
  await page.goto(job.url);
  await see("question");
  await press(page);
  await see("done");
  await press(page);
  await see("back");
  await page.goto(job.broken);
  await see("broken");
  const cookies = (await context.cookies()).length;
  await context.close();
  return { locale, pages, cookies, wrong };
}

const job = JSON.parse(await text(process.stdin));
const browser = await chromium.launch({ executablePath: job.chromium, args: flags, timeout: patience });
try {
  for (const locale of job.languages) report(await read(browser, job, locale));
} finally {
  await browser.close();
}
