/** The StartOS package for the tests of a file: a fresh volume and fresh effects for each, actions run as StartOS runs them. */
import { afterAll, beforeAll, beforeEach } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FakeEffects, fakeEffects, installStartos, type Loaded, type StartosPackage } from "./_startos.ts";

const INSTALL_LIMIT_MS = 300_000;

export interface StartosBench {
  readonly package: StartosPackage;
  readonly fake: FakeEffects;
  volumeFile(name: string): string;
  read(name: string): string;
  write(name: string, text: string): void;
  /** What the effect was asked with, each time. */
  asked(name: string): Loaded[];
  action(id: string): Promise<Loaded>;
  /** As StartOS does it: the form is asked for first. */
  run(id: string, input?: Loaded): Promise<Loaded>;
}

export function useStartos(): StartosBench {
  let startos: StartosPackage;
  let fake: FakeEffects;
  beforeAll(async () => {
    startos = await installStartos();
  }, INSTALL_LIMIT_MS);
  afterAll(() => startos?.close());
  beforeEach(() => {
    rmSync(startos.volume, { recursive: true, force: true });
    mkdirSync(startos.volume);
    fake = fakeEffects();
  });
  const bench: StartosBench = {
    get package() {
      return startos;
    },
    get fake() {
      return fake;
    },
    volumeFile: (name) => join(startos.volume, name),
    read: (name) => readFileSync(bench.volumeFile(name), "utf8"),
    write: (name, text) => writeFileSync(bench.volumeFile(name), text),
    asked: (name) => fake.asked.filter((one) => one.name === name).map(({ options }) => options),
    async action(id) {
      const { actions } = await startos.load("startos/actions/index.ts");
      return actions.get(id);
    },
    async run(id, input = {}) {
      const it = await bench.action(id);
      await it.exportMetadata({ effects: fake.effects });
      await it.getInput({ effects: fake.effects, prefill: null });
      return it.run({ effects: fake.effects, input });
    },
  };
  return bench;
}
