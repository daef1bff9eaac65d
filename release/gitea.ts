/** The part of Gitea's API that a release needs (https://docs.gitea.com/api). */

export interface Asset {
  readonly id: number;
  readonly name: string;
  readonly size: number;
  readonly browser_download_url: string;
}

export interface Release {
  readonly id: number;
  readonly tag_name: string;
  readonly draft: boolean;
  readonly assets: readonly Asset[];
}

export interface GiteaPlace {
  /** As it is reached from here: `https://git.example.com`, with a path if it has one. */
  readonly url: string;
  readonly token: string;
  /** `owner/name`. */
  readonly repository: string;
}

export class GiteaError extends Error {
  override readonly name = "GiteaError";
}

const ANSWER_LIMIT_MS = 30_000;
/** An image of 150 MB over a slow uplink. */
const UPLOAD_LIMIT_MS = 1_800_000;
const PAGE = 50;
const MOST_PAGES = 40;

/** @throws GiteaError when the settings cannot be meant */
export function giteaPlace(env: Readonly<Record<string, string | undefined>>): GiteaPlace {
  const said = (name: string) => {
    const value = env[name]?.trim();
    if (!value) throw new GiteaError(`Set ${name}.`);
    return value;
  };
  const url = said("GITEA_URL").replace(/\/+$/, "");
  if (!/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : ""))
    throw new GiteaError("GITEA_URL is not an http address.");
  if (new URL(url).username || new URL(url).password)
    throw new GiteaError("GITEA_URL has a login in it. Take it out: GITEA_TOKEN is what is sent.");
  const repository = said("GITEA_REPOSITORY");
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository)) throw new GiteaError("GITEA_REPOSITORY is not of the form owner/name.");
  return { url, repository, token: said("GITEA_TOKEN") };
}

export class Gitea {
  constructor(private readonly place: GiteaPlace) {}

  /** Drafts too. Null: there is none. */
  async release(tag: string): Promise<Release | null> {
    for (let page = 1; page <= MOST_PAGES; page++) {
      const releases = await this.#json<Release[]>("GET", `releases?page=${page}&limit=${PAGE}`);
      const found = releases.find(({ tag_name }) => tag_name === tag);
      if (found) return found;
      if (releases.length === 0) return null;
    }
    return null;
  }

  /** The commit of a tag; null: there is no such tag. */
  async tagged(tag: string): Promise<string | null> {
    const answer = await this.#ask("GET", `tags/${encodeURIComponent(tag)}`, {}, ANSWER_LIMIT_MS, true);
    return answer === null ? null : (await read<{ commit: { sha: string } }>(answer)).commit.sha;
  }

  async hasCommit(sha: string): Promise<boolean> {
    const path = `git/commits/${sha}?stat=false&verification=false&files=false`;
    const answer = await this.#ask("GET", path, {}, ANSWER_LIMIT_MS, true);
    await answer?.body?.cancel();
    return answer !== null;
  }

  /** As a draft: nobody gets it as the latest while files are missing, and its tag is not made before. */
  create(tag: string, name: string, body: string): Promise<Release> {
    return this.#json("POST", "releases", { tag_name: tag, name, body, draft: true, prerelease: false });
  }

  /** @param commit that the tag is made of; null: Gitea takes its main branch */
  publish(id: number, commit: string | null): Promise<Release> {
    return this.#json("PATCH", `releases/${id}`, {
      draft: false,
      ...(commit === null ? {} : { target_commitish: commit }),
    });
  }

  async upload(id: number, name: string, file: Blob): Promise<Asset> {
    const form = new FormData();
    form.append("attachment", file, name);
    const path = `releases/${id}/assets?name=${encodeURIComponent(name)}`;
    return read(await this.#ask("POST", path, { body: form }, UPLOAD_LIMIT_MS));
  }

  async remove(id: number, asset: number): Promise<void> {
    await this.#ask("DELETE", `releases/${id}/assets/${asset}`);
  }

  async text(asset: Asset): Promise<string> {
    return (await this.#fetch("GET", hereOf(asset.browser_download_url, this.place), {}, ANSWER_LIMIT_MS)).text();
  }

  async #json<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const json =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
    return read(await this.#ask(method, path, json));
  }

  #ask(method: string, path: string, init?: RequestInit, limitMs?: number): Promise<Response>;
  #ask(method: string, path: string, init: RequestInit, limitMs: number, mayMiss: true): Promise<Response | null>;
  #ask(method: string, path: string, init: RequestInit = {}, limitMs = ANSWER_LIMIT_MS, mayMiss = false) {
    const { url, repository } = this.place;
    return this.#fetch(method, `${url}/api/v1/repos/${repository}/${path}`, init, limitMs, mayMiss);
  }

  /** @param mayMiss null for what is not there */
  async #fetch(
    method: string,
    url: string,
    init: RequestInit,
    limitMs: number,
    mayMiss: true,
  ): Promise<Response | null>;
  async #fetch(method: string, url: string, init: RequestInit, limitMs: number, mayMiss?: boolean): Promise<Response>;
  async #fetch(method: string, url: string, init: RequestInit, limitMs: number, mayMiss = false) {
    const headers = { ...init.headers, authorization: `token ${this.place.token}` };
    let answer: Response;
    try {
      // Not followed: the token would go along to wherever it points.
      answer = await fetch(url, { ...init, method, headers, redirect: "manual", signal: AbortSignal.timeout(limitMs) });
    } catch (cause) {
      throw new GiteaError(`${method} ${new URL(url).pathname} broke off. Run it again: what is there is kept.`, {
        cause,
      });
    }
    if (answer.ok) return answer;
    await answer.body?.cancel();
    if (mayMiss && answer.status === 404) return null;
    if (answer.status === 401 || answer.status === 403)
      throw new GiteaError("Gitea refuses GITEA_TOKEN. It needs write access to the repository's releases.");
    throw new GiteaError(`${method} ${new URL(url).pathname} was answered ${answer.status}.`);
  }
}

const brokenOff = (cause: unknown) =>
  new GiteaError("The connection to Gitea broke off. Run it again: what is there is kept.", { cause });

async function read<Answer>(answer: Response): Promise<Answer> {
  let value: Answer | null | undefined;
  try {
    value = (await answer.json()) as Answer | null | undefined;
  } catch (cause) {
    throw brokenOff(cause);
  }
  // An answer that ended before its first byte is not always an error.
  if (value === null || value === undefined) throw brokenOff(undefined);
  return value;
}

/**
 * Where a file is from here. Gitea makes its addresses of the name that it was set up with, which may be known on its own
 * network only: what counts is the address that was used to ask. As soon as two files of a release share a name, it names all of
 * them by number.
 */
export function hereOf(downloadUrl: string, { url, repository }: Pick<GiteaPlace, "url" | "repository">): string {
  const { pathname } = new URL(downloadUrl);
  const named = pathname.indexOf(`/${repository}/releases/download/`);
  const at = named < 0 ? pathname.search(/\/attachments\/[0-9a-f-]{36}$/) : named;
  if (at < 0) throw new GiteaError("Gitea names a file that is not of this repository's releases.");
  return url + pathname.slice(at);
}
