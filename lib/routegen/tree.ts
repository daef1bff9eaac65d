/** Reads routes/ from the disk. */
import { fileURLToPath } from "node:url";
import { renderManifest } from "./render.ts";
import { scanRoutes } from "./scan.ts";

export const routesFolder = () => fileURLToPath(new URL("../../routes/", import.meta.url));

/** Every `.ts` file below the folder, relative to it, with `/` as separator, sorted. */
export async function filesOf(folder: string): Promise<string[]> {
  const files = await Array.fromAsync(new Bun.Glob("**/*.ts").scan({ cwd: folder }));
  return files.map((file) => file.replaceAll("\\", "/")).sort();
}

/** The manifest as it is on the disk (null when missing) and as the tree wants it. @throws RouteTreeError */
export async function writtenManifest(
  folder: string,
): Promise<{ readonly path: string; readonly current: string | null; readonly wanted: string }> {
  const path = `${folder}/_manifest.gen.ts`;
  const file = Bun.file(path);
  const current = (await file.exists()) ? await file.text() : null;
  return { path, current, wanted: renderManifest(scanRoutes(await filesOf(folder))) };
}
