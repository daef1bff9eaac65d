/** The StartOS package in a folder of its own, with what npm installs for it, and effects that remember what was asked. */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { must } from "../lab/command.ts";

const ROOT = join(import.meta.dir, "../..");

// biome-ignore lint/suspicious/noExplicitAny: modules of another package, with types of their own
export type Loaded = any;

export interface StartosPackage {
  readonly folder: string;
  /** What stands for the volume `main`. */
  readonly volume: string;
  /** An npm script; its output. @throws with its words when it fails */
  npm(script: string, env?: Readonly<Record<string, string>>): Promise<string>;
  load(path: string): Promise<Loaded>;
  close(): void;
}

/** What is committed of `startos/`, copied, so that nothing of a build before is taken for this one's. */
export async function installStartos(): Promise<StartosPackage> {
  const base = mkdtempSync(join(tmpdir(), "spark-startos-"));
  const listed = await must(["git", "ls-files", "--cached", "--others", "--exclude-standard", "startos"], {
    cwd: ROOT,
  });
  for (const file of listed.split("\n").filter((name) => name !== "")) {
    mkdirSync(dirname(join(base, file)), { recursive: true });
    cpSync(join(ROOT, file), join(base, file));
  }
  const folder = join(base, "startos");
  const volume = join(base, "volume");
  mkdirSync(volume);
  const env = { ...process.env, LANG: "en_US.UTF-8" } as Record<string, string>;
  await must(["npm", "ci", "--no-audit", "--no-fund"], { cwd: folder, env });
  const load = (path: string) => import(join(folder, path)) as Promise<Loaded>;
  const { sdk } = await load("startos/sdk.ts");
  // Before the file models are imported: they keep the path.
  sdk.volumes.main.path = volume;
  return {
    folder,
    volume,
    npm: (script, more = {}) => must(["npm", "run", "--silent", script], { cwd: folder, env: { ...env, ...more } }),
    load,
    close: () => rmSync(base, { recursive: true, force: true }),
  };
}

export interface FakeEffects {
  readonly effects: Loaded;
  /** Names of the effects that were asked for, with what they were asked with. */
  readonly asked: { readonly name: string; readonly options: Loaded }[];
  /** What StartOS says of the host, and a change of it. */
  host: Loaded;
  changeHost(host: Loaded): void;
  dataVersion: string | null;
}

/** The SDK ships none. A plain object whose methods are its own: the SDK copies it. */
export function fakeEffects(): FakeEffects {
  const asked: FakeEffects["asked"] = [];
  const callbacks = new Set<() => void>();
  const note =
    (name: string, answer: Loaded = null) =>
    async (options?: Loaded) => {
      asked.push({ name, options });
      return answer;
    };
  const fake: FakeEffects = {
    asked,
    effects: null,
    host: null,
    dataVersion: null,
    changeHost(host) {
      fake.host = host;
      for (const call of [...callbacks]) {
        callbacks.delete(call);
        call();
      }
    },
  };
  const make = (): Loaded => ({
    eventId: "event",
    isInContext: true,
    child: () => make(),
    onLeaveContext: () => undefined,
    clearCallbacks: note("clearCallbacks"),
    constRetry: () => undefined,
    action: {
      export: note("action.export"),
      clear: note("action.clear"),
      createTask: note("action.createTask"),
      clearTasks: note("action.clearTasks"),
      getInput: note("action.getInput"),
      run: note("action.run"),
    },
    bind: note("bind"),
    clearBindings: note("clearBindings"),
    exportServiceInterface: note("exportServiceInterface"),
    clearServiceInterfaces: note("clearServiceInterfaces"),
    setDependencies: note("setDependencies"),
    setInitProgress: note("setInitProgress"),
    setBackupProgress: note("setBackupProgress"),
    getOsIp: async () => "10.0.3.1",
    plugin: { url: { clearUrls: note("clearUrls") } },
    getDataVersion: async () => fake.dataVersion,
    setDataVersion: async ({ version }: { version: string | null }) => {
      fake.dataVersion = version;
      return null;
    },
    getHostInfo: async ({ callback }: { callback?: () => void }) => {
      if (callback) callbacks.add(callback);
      return fake.host;
    },
  });
  return Object.assign(fake, { effects: make() });
}
