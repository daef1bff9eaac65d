/** A tar as `docker buildx build --output type=docker` writes it, with one layer, by the system's own tar. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BLOBS = "blobs/sha256";

/** @param images what its manifest.json says, if not the one image */
export function imageTar(labels: Readonly<Record<string, string>>, images?: readonly unknown[]): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "spark-image-tar-"));
  const at = (name: string) => join(folder, name);
  const blob = (text: string) => {
    const name = `${BLOBS}/${new Bun.CryptoHasher("sha256").update(text).digest("hex")}`;
    writeFileSync(at(name), text);
    return name;
  };
  try {
    mkdirSync(at(BLOBS), { recursive: true });
    const layer = blob("layer".repeat(1000));
    const config = blob(JSON.stringify({ architecture: "arm64", config: { User: "65532", Labels: labels } }));
    const manifest = images ?? [{ Config: config, RepoTags: ["spark-control:1"], Layers: [layer] }];
    writeFileSync(at("manifest.json"), JSON.stringify(manifest));
    writeFileSync(at("oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
    const { exitCode } = Bun.spawnSync([
      "tar",
      "-C",
      folder,
      "-cf",
      at("image.tar"),
      "blobs",
      "manifest.json",
      "oci-layout",
    ]);
    if (exitCode !== 0) throw new Error(`tar ended with ${exitCode}`);
    return readFileSync(at("image.tar"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
