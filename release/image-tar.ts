/** What an image says of itself by its labels, out of the tar that `docker load` takes. The layers are passed over. */
import { closeSync, openSync, readSync } from "node:fs";
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import type { PackageManifest } from "./s9pk.ts";

const LABEL = "org.opencontainers.image";
const ManifestSchema = Type.Array(Type.Object({ Config: Type.String() }), { minItems: 1, maxItems: 1 });
const ConfigSchema = Type.Object({
  config: Type.Object({
    Labels: Type.Object({ [`${LABEL}.version`]: Type.String(), [`${LABEL}.revision`]: Type.Optional(Type.String()) }),
  }),
});
const BLOCK = 512;
const MOST_BYTES = 4 * 1024 * 1024;

/** @returns null: this is no tar of one image, or the image does not say its version */
export function readImage(path: string): PackageManifest | null {
  const file = openSync(path, "r");
  const read = (at: number, length: number): Buffer => {
    if (!(length <= MOST_BYTES)) throw new RangeError("too long");
    const bytes = Buffer.alloc(length);
    if (readSync(file, bytes, 0, length, at) < length) throw new RangeError("it ends before");
    return bytes;
  };
  /** @throws RangeError, SyntaxError */
  function json<Schema extends TSchema>(name: string, schema: Schema): Static<Schema> {
    for (let at = 0; ; ) {
      const header = read(at, BLOCK);
      const text = (from: number, to: number) => header.toString("utf8", from, to).split("\0")[0]!;
      // The end of the tar says none.
      const size = Number.parseInt(text(124, 136), 8);
      if (!(size >= 0)) throw new RangeError("there is no such file");
      if (text(0, 100) !== name) at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
      else {
        const value: unknown = JSON.parse(read(at + BLOCK, size).toString("utf8"));
        if (Value.Check(schema, value)) return value;
        throw new RangeError("it says something else");
      }
    }
  }
  try {
    const { Labels } = json(json("manifest.json", ManifestSchema)[0]!.Config, ConfigSchema).config;
    return { version: Labels[`${LABEL}.version`]!, gitHash: Labels[`${LABEL}.revision`] ?? null };
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) return null;
    throw error;
  } finally {
    closeSync(file);
  }
}
