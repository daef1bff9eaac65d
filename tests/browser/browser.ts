/** Debian's Chromium, driven by playwright-core, on an address as people use it, and what a page must never do. */
import { existsSync } from "node:fs";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { requirement } from "../support/requirements.ts";
import { type Cable, canLayCable, layCable } from "./cable.ts";

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
const DEADLINE_MS = 45_000;

export const hasChromium = existsSync(EXECUTABLE);

/** For a group of tests that need Chromium and a page that is not on localhost. */
export const inBrowser = requirement(
  "the dashboard in a browser",
  hasChromium && canLayCable,
  hasChromium
    ? "a network of its own needs Linux, root, `ip` and `nsenter` (apt-get install iproute2 util-linux)"
    : "Chromium is missing (apt-get install chromium)",
);

let laid: Cable | undefined;
const cable = (): Cable => {
  laid ??= layCable();
  return laid;
};

/** Where the controller has to listen to be reached by the browser: an address that is not loopback. */
export const ownHostname = (): string => cable().hostname;

/** A script that runs a program at the other end, for tools that start Chromium by themselves. */
export const atTheOtherEnd = (executable: string): string => cable().wrap(executable);

let browsers = 0;

/** At the other end of the cable, with an empty profile each time. The last one that is closed takes the cable with it. */
export async function launchChromium(flags: readonly string[] = []): Promise<Browser> {
  const { wrap, remove } = cable();
  const browser = await chromium.launch({ executablePath: wrap(EXECUTABLE), args: [...FLAGS, ...flags] });
  browsers += 1;
  browser.once("disconnected", () => {
    browsers -= 1;
    if (browsers > 0) return;
    laid = undefined;
    remove();
  });
  return browser;
}

export interface WatchedPage {
  readonly page: Page;
  /** Errors and warnings of the console (a violation of the Content-Security-Policy is one), uncaught exceptions. */
  readonly complaints: string[];
  /** URLs asked for that are not of the page's origin. */
  readonly foreign: string[];
}

/** A page in a context of its own that records from its first request on. */
export async function openPage(
  browser: Browser,
  url: string,
  options: Parameters<Browser["newContext"]>[0] = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  return openTab(context, url);
}

/** Another tab of the same browser. */
export async function openTab(context: BrowserContext, url: string): Promise<WatchedPage> {
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
