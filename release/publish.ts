/** Publishes files as one release: what is there is kept, what is half there is replaced, and nothing is seen before all is there. */
import { basename } from "node:path";
import { type Gitea, GiteaError, type Release } from "./gitea.ts";

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
  /** What the files were made of, as a full hash; null: it is not known. */
  readonly commit: string | null;
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
 * SHA256SUMS of a draft names the files that have been sent whole: what it does not name is sent again, whatever its size.
 * @param dryRun asks, but changes nothing
 * @param say one line for each step
 * @throws GiteaError; run again, it goes on where it was
 */
export async function publish(
  gitea: Gitea,
  { tag, name, notes, commit, files }: Publication,
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
  await checkCommit(gitea, tag, commit);
  say(found ? `${tag}: going on with the draft` : `${tag}: a new draft`);
  const release = found ?? (dryRun ? null : await gitea.create(tag, name, notes));
  const assetsOf = (file: string) => (release?.assets ?? []).filter((asset) => asset.name === file);
  const isWhole = (file: ReleaseFile) => {
    const [asset, ...others] = assetsOf(file.name);
    const isNamed = there?.includes(`${file.sha256}  ${file.name}\n`) ?? false;
    return isNamed && others.length === 0 && asset?.size === file.size;
  };
  const done = files.filter(isWhole);
  let sumsAssets = assetsOf(CHECKSUMS);
  for (const file of files) await put(file);
  say(`${CHECKSUMS}: of ${files.length} files`);
  if (dryRun || !release) return say("dry run: nothing was changed");
  // With it naming all of them the draft is complete.
  await note(release.id, files);
  await settle(
    gitea,
    tag,
    new Map([...files.map((file) => [file.name, file.size] as const), [CHECKSUMS, sums.length]]),
  );
  await gitea.publish(release.id, commit);
  say(`${tag} is published`);

  async function put(file: ReleaseFile): Promise<void> {
    const megabytes = `${(file.size / 1e6).toFixed(1)} MB`;
    if (done.includes(file)) return say(`${file.name}: is there`);
    const before = assetsOf(file.name);
    say(`${file.name}: ${before.length > 0 ? "replaced" : "uploaded"}, ${megabytes}`);
    if (dryRun || !release) return;
    for (const { id } of before) await gitea.remove(release.id, id);
    const { size } = await gitea.upload(release.id, file.name, Bun.file(file.path));
    if (size !== file.size) throw new GiteaError(`${file.name} did not arrive whole. Run it again.`);
    done.push(file);
    if (done.length < files.length) await note(release.id, done);
  }

  async function note(id: number, whole: readonly ReleaseFile[]): Promise<void> {
    for (const { id: asset } of sumsAssets) await gitea.remove(id, asset);
    sumsAssets = [await gitea.upload(id, CHECKSUMS, new Blob([checksums(whole)]))];
  }
}

/** The tag is of what the files were made of, or nothing is published. */
async function checkCommit(gitea: Gitea, tag: string, commit: string | null): Promise<void> {
  if (commit === null) return;
  const tagged = await gitea.tagged(tag);
  if (tagged !== null && tagged !== commit)
    throw new GiteaError(
      `The tag ${tag} is there already, on ${tagged.slice(0, 12)}; this is ${commit.slice(0, 12)}. Check that one out, or bump the version.`,
    );
  if (tagged === null && !(await gitea.hasCommit(commit)))
    throw new GiteaError(`Gitea does not have the commit ${commit.slice(0, 12)}. Push it first.`);
}

/**
 * A request that broke off may have been sent twice, and Gitea keeps both: each file is there once, and whole, or nothing is
 * published. Of somebody else's files the newest stays: with two of a name Gitea would name none of the release by its name.
 */
async function settle(gitea: Gitea, tag: string, sizes: ReadonlyMap<string, number>): Promise<void> {
  const release = await gitea.release(tag);
  const assets = release?.assets ?? [];
  for (const name of new Set([...sizes.keys(), ...assets.map((asset) => asset.name)])) {
    const size = sizes.get(name);
    const [best, ...others] = assets
      .filter((asset) => asset.name === name)
      .sort((a, b) => Number(b.size === size) - Number(a.size === size) || b.id - a.id);
    if (!release || (size !== undefined && best?.size !== size))
      throw new GiteaError(`${name} is not whole there. Run it again.`);
    for (const { id } of others) await gitea.remove(release.id, id);
  }
}

/** The newest, should there be two. */
async function sumsOf(gitea: Gitea, { assets }: Release): Promise<string | null> {
  const [asset] = assets.filter(({ name }) => name === CHECKSUMS).sort((a, b) => b.id - a.id);
  return asset ? gitea.text(asset) : null;
}
