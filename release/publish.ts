/** Publishes files as one release: what is there is kept, what is half there is replaced, and nothing is seen before all is there. */
import { basename } from "node:path";
import { type Asset, type Gitea, GiteaError, type Release } from "./gitea.ts";

export const CHECKSUMS = "SHA256SUMS";

export interface ReleaseFile {
  readonly name: string;
  readonly path: string;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly size: number;
}

export interface Publication {
  readonly tag: string;
  readonly name: string;
  readonly notes: string;
  readonly files: readonly ReleaseFile[];
}

export async function releaseFile(path: string): Promise<ReleaseFile> {
  const hasher = new Bun.CryptoHasher("sha256");
  const file = Bun.file(path);
  for await (const chunk of file.stream()) hasher.update(chunk);
  return { name: basename(path), path, sha256: hasher.digest("hex"), size: file.size };
}

/** As `sha256sum` writes and checks it. */
export const checksums = (files: readonly ReleaseFile[]): string =>
  [...files]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ sha256, name }) => `${sha256}  ${name}\n`)
    .join("");

/**
 * @param dryRun asks, but changes nothing
 * @param say one line for each step
 * @throws GiteaError; run again, it goes on where it was
 */
export async function publish(
  gitea: Gitea,
  { tag, name, notes, files }: Publication,
  { dryRun = false, say }: { dryRun?: boolean; say(line: string): void },
): Promise<void> {
  const sums = checksums(files);
  const found = await gitea.release(tag);
  const there = found ? await sumsOf(gitea, found) : null;
  if (found && !found.draft) {
    if (there === sums) return say(`${tag} is published already, with the same files.`);
    throw new GiteaError(
      `${tag} is published already, with other files. What is published does not change: bump the version.`,
    );
  }
  say(found ? `${tag}: going on with the draft` : `${tag}: a new draft`);
  const release = found ?? (dryRun ? null : await gitea.create(tag, name, notes));
  const assets = new Map((release?.assets ?? []).map((asset) => [asset.name, asset]));
  for (const file of files) await put(file, assets.get(file.name));
  const sumsAsset = assets.get(CHECKSUMS);
  if (sumsAsset && release && !dryRun) await gitea.remove(release.id, sumsAsset.id);
  say(`${CHECKSUMS}: of ${files.length} files`);
  if (dryRun || !release) return say("dry run: nothing was changed");
  // The last file: with it the draft is complete.
  await gitea.upload(release.id, CHECKSUMS, new Blob([sums]));
  await settle(gitea, tag, [
    ...files.map(({ name: file, size }) => ({ name: file, size })),
    { name: CHECKSUMS, size: sums.length },
  ]);
  await gitea.publish(release.id);
  say(`${tag} is published`);

  async function put(file: ReleaseFile, asset: Asset | undefined): Promise<void> {
    const megabytes = `${(file.size / 1e6).toFixed(1)} MB`;
    // Its sum is known only of a draft that was complete once; else the size tells a broken upload from a whole one.
    const isSame = asset?.size === file.size && (there === null || there.includes(`${file.sha256}  ${file.name}\n`));
    if (isSame) return say(`${file.name}: is there`);
    say(`${file.name}: ${asset ? "replaced" : "uploaded"}, ${megabytes}`);
    if (dryRun || !release) return;
    if (asset) await gitea.remove(release.id, asset.id);
    await gitea.upload(release.id, file.name, Bun.file(file.path));
  }
}

/** A request that broke off may have been sent twice, and Gitea keeps both: each file is there once, and whole, or nothing is published. */
async function settle(gitea: Gitea, tag: string, files: readonly Pick<ReleaseFile, "name" | "size">[]): Promise<void> {
  const release = await gitea.release(tag);
  for (const { name, size } of files) {
    const [whole, ...others] = (release?.assets ?? [])
      .filter((asset) => asset.name === name)
      .sort((a, b) => Number(b.size === size) - Number(a.size === size));
    if (!release || whole?.size !== size) throw new GiteaError(`${name} is not whole there. Run it again.`);
    for (const { id } of others) await gitea.remove(release.id, id);
  }
}

async function sumsOf(gitea: Gitea, { assets }: Release): Promise<string | null> {
  const asset = assets.find(({ name }) => name === CHECKSUMS);
  return asset ? gitea.text(asset) : null;
}
