/** Lighthouse, on this machine's Chromium and without the internet: as good as it should be for a first visit. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { buildDashboard } from "../../public/_build.ts";
import { PAGES } from "../../public/pages.ts";
import { type Demo, startDemo } from "../support/demo.ts";
import { requirement } from "../support/requirements.ts";
import { atTheOtherEnd, EXECUTABLE, hasChromium, launchChromium, ownHostname } from "./browser.ts";
import { canLayCable } from "./cable.ts";

setDefaultTimeout(400_000);

const LEAST = 95;
/** Other work on the machine only ever makes a page slower, never faster: the best of a few runs counts. */
const MOST_ROUNDS = 4;
const CATEGORIES = ["performance", "accessibility", "best-practices"] as const;
/** Plain HTTP in a home network is how it is reached; a package around it may add HTTPS. Lighthouse spares only localhost. */
const NOT_OURS = ["is-on-https", "redirects-http"];
/** What performance is made of. */
const FIGURES = [
  "first-contentful-paint",
  "largest-contentful-paint",
  "total-blocking-time",
  "cumulative-layout-shift",
];
const CLI = fileURLToPath(new URL("../../node_modules/lighthouse/cli/index.js", import.meta.url));
const node = Bun.which("node");

const withLighthouse = requirement(
  "the dashboard by Lighthouse",
  hasChromium && canLayCable && node !== null,
  node === null ? "node is missing (apt-get install nodejs)" : "Chromium, root and `ip` are needed",
);

interface Report {
  readonly runtimeError?: { readonly message: string };
  readonly categories: Readonly<
    Record<
      (typeof CATEGORIES)[number],
      { readonly score: number; readonly auditRefs: { id: string; weight: number }[] }
    >
  >;
  readonly audits: Readonly<
    Record<string, { readonly score: number | null; readonly title: string; readonly displayValue?: string }>
  >;
}

withLighthouse("the dashboard", () => {
  let demo: Demo;
  let keeper: Browser;
  let swapId: string;
  beforeAll(async () => {
    await buildDashboard();
    // Holds the cable while Lighthouse starts and ends browsers of its own.
    keeper = await launchChromium();
    demo = await startDemo({ hostname: ownHostname() });
    swapId = (await demo.swap("gpt-oss-20b")).job_id;
  });
  afterAll(async () => {
    await demo?.close();
    await keeper?.close();
  });

  /** @param preset of Lighthouse: a desk, or a telephone with a slow processor on a slow network, its default */
  async function run(preset: "desktop" | "mobile", path = "/"): Promise<Report> {
    const child = Bun.spawn(
      [
        atTheOtherEnd(node!),
        CLI,
        demo.url + path,
        "--quiet",
        "--output=json",
        ...(preset === "desktop" ? ["--preset=desktop"] : ["--form-factor=mobile"]),
        `--skip-audits=${NOT_OURS.join(",")}`,
        `--only-categories=${CATEGORIES.join(",")}`,
        "--chrome-flags=--headless --no-sandbox --disable-gpu --disable-quic --no-first-run",
        "--no-enable-error-reporting",
      ],
      { env: { ...process.env, CHROME_PATH: EXECUTABLE }, stdout: "pipe", stderr: "pipe" },
    );
    const [text, said] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    if ((await child.exited) !== 0) throw new Error(`lighthouse failed: ${said.slice(-2_000)}`);
    return JSON.parse(text) as Report;
  }

  for (const preset of ["desktop", "mobile"] as const)
    for (const { id, path } of PAGES)
      test(`${id}, ${preset}: performance, accessibility and best practices are as good as they should be`, async () => {
        const best = CATEGORIES.map(() => 0);
        for (let round = 0; round < MOST_ROUNDS && best.some((score) => score < LEAST); round++) {
          const { categories, audits } = await run(preset, path.replace(":id", swapId));
          const scores = CATEGORIES.map((category) => Math.round(categories[category].score * 100));
          for (const [at, score] of scores.entries()) best[at] = Math.max(best[at] ?? 0, score);
          const said = FIGURES.map((figure) => `${figure} ${audits[figure]?.displayValue}`);
          const missed = CATEGORIES.flatMap((category) =>
            categories[category].auditRefs
              .filter((audit) => audit.weight > 0 && (audits[audit.id]?.score ?? 1) < 0.9)
              .map((audit) => `${category}: ${audits[audit.id]?.title} ${audits[audit.id]?.displayValue ?? ""}`),
          );
          console.log(`lighthouse, ${id}, ${preset}: ${[scores.join(", "), ...said, ...missed].join("; ")}`);
        }
        for (const [at, name] of CATEGORIES.entries()) expect(best[at], name).toBeGreaterThanOrEqual(LEAST);
      });
});
