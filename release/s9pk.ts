/** What a StartOS package says of itself. Only its manifest is looked for: whether the archive is sound is the server's to find out. */
import { closeSync, openSync, readSync } from "node:fs";
import { type Static, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";

const ManifestSchema = Type.Object({
  version: Type.String(),
  /** Of the checkout that it was packed in; `-modified` behind it: with changes. */
  gitHash: Type.Optional(Type.Union([Type.String(), Type.Null()])),
});
export type PackageManifest = Static<typeof ManifestSchema>;

/** Version 2. */
const MAGIC = Buffer.from([0x3b, 0x3b, 2]);
/** Behind magic, public key, signature, hash of the root and its size as signed: where the table of the root is, and how long. */
const ROOT_AT = MAGIC.length + 32 + 64 + 32 + 8;
const HASH_AND_SIZE = 32 + 8;
const [FILE, FOLDER] = [1, 2];
const MOST_BYTES = 4 * 1024 * 1024;

/** @returns null: this is no package of version 2, or it has no manifest that says its version */
export function readManifest(path: string): PackageManifest | null {
  const file = openSync(path, "r");
  try {
    const read = (at: number, length: number): Buffer => {
      if (length > MOST_BYTES) throw new RangeError("too long");
      const bytes = Buffer.alloc(length);
      if (readSync(file, bytes, 0, length, at) < length) throw new RangeError("it ends before");
      return bytes;
    };
    if (!read(0, MAGIC.length).equals(MAGIC)) return null;
    const root = read(ROOT_AT, 16);
    const place = placeIn(read(long(root, 0), long(root, 8)), "manifest.json");
    const manifest: unknown = place && JSON.parse(read(place.at, place.length).toString("utf8"));
    return Value.Check(ManifestSchema, manifest) ? manifest : null;
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) return null;
    throw error;
  } finally {
    closeSync(file);
  }
}

/** A table: how many entries, and of each its name, hash, size, kind and place. @throws RangeError when it is none */
function placeIn(table: Buffer, wanted: string): { at: number; length: number } | null {
  let at = 0;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = table.readUInt8(at++);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  for (let left = number(); left > 0; left--) {
    const length = number();
    const name = table.toString("utf8", at, at + length);
    const size = long(table, at + length + 32);
    at += length + HASH_AND_SIZE;
    const kind = table.readUInt8(at++);
    if (name === wanted && kind === FILE) return { at: long(table, at), length: size };
    at += kind === FOLDER ? 16 : kind === FILE ? 8 : 0;
  }
  return null;
}

const long = (bytes: Buffer, at: number): number => Number(bytes.readBigUInt64BE(at));
