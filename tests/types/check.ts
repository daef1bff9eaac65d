/**
 * The product as downstream TypeScript apps see it: `bun tests/types/check.ts`. The compiler does most of the testing;
 * one line a check, exit code 1 if one fails.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import openapiTS, { astToString } from "openapi-typescript";
import { sparkControl } from "spark-control/client";
import { startDemo } from "../support/demo.ts";
import { calls } from "./calls.ts";
import { compile, type Diagnostic, misjudged, shown } from "./compile.ts";
import { isOf, startRecorder } from "./recorder.ts";
import { scenario } from "./scenario.ts";

const FOLDER = import.meta.dir;
/** Slow enough that a second swap meets the first one still running, on a busy machine too. */
const SPEED = 40;
const METHODS = new Set(["get", "post", "put", "patch", "delete"]);

let passed = 0;
let failed = 0;

async function check(name: string, body: () => Promise<void> | void): Promise<void> {
  try {
    await body();
    passed++;
    console.log(`pass  ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAIL  ${name}\n      ${error instanceof Error ? error.message : error}`);
  }
}

function expectNone(kind: string, found: readonly string[]): void {
  if (found.length > 0) throw new Error(`${kind}:\n      ${found.join("\n      ")}`);
}

/** What is right compiles, and each file of `wrong` fails on its marked line and nowhere else. */
async function judge(what: string, diagnostics: readonly Diagnostic[], wrong: string): Promise<void> {
  const files = [...new Bun.Glob(`${wrong}/*.ts`).scanSync(FOLDER)].sort();
  await check(`${what} compiles`, () =>
    expectNone("errors", diagnostics.filter(({ file }) => !files.includes(file)).map(shown)),
  );
  await check(`there are misuses in ${wrong}`, () => expectNone("empty folder", files.length > 0 ? [] : [wrong]));
  for (const file of files) {
    await check(`${file} does not compile`, async () => {
      const complaint = await misjudged(file, diagnostics);
      if (complaint !== null) throw new Error(complaint);
    });
  }
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const operations = ({ paths }: Document) =>
  Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).flatMap((method) => (METHODS.has(method) ? [`${method.toUpperCase()} ${path}`] : [])),
  );

/** The generated types are a module of source, not a declaration file: those are not checked with `skipLibCheck`. */
async function generateTypes(url: string, folder: string): Promise<string> {
  writeFileSync(join(folder, "openapi.ts"), astToString(await openapiTS(new URL("/openapi.json", url))));
  const project = join(folder, "tsconfig.json");
  const include = [join(FOLDER, "generated/**/*.ts")];
  // No Bun: this client needs nothing but fetch.
  const compilerOptions = { types: [], paths: { "spark-control-openapi": [join(folder, "openapi.ts")] } };
  writeFileSync(project, JSON.stringify({ extends: join(FOLDER, "tsconfig.json"), compilerOptions, include }));
  return project;
}

const folder = mkdtempSync(join(tmpdir(), "spark-types-"));
const consumer = compile(join(FOLDER, "tsconfig.json"));
const demo = await startDemo({ speed: SPEED });
try {
  for (const [name, step] of scenario(demo.url)) await check(`the Eden client ${name}`, step);

  const document = (await (await fetch(`${demo.url}/openapi.json`)).json()) as Document;
  await check("calls.ts calls every operation of the OpenAPI document", () => {
    const known = new Set(Object.keys(calls));
    expectNone(
      "not called",
      operations(document).filter((name) => !known.has(name)),
    );
  });

  await check("each call of calls.ts sends the request that it is named after", async () => {
    using recorder = startRecorder();
    const client = sparkControl(recorder.url);
    for (const call of Object.values(calls)) await call(client);
    const names = Object.keys(calls);
    const differing = names.filter((name, index) => !isOf(name, recorder.requests[index]));
    expectNone("sends another request", differing);
    expectNone("more requests than calls", recorder.requests.slice(names.length));
  });

  await judge("the Eden consumer", await consumer, "wrong");
  await judge("the generated client", await compile(await generateTypes(demo.url, folder)), "generated/wrong");
} finally {
  await demo.close();
  rmSync(folder, { recursive: true, force: true });
}

console.log(`types: ${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
