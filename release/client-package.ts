/**
 * The package `spark-control-client`: one module and one declaration file made of lib/client, so that whoever installs it
 * needs neither the server's sources nor its packages.
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript-5";
import packageJson from "../package.json" with { type: "json" };
import { VERSION } from "../routes/_version.ts";
import { declarationsOf } from "./declarations.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

const CLIENT = join(ROOT, "lib/client");

export const CLIENT_NAME = "spark-control-client";

/** What the package exports, by the module it comes from. */
const EXPORTS: Readonly<Record<string, { values: readonly string[]; types: readonly string[] }>> = {
  client: { values: ["sparkControl"], types: ["SparkControl", "Problem", "OpenAiError"] },
  reservation: {
    values: ["withReservation"],
    types: ["ReservationOptions", "Lease"],
  },
  "reservation-errors": { values: ["ReservationLost", "ReservationRefused"], types: [] },
  "bounded-fetch": { values: ["boundedFetch"], types: ["BoundedFetch", "BoundedFetchOptions"] },
  "follow-events": { values: ["followEvents"], types: ["SparkEvent", "FollowOptions"] },
  "verify-webhook": {
    values: ["verifyWebhook", "WebhookVerificationError"],
    types: ["WebhookPayload", "WebhookRequest", "WebhookRefusal"],
  },
};

const BANNER = `// ${CLIENT_NAME} ${VERSION}, MIT licence. Contains @elysiajs/eden (MIT licence, Copyright 2022 saltyAom).`;

const COMPILER_OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ["lib.esnext.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts", "lib.dom.asynciterable.d.ts"],
  typeRoots: [join(ROOT, "node_modules")],
  types: ["bun-types"],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  allowImportingTsExtensions: true,
  resolveJsonModule: true,
};

/** The entry, made here: lib has no module that only passes on what others export. */
const entryText = () =>
  Object.entries(EXPORTS)
    .flatMap(([file, { values, types }]) => [
      `export { ${values.join(", ")} } from "${CLIENT}/${file}.ts";`,
      `export type { ${types.join(", ")} } from "${CLIENT}/${file}.ts";`,
    ])
    .join("\n");

/**
 * Writes the package into `folder`, which is emptied first. `npm pack` there makes the tarball.
 * @throws Error when lib/client does not compile
 */
export async function buildClientPackage(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const entry = join(folder, "entry.ts");
  writeFileSync(entry, entryText());
  try {
    const built = await Bun.build({ entrypoints: [entry], target: "browser", format: "esm", sourcemap: "none" });
    const [script] = built.outputs;
    if (!script) throw new Error("the client produced no script");
    writeFileSync(join(folder, "index.js"), `${BANNER}\n${await script.text()}`);
    const types = declarationsOf({ entry, compilerOptions: COMPILER_OPTIONS, root: ROOT });
    writeFileSync(join(folder, "index.d.ts"), `${BANNER}\n\n${types}`);
  } finally {
    rmSync(entry);
  }
  for (const [from, to] of [
    ["LICENSE", "LICENSE"],
    ["lib/client/README.md", "README.md"],
  ] as const)
    cpSync(join(ROOT, from), join(folder, to));
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest(), null, 2)}\n`);
}

function manifest() {
  const { version, license } = packageJson;
  return {
    name: CLIENT_NAME,
    version,
    description: "Typed client of Spark Control, with helpers for its reservation, webhooks and events",
    license,
    type: "module",
    exports: { ".": { types: "./index.d.ts", default: "./index.js" }, "./package.json": "./package.json" },
    types: "./index.d.ts",
    sideEffects: false,
    engines: { node: ">=20" },
    files: ["index.js", "index.d.ts"],
    sparkControl: VERSION,
  };
}
