/** A small Gitea: releases of one repository, behind tokens, with the ways in which the real one is awkward. */

export const REPOSITORY = "alice/spark-control";
export const WRITE_TOKEN = "write-token-of-the-test";
export const READ_TOKEN = "read-token-of-the-test";
/** What it was set up as: no machine outside of its network knows the name. */
const OWN_NAME = "http://git.lan.invalid:3000";

/** Head of its main branch. */
export const MAIN_COMMIT = "a".repeat(40);

interface StoredAsset {
  readonly id: number;
  readonly name: string;
  readonly bytes: Uint8Array;
}
interface StoredRelease {
  readonly id: number;
  readonly tag_name: string;
  readonly name: string;
  readonly body: string;
  draft: boolean;
  readonly assets: StoredAsset[];
}

export interface FakeGitea {
  readonly url: string;
  readonly releases: StoredRelease[];
  /** Commits by tag, and all commits that were pushed. */
  readonly tags: Map<string, string>;
  readonly commits: Set<string>;
  /** `METHOD path` of everything that was asked. */
  readonly asked: string[];
  /** Uploads of this name keep only half of it, and their connection is cut; null: no more. */
  cutUploads(name: string | null): void;
  /** Files whose name has this in it are answered 500. */
  refuseDownloads(part: string): void;
  close(): Promise<void>;
}

export function startGitea(): FakeGitea {
  const releases: StoredRelease[] = [];
  const asked: string[] = [];
  const tags = new Map<string, string>();
  const commits = new Set([MAIN_COMMIT]);
  let cut: string | null = null;
  let refused: string | null = null;
  let ids = 0;
  const nextId = () => ++ids;
  const uuidOf = (id: number) => `00000000-0000-4000-8000-${String(id).padStart(12, "0")}`;
  const shown = (release: StoredRelease) => {
    // Two of one name, and it names all of the release by number.
    const isUnique = new Set(release.assets.map(({ name }) => name)).size === release.assets.length;
    return {
      ...release,
      assets: release.assets.map(({ id, name, bytes }) => ({
        id,
        name,
        size: bytes.length,
        browser_download_url: isUnique
          ? `${OWN_NAME}/${REPOSITORY}/releases/download/${release.tag_name}/${name}`
          : `${OWN_NAME}/attachments/${uuidOf(id)}`,
      })),
    };
  };
  const not = (status: number) => Response.json({ message: "no" }, { status });

  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname, searchParams } = new URL(request.url);
      const { method } = request;
      asked.push(`${method} ${pathname}`);
      const token = /^token (.+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
      const mayWrite = token === WRITE_TOKEN;
      if (!mayWrite && token !== READ_TOKEN) return not(401);
      if (method !== "GET" && !mayWrite) return not(403);

      const download = new RegExp(`^/${REPOSITORY}/releases/download/([^/]+)/([^/]+)$`).exec(pathname);
      if (download) {
        const release = releases.find((one) => one.tag_name === download[1] && (!one.draft || mayWrite));
        const asset = release?.assets.find(({ name }) => name === decodeURIComponent(download[2]!));
        if (asset && refused !== null && asset.name.includes(refused)) return not(500);
        return asset ? new Response(asset.bytes as Uint8Array<ArrayBuffer>) : not(404);
      }
      const attached = /^\/attachments\/(.+)$/.exec(pathname)?.[1];
      if (attached) {
        const isSeen = ({ draft }: StoredRelease) => !draft || mayWrite;
        const asset = releases
          .filter(isSeen)
          .flatMap(({ assets }) => assets)
          .find(({ id }) => uuidOf(id) === attached);
        return asset ? new Response(asset.bytes as Uint8Array<ArrayBuffer>) : not(404);
      }
      const ofGit = new RegExp(`^/api/v1/repos/${REPOSITORY}/(tags|git/commits)/(.+)$`).exec(pathname);
      if (ofGit) {
        const sha = ofGit[1] === "tags" ? tags.get(decodeURIComponent(ofGit[2]!)) : ofGit[2];
        return sha !== undefined && commits.has(sha) ? Response.json({ sha, commit: { sha } }) : not(404);
      }
      const base = `/api/v1/repos/${REPOSITORY}/releases`;
      if (!pathname.startsWith(base)) return not(404);
      const [id, part, assetId] = pathname.slice(base.length).split("/").slice(1);
      if (id === undefined) {
        if (method === "POST") {
          const { tag_name, name, body, draft } = (await request.json()) as StoredRelease;
          if (releases.some((one) => one.tag_name === tag_name)) return not(409);
          releases.unshift({ id: nextId(), tag_name, name, body, draft, assets: [] });
          return Response.json(shown(releases[0]!), { status: 201 });
        }
        const [page, limit] = [Number(searchParams.get("page")), Number(searchParams.get("limit"))];
        const visible = releases.filter(({ draft }) => !draft || mayWrite);
        return Response.json(visible.slice((page - 1) * limit, page * limit).map(shown));
      }
      if (id === "latest") {
        const latest = releases.find(({ draft }) => !draft);
        return latest ? Response.json(shown(latest)) : not(404);
      }
      const release = releases.find((one) => one.id === Number(id));
      if (!release) return not(404);
      if (method === "PATCH") {
        const { draft, target_commitish } = (await request.json()) as { draft: boolean; target_commitish?: string };
        release.draft = draft;
        if (!draft && !tags.has(release.tag_name)) tags.set(release.tag_name, target_commitish ?? MAIN_COMMIT);
        return Response.json(shown(release));
      }
      if (part === "assets" && method === "POST") {
        const name = searchParams.get("name") ?? "";
        const file = (await request.formData()).get("attachment");
        if (!(file instanceof Blob)) return not(422);
        const bytes = new Uint8Array(await file.arrayBuffer());
        const isCut = cut === name;
        release.assets.push({ id: nextId(), name, bytes: isCut ? bytes.slice(0, bytes.length / 2) : bytes });
        if (!isCut) return Response.json(shown(release).assets.at(-1), { status: 201 });
        // An answer that ends before its end.
        const nothing = new ReadableStream({ start: (controller) => controller.close() });
        return new Response(nothing, { status: 201, headers: { "content-length": "1000" } });
      }
      if (part === "assets" && method === "DELETE") {
        const at = release.assets.findIndex((asset) => asset.id === Number(assetId));
        if (at < 0) return not(404);
        release.assets.splice(at, 1);
        return new Response(null, { status: 204 });
      }
      return not(405);
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    releases,
    tags,
    commits,
    asked,
    cutUploads(name) {
      cut = name;
    },
    refuseDownloads(part) {
      refused = part;
    },
    close: () => server.stop(true),
  };
}
