/** For a group of tests in one browser: each begins with a demo and a page on it of its own, and both are closed after it. */
import { afterAll, afterEach, beforeAll } from "bun:test";
import type { Browser, Page, ViewportSize } from "playwright-core";
import { buildDashboard } from "../../public/_build.ts";
import { type Demo, type DemoOptions, startDemo } from "../support/demo.ts";
import { launchChromium, openPage, ownHostname, type WatchedPage } from "./browser.ts";

export interface Beginning {
  readonly demo?: DemoOptions;
  /** Served before the page is opened. */
  readonly model?: string;
  readonly path?: string;
  readonly viewport?: ViewportSize;
}

export class WatchedDemo {
  #browser: Browser | undefined;
  #demo: Demo | undefined;
  #watched: WatchedPage | undefined;

  /** To be made within the group: it registers what comes before and after its tests. */
  constructor() {
    beforeAll(async () => {
      await buildDashboard();
      this.#browser = await launchChromium();
    });
    afterAll(() => this.#browser?.close());
    afterEach(async () => {
      await this.#watched?.page.context().close();
      await this.#demo?.close();
      this.#watched = undefined;
      this.#demo = undefined;
    });
  }

  /** @returns the page, once it is live */
  async begin({ demo, model, path = "/", viewport }: Beginning = {}): Promise<Page> {
    this.#demo = await startDemo({ hostname: ownHostname(), ...demo });
    if (model !== undefined) await this.#demo.swap(model);
    this.#watched = await openPage(this.browser, this.#demo.url + path, viewport ? { viewport } : {});
    const { page } = this.#watched;
    // On a phone there is no room for the word, which is there all the same.
    await page.getByText("Live", { exact: true }).first().waitFor({ state: "attached" });
    return page;
  }

  get browser(): Browser {
    return there(this.#browser);
  }
  get demo(): Demo {
    return there(this.#demo);
  }
  get watched(): WatchedPage {
    return there(this.#watched);
  }
}

function there<Thing>(thing: Thing | undefined): Thing {
  if (thing === undefined) throw new Error("the test has not begun");
  return thing;
}
