/** The StartOS package as it is built: compiled, linted, bundled, complete, in five languages, and packed. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VERSION } from "../../routes/_version.ts";
import { must } from "../lab/command.ts";
import { random } from "../support/random.ts";
import { packS9pk, type Tree } from "./_s9pk.ts";
import { installStartos, type Loaded, type StartosPackage } from "./_startos.ts";

setDefaultTimeout(180_000);

const INSTALL_LIMIT_MS = 300_000;

const RANDOM_FLIPS = 300;
const LANGUAGES = ["de_DE", "en_US", "es_ES", "fr_FR", "pl_PL"];

let startos: StartosPackage;
beforeAll(async () => {
  startos = await installStartos();
}, INSTALL_LIMIT_MS);
afterAll(() => startos?.close());

describe("the build", () => {
  test("compiles, passes the SDK's lint, and bundles to exactly the exports of the ABI", async () => {
    await startos.npm("check");
    await startos.npm("lint");
    await startos.npm("build", { GITEA_URL: "http://git.example.org:3000/", GITEA_REPOSITORY: "alice/spark" });
    const print =
      "const m = require('./javascript/index.js'); console.log(JSON.stringify([Object.keys(m).sort(), m.manifest]))";
    const [names, manifest] = JSON.parse(await must(["node", "-e", print], { cwd: startos.folder })) as [
      string[],
      Loaded,
    ];

    expect(names).toEqual(["actions", "createBackup", "init", "main", "manifest", "uninit"]);
    expect(manifest).toMatchObject({ id: "spark-control", version: VERSION, license: "MIT", volumes: ["main"] });
    // The links that StartOS shows lead to where the package was published.
    const repository = "http://git.example.org:3000/alice/spark";
    expect(manifest).toMatchObject({ packageRepo: repository, upstreamRepo: repository, marketingUrl: repository });
    expect(manifest.images.main).toMatchObject({
      source: { dockerBuild: { workdir: "..", dockerfile: "../Dockerfile" } },
      arch: ["x86_64", "aarch64"],
    });
    // What the Makefile and whoever builds may say of the image is an argument of the Dockerfile.
    const args = Object.keys(manifest.images.main.source.dockerBuild.buildArgs);
    expect(args.sort()).toEqual(["BUILD_IMAGE", "REVISION", "RUNTIME_IMAGE"]);
    for (const name of args) {
      expect(manifest.images.main.source.dockerBuild.buildArgs[name]).toEqual({ env: name });
      expect(readFileSync(join(import.meta.dir, "../../Dockerfile"), "utf8")).toMatch(new RegExp(`^ARG ${name}=`, "m"));
    }
    for (const [texts, most] of [
      [manifest.description.short, 80],
      [manifest.description.long, 500],
      [manifest.releaseNotes, 5_000],
    ] as const) {
      expect(Object.keys(texts).sort()).toEqual(LANGUAGES);
      for (const text of Object.values(texts) as string[]) expect([text, text.length <= most]).toEqual([text, true]);
    }
  });

  test("a repository that cannot be meant fails the build; without one it says that the links lead nowhere", async () => {
    const place = { GITEA_URL: "https://git.example.org/forge/", GITEA_REPOSITORY: "alice/spark" };
    const folder = mkdtempSync(join(tmpdir(), "spark-repository-"));
    const bundle = join(folder, "javascript/index.js");
    mkdirSync(join(folder, "javascript"));
    const run = async (env: Record<string, string>) => {
      writeFileSync(bundle, "module.exports = 'https://git.example.com/owner/spark-control';");
      const ran = Bun.spawn(["node", join(startos.folder, "repository.mjs")], {
        cwd: folder,
        env: { PATH: process.env.PATH ?? "", ...env },
        stdout: "ignore",
        stderr: "pipe",
      });
      const said = await new Response(ran.stderr).text();
      return { exitCode: await ran.exited, said, text: readFileSync(bundle, "utf8") };
    };
    try {
      expect(await run(place)).toMatchObject({
        exitCode: 0,
        text: "module.exports = 'https://git.example.org/forge/alice/spark';",
      });
      for (const wrong of [
        { GITEA_URL: "git.example.org" },
        { GITEA_URL: "file:///x" },
        { GITEA_URL: "https://alice:hunter2@git.example.org" },
        { GITEA_REPOSITORY: "alice/spark'; x" },
      ]) {
        const { exitCode, text, said } = await run({ ...place, ...wrong });
        expect([wrong, exitCode, text.includes("owner/spark-control")]).toEqual([wrong, 1, true]);
        expect(said).not.toContain("hunter2");
      }
      expect(await run({})).toMatchObject({ exitCode: 0, said: expect.stringContaining("lead nowhere") });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("the files around it are as s9pk.mk and start-cli want them", () => {
    const manifestLines = readFileSync(join(startos.folder, "startos/manifest/index.ts"), "utf8").split("\n");
    expect(manifestLines.filter((line) => line.includes("id:"))).toEqual(["  id: 'spark-control',"]);
    const icons = readdirSync(startos.folder).filter((name) => name.startsWith("icon."));
    expect(icons).toHaveLength(1);
    expect(statSync(join(startos.folder, icons[0]!)).size).toBeLessThan(40 * 1024);
    for (const name of ["LICENSE", "README.md", "instructions.md", "Makefile"])
      expect([name, existsSync(join(startos.folder, name))]).toEqual([name, true]);
    expect(readdirSync(join(startos.folder, "assets"))).not.toEqual([]);
    expect(readFileSync(join(startos.folder, "Makefile"), "utf8")).toContain("ARCHES := x86 arm\n");
  });

  test("every text is there in five languages, with the same parameters, and no text is left over", async () => {
    const { default: dictionary } = await startos.load("startos/i18n/dictionaries/default.ts");
    const { default: translations } = await startos.load("startos/i18n/dictionaries/translations.ts");
    const parameters = (text: string) => (text.match(/\$\{\w+\}/g) ?? []).sort();
    expect(["en_US", ...Object.keys(translations)].sort()).toEqual(LANGUAGES);
    for (const [language, texts] of Object.entries(translations as Record<string, Record<number, string>>))
      for (const [text, number] of Object.entries(dictionary as Record<string, number>))
        expect([language, text, parameters(texts[number] ?? "")]).toEqual([language, text, parameters(text)]);

    const sources = [...new Bun.Glob("startos/**/*.ts").scanSync(startos.folder)].filter(
      (file) => !file.includes("i18n"),
    );
    const code = sources.map((file) => readFileSync(join(startos.folder, file), "utf8")).join("\n");
    const unused = Object.keys(dictionary).filter((text) => !code.includes(JSON.stringify(text)));
    expect(unused).toEqual([]);
  });
});

describe("an s9pk", () => {
  /** Of what was built, with a stand-in for the image: the reader does not look into a squashfs. */
  async function packed() {
    const noblePath = "node_modules/@start9labs/start-sdk/node_modules/@noble";
    const noble = existsSync(join(startos.folder, noblePath)) ? noblePath : "node_modules/@noble";
    const { blake3 } = await startos.load(`${noble}/hashes/blake3.js`);
    const { ed25519ph } = await startos.load(`${noble}/curves/ed25519.js`);
    if (!existsSync(join(startos.folder, "javascript/index.js"))) await startos.npm("build");
    const manifest = await must(
      ["node", "-e", "console.log(JSON.stringify(require('./javascript/index.js').manifest))"],
      {
        cwd: startos.folder,
      },
    );
    const file = (name: string) => new Uint8Array(readFileSync(join(startos.folder, name)));
    const text = (value: string) => new TextEncoder().encode(value);
    const image = (arch: string) => ({
      "main.env": text("PATH=/usr/local/bin\n"),
      "main.json": text(JSON.stringify({ entrypoint: ["/usr/local/bin/bun"], workdir: "/app", user: "65532:65532" })),
      "main.squashfs": Uint8Array.from({ length: 4_096 }, (_, at) => (at * 31 + arch.length) % 256),
    });
    const tree: Tree = {
      "manifest.json": text(manifest.trim()),
      "icon.svg": file("icon.svg"),
      "LICENSE.md": file("LICENSE"),
      "instructions.md": file("instructions.md"),
      assets: Object.fromEntries(
        readdirSync(join(startos.folder, "assets")).map((name) => [name, file(`assets/${name}`)]),
      ),
      javascript: Object.fromEntries(
        readdirSync(join(startos.folder, "javascript")).map((name) => [name, file(`javascript/${name}`)]),
      ),
      images: { aarch64: image("aarch64"), x86_64: image("x86_64") },
    };
    return { ...packS9pk(tree, { blake3, ed25519ph }), manifest: JSON.parse(manifest) as Loaded };
  }

  test("of the real bundle is read back whole by the SDK's own reader, and not when one bit has changed anywhere", async () => {
    const { S9pk } = await startos.load("node_modules/@start9labs/start-sdk/lib/index.js");
    const { bytes, sections, files, manifest } = await packed();
    const open = (archive: Uint8Array) => S9pk.deserialize(new Blob([archive as Uint8Array<ArrayBuffer>]), null);
    const everything = async (s9pk: Loaded) => {
      await s9pk.icon();
      await s9pk.license();
      // The large ones last: what is wrong elsewhere is found sooner.
      for (const path of files.toSorted((one, other) => Number(isBundle(one)) - Number(isBundle(other))))
        await s9pk.archive.contents.getPath(path).verifiedFileContents();
      return s9pk.instructions() as Promise<string>;
    };
    const isBundle = ([folder]: readonly string[]) => folder === "javascript";

    const s9pk = await open(bytes);
    expect(s9pk.manifest).toEqual(manifest);
    expect(manifest).toMatchObject({ id: "spark-control", version: VERSION });
    expect(await everything(s9pk)).toBe(readFileSync(join(startos.folder, "instructions.md"), "utf8"));
    const bundle = await s9pk.archive.contents.getPath(["javascript", "index.js"]).verifiedFileContents();
    expect(Buffer.from(bundle).equals(readFileSync(join(startos.folder, "javascript/index.js")))).toBe(true);
    expect(sections.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        "magic and version",
        "signature",
        "table of /",
        "table of /images/x86_64",
        "javascript/index.js",
      ]),
    );

    const seed = Number(process.env.SEED ?? crypto.getRandomValues(new Uint32Array(1))[0]);
    console.log(`s9pk of ${bytes.length} bytes in ${sections.length} sections, flips with seed ${seed}`);
    const next = random(seed);
    const places = [
      ...sections.flatMap(({ start, end }) => [start, Math.floor((start + end) / 2), end - 1]),
      ...Array.from({ length: RANDOM_FLIPS }, () => Math.floor(next() * bytes.length)),
    ];
    const accepted: string[] = [];
    for (const at of places) {
      const bit = 1 << Math.floor(next() * 8);
      const before = bytes[at]!;
      bytes[at] = before ^ bit;
      const outcome = await open(bytes)
        .then(everything)
        .then(
          () => "accepted",
          () => "refused",
        );
      bytes[at] = before;
      const section = sections.find(({ start, end }) => start <= at && at < end)?.name;
      if (outcome === "accepted") accepted.push(`bit ${bit} of byte ${at} (${section})`);
    }
    expect({ seed, accepted }).toEqual({ seed, accepted: [] });
    // Nothing was left changed by the flipping.
    expect((await open(bytes)).manifest.version).toBe(VERSION);
  });
});
