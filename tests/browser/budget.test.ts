/** What a visitor has to fetch before anything works. */
import { beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipped } from "../../lib/http/static-files.ts";
import { buildDashboard } from "../../public/_build.ts";

/** Scripts and styles, compressed as they are served; fonts apart. */
const BUDGET_BYTES = 60_000;

setDefaultTimeout(60_000);

let sizes: { readonly name: string; readonly plain: number; readonly compressed: number }[];
beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), "spark-budget-"));
  await buildDashboard(folder);
  sizes = await Promise.all(
    readdirSync(folder)
      .filter((name) => /\.(js|css)$/.test(name))
      .map(async (name) => {
        const bytes = await Bun.file(join(folder, name)).bytes();
        return { name, plain: bytes.byteLength, compressed: gzipped(bytes).byteLength };
      }),
  );
  rmSync(folder, { recursive: true });
});

test("scripts and styles stay under 60 KB compressed", () => {
  const sum = sizes.reduce((total, { compressed }) => total + compressed, 0);
  console.log(
    sizes.map(({ name, plain, compressed }) => `${name}: ${plain} bytes, ${compressed} compressed`).join("\n"),
  );
  console.log(`together ${(sum / 1000).toFixed(1)} KB of ${BUDGET_BYTES / 1000} KB`);
  expect(sizes.map(({ name }) => name.split("-")[0]).sort()).toContain("worker");
  expect(sum).toBeLessThan(BUDGET_BYTES);
});
