/** Debian's Chromium, driven by playwright-core, and what a page must never do. */
import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

export const EXECUTABLE = "/usr/bin/chromium";
export const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const DEADLINE_MS = 20_000;

export const hasChromium = existsSync(EXECUTABLE);

/** An empty profile each time. */
export const launchChromium = (): Promise<Browser> => chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });

export interface WatchedPage {
  readonly page: Page;
  /** Errors and warnings of the console (a violation of the Content-Security-Policy is one), uncaught exceptions. */
  readonly complaints: readonly string[];
  /** URLs asked for that are not of the page's origin. */
  readonly foreign: readonly string[];
}

/** A page in a context of its own that records from its first request on. */
export async function openPage(browser: Browser, url: string): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  context.setDefaultTimeout(DEADLINE_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  const foreign: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) foreign.push(request.url());
  });
  await page.goto(url);
  return { page, complaints, foreign };
}
