/** Writes the JSON Schemas that editors use for the configuration files. `--check` fails when one is stale instead. */
import { readFileSync, writeFileSync } from "node:fs";
import type { TSchema } from "@sinclair/typebox";
import { CatalogFile } from "./catalog-schema.ts";
import { ServicesFile } from "./services-schema.ts";
import { TopologyFile } from "./topology-schema.ts";

const SCHEMAS: Readonly<Record<string, TSchema>> = {
  "topology.schema.json": TopologyFile,
  "services-overrides.schema.json": ServicesFile,
  "models.schema.json": CatalogFile,
};

const folder = new URL("../../config/", import.meta.url);

/** File name → its text as it should be. */
export function schemaTexts(): ReadonlyMap<string, string> {
  const text = (type: TSchema) =>
    `${JSON.stringify({ $schema: "http://json-schema.org/draft-07/schema#", ...type }, null, 2)}\n`;
  return new Map(Object.entries(SCHEMAS).map(([name, type]) => [name, text(type)]));
}

/** Names of committed schemas that differ from what the code says. */
export function staleSchemas(): readonly string[] {
  return [...schemaTexts()].filter(([name, text]) => readOrBlank(name) !== text).map(([name]) => name);
}

function readOrBlank(name: string): string {
  try {
    return readFileSync(new URL(name, folder), "utf8");
  } catch {
    return "";
  }
}

if (import.meta.main) {
  const stale = staleSchemas();
  if (!process.argv.includes("--check")) {
    const texts = schemaTexts();
    for (const name of stale) writeFileSync(new URL(name, folder), texts.get(name) ?? "");
    console.log(stale.length === 0 ? "The JSON Schemas are up to date." : `Written: ${stale.join(", ")}`);
  } else if (stale.length > 0) {
    console.error(`Stale: ${stale.join(", ")}. Run: bun lib/config/_schemas.ts`);
    process.exit(1);
  }
}
