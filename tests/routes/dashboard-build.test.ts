/** Builds of the dashboard into one folder, one beside the other: tests and a server do so. */
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BUILD = join(import.meta.dir, "../../public/_build.ts");
const folder = mkdtempSync(join(tmpdir(), "spark-build-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** In a process of its own. @returns what it said when it failed */
async function build(): Promise<string> {
  const script = `await (await import(${JSON.stringify(BUILD)})).buildDashboard(${JSON.stringify(folder)})`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "ignore", stderr: "pipe" });
  const said = await new Response(child.stderr).text();
  return (await child.exited) === 0 ? "" : said;
}

test("what another process is writing stays; what is of an older build, or of one that is gone, does not", async () => {
  const gone = Bun.spawn(["true"]);
  await gone.exited;
  for (const name of ["app-older.js", `page-models.html.${gone.pid}`, `page-models.html.${process.pid}`])
    writeFileSync(join(folder, name), "");

  expect(await build()).toBe("");

  const names = readdirSync(folder);
  expect(names).toContain(`page-models.html.${process.pid}`);
  expect(names.filter((name) => name === "app-older.js" || name.endsWith(`.${gone.pid}`))).toEqual([]);
  rmSync(join(folder, `page-models.html.${process.pid}`));
});

test("several at once all come to an end, with the same files", async () => {
  for (let number = 0; number < 200; number++) writeFileSync(join(folder, `app-older${number}.js`), "");

  expect(await Promise.all([build(), build(), build()])).toEqual(["", "", ""]);

  expect(readdirSync(folder).filter((name) => /older|\.\d+$/.test(name))).toEqual([]);
  expect(existsSync(join(folder, "pages.json"))).toBe(true);
});
