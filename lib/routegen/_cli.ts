/** `bun lib/routegen/_cli.ts` writes routes/_manifest.gen.ts; with `--check` it only says whether it is stale. */
import { routesFolder, writtenManifest } from "./tree.ts";

const { path, current, wanted } = await writtenManifest(routesFolder());
if (current === wanted) {
  console.log("routes/_manifest.gen.ts is up to date");
} else if (process.argv.includes("--check")) {
  console.error('routes/_manifest.gen.ts is stale: run "bun run generate"');
  process.exitCode = 1;
} else {
  await Bun.write(path, wanted);
  console.log("routes/_manifest.gen.ts written");
}
