// Reads a mail on the inbox page in headless Chromium, as a person would.
//
// Reads {"inbox", "subject", "chromium", "screenshot"} and writes a line of JSON when the page waits for mail, and another
// with what was seen once the mail was opened.

import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const require = createRequire(new URL("../../../target/test-tools/node/", import.meta.url));
const { chromium } = require("playwright-core");

const flags = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const patience = 60_000;

const report = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

// Everything that would show a mail doing what it must not.
function watch(page) {
  const seen = { failures: [], dialogs: 0, windows: 0 };
  page.on("pageerror", (error) => seen.failures.push(String(error)));
  page.on("dialog", (dialog) => { seen.dialogs += 1; dialog.dismiss(); });
  page.on("popup", () => { seen.windows += 1; });
  return seen;
}

async function read(page, job) {
  const row = page.locator("#messages button", { hasText: job.subject });
  await row.waitFor();
  await row.locator(".badge.pass").waitFor();
  const title = await page.title();
  await row.click();
  const frame = page.frameLocator("iframe");
  const mark = await frame.locator("#mark").textContent();
  const sandbox = await page.locator("iframe").getAttribute("sandbox");
  const picture = await frame.locator("#inline").evaluate((image) => image.naturalWidth);
  await page.screenshot({ path: job.screenshot });
  return { title, mark, sandbox, picture, subject: await page.textContent("#subject"), badge: await page.textContent("#facts .badge.pass"), text: await tab(page, "Text") };
}

async function tab(page, name) {
  await page.getByRole("tab", { name, exact: true }).click();
  return page.textContent("#panel");
}

const job = JSON.parse(await text(process.stdin));
const browser = await chromium.launch({ executablePath: job.chromium, args: flags, timeout: patience });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(patience);
  const seen = watch(page);
  await page.goto(job.inbox);
  await page.getByText("No mail yet").waitFor();
  await page.locator("#live.on").waitFor();
  report({ waiting: true });
  report({ ...(await read(page, job)), ...seen });
} finally {
  await browser.close();
}
