/** The client as others get it: packed, installed into an empty project, compiled and run there. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { CLIENT_NAME } from "../../release/client-package.ts";
import { inBrowser, launchChromium, openPage, ownHostname } from "../browser/browser.ts";
import { examplesIn } from "../docs/_examples.ts";
import { must } from "../lab/command.ts";
import { startDemo } from "../support/demo.ts";
import { asInstalled, type Consumer, compileApp, installClient } from "./_consumer.ts";
import { COMMAND_LINE, JOURNEY } from "./_journey.ts";

setDefaultTimeout(180_000);

const INSTALL_LIMIT_MS = 300_000;

const TYPES = join(import.meta.dir, "../types");
const STRICT = { strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, skipLibCheck: false };
const COMPILERS = ["typescript-5", "typescript-6"] as const;
const RESOLUTIONS = [
  { moduleResolution: "node16", module: "node16" },
  { moduleResolution: "bundler", module: "esnext" },
] as const;
const MARK = /^\s*\/\/ error expected on the next line: (TS\d+)$/;

let app: Consumer;
beforeAll(async () => {
  app = await installClient();
}, INSTALL_LIMIT_MS);
afterAll(() => app?.close());

const installed = (name: string) => readFileSync(join(app.folder, "node_modules", CLIENT_NAME, name), "utf8");

describe("the tarball", () => {
  test("holds the module, its declarations, and what a package has; nothing of the server", () => {
    expect(app.packed).toEqual(["LICENSE", "README.md", "index.d.ts", "index.js", "package.json"]);
    const manifest = JSON.parse(installed("package.json")) as Record<string, unknown>;
    expect(manifest).toMatchObject({ name: CLIENT_NAME, version: packageJson.version, type: "module" });
    expect(manifest).not.toContainKeys(["dependencies", "peerDependencies"]);
  });

  test("imports nothing, in code or in types", () => {
    for (const name of ["index.js", "index.d.ts"])
      expect([name, installed(name).match(/^\s*import\b.*|\bimport\(["'].*|\bfrom ["'].*|\brequire\(.*/gm)]).toEqual([
        name,
        null,
      ]);
    expect(installed("index.d.ts")).not.toMatch(/\bany\b(?! )/);
  });
});

describe("the types", () => {
  beforeAll(() => {
    for (const file of ["calls.ts", "consumer.ts", "exactly.ts"]) app.write(`src/${file}`, asInstalled(file));
    for (const { name, code } of examplesIn(installed("README.md"))) app.write(`src/readme-${name}.ts`, code);
  });

  const NEW = { target: "es2022", lib: ["es2023", "esnext.asynciterable", "dom", "dom.iterable"] };
  /** The least that the README promises to be enough. */
  const LEAST = { target: "es2020", lib: ["es2020", "dom"] };

  /** What a person's tsconfig says; without the platform's own types but those of the browser. */
  const project = (how: object, include: string[], platform = NEW) => ({
    compilerOptions: {
      ...STRICT,
      ...how,
      ...platform,
      types: [],
      allowImportingTsExtensions: true,
      noEmit: true,
    },
    include,
  });

  for (const compiler of COMPILERS)
    for (const resolution of RESOLUTIONS)
      test(`${compiler} with ${resolution.moduleResolution}: every call and every example compiles, libraries checked`, async () => {
        const { errors, output } = await compileApp(app.folder, compiler, project(resolution, ["src/*.ts"]));
        expect([errors, output]).toEqual([[], ""]);
      });

  for (const compiler of COMPILERS)
    test(`${compiler} with a lib of es2020 and dom and nothing else: the same compiles`, async () => {
      const how = { moduleResolution: "bundler", module: "es2022" };
      const { errors, output } = await compileApp(app.folder, compiler, project(how, ["src/*.ts"], LEAST));
      expect([errors, output]).toEqual([[], ""]);
    });

  test("misuse is an error, on its line and nowhere else", async () => {
    const files = [...new Bun.Glob("wrong/*.ts").scanSync(TYPES)].sort();
    expect(files.length).toBeGreaterThan(10);
    const expected = files.map((file) => {
      const text = asInstalled(file);
      app.write(file, text);
      const lines = text.split("\n");
      const at = lines.findIndex((line) => MARK.test(line));
      return `${file}:${at + 2} ${MARK.exec(lines[at] ?? "")?.[1]}`;
    });
    const { errors } = await compileApp(app.folder, "typescript-5", project(RESOLUTIONS[1], ["wrong/*.ts"]));
    expect(errors).toEqual(expected.sort());
  });
});

/** What the journey has to see, wherever it runs. */
const SEEN = {
  models: true,
  unknown: [404, "unknown_model"],
  swapped: { state: "ready", generation: "number" },
  released: true,
  events: ["snapshot", true, true, "slot"],
  answers: [200, 200, 200],
};
const SIGNED = { message: "gpt-oss-20b", forged: "wrong_signature" };

describe("against the simulated cluster", () => {
  beforeAll(() => {
    app.write("journey.mjs", JOURNEY);
    app.write("run.mjs", COMMAND_LINE);
  });

  for (const runtime of ["bun", "node"] as const)
    test(`in ${runtime}`, async () => {
      const demo = await startDemo();
      try {
        const command = runtime === "bun" ? process.execPath : "node";
        const said = await must([command, "run.mjs", demo.url, "gpt-oss-20b"], { cwd: app.folder });
        expect(JSON.parse(said)).toEqual({ ...SEEN, ...SIGNED });
      } finally {
        await demo.close();
      }
    });
});

describe("the examples of the README, as a newcomer runs them", () => {
  /** What each of them prints last, in this order: the second one loads the model that the third asks. */
  const PRINTS: Record<string, RegExp> = {
    call: /^gpt-oss-20b (not loaded|main)$/m,
    reservation: /^ready\n$/m,
    bounded: /^200 \{.*"choices"/,
    events: /^main serving gpt-oss-20b$/m,
  };

  for (const runtime of ["bun", "node"] as const)
    test(`in ${runtime}`, async () => {
      const examples = examplesIn(installed("README.md"));
      expect(examples.map(({ name }) => name)).toEqual([...Object.keys(PRINTS), "webhook"]);
      const demo = await startDemo();
      try {
        for (const [name, printed] of Object.entries(PRINTS)) {
          const code = examples.find((example) => example.name === name)!.code;
          const file = `newcomer-${name}.${runtime === "bun" ? "ts" : "mjs"}`;
          app.write(file, code.replaceAll("http://spark-control.local:9999", demo.url));
          expect([name, await printedBy(runtime, file, printed)]).toEqual([name, expect.stringMatching(printed)]);
        }
      } finally {
        await demo.close();
      }
    });

  /** To its end; the one that has none is ended once it has printed what is looked for. */
  async function printedBy(runtime: "bun" | "node", file: string, wanted: RegExp): Promise<string> {
    const command = runtime === "bun" ? process.execPath : "node";
    const child = Bun.spawn([command, file], { cwd: app.folder, stdin: "ignore", stdout: "pipe", stderr: "inherit" });
    let text = "";
    for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += piece;
      if (file.includes("events") && wanted.test(text)) child.kill();
    }
    if (!file.includes("events")) expect([file, await child.exited]).toEqual([file, 0]);
    return text;
  }
});

inBrowser("in Chromium", () => {
  test("on a page of its own, without crypto.subtle", async () => {
    const script = await Bun.build({
      entrypoints: [join(app.folder, "journey.mjs")],
      target: "browser",
      format: "esm",
    });
    const text = (await script.outputs[0]!.text()).replace(/^export\s*\{[\s\S]*\};?\s*$/m, "");
    const demo = await startDemo({ hostname: ownHostname() });
    const browser = await launchChromium();
    try {
      const { page } = await openPage(browser, demo.url);
      const seen = await page.evaluate(
        `(async () => { ${text}; return journey(location.origin, "gpt-oss-20b", false); })()`,
      );
      expect(seen).toEqual(SEEN);
    } finally {
      await browser.close();
      await demo.close();
    }
  });
});
