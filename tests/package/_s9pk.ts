/**
 * Packs an `.s9pk` of version 2 as start-cli does it: a merkle archive of BLAKE3 hashes, signed with ed25519ph. Only to have
 * the SDK's own reader look at what was built; it is not how a release is made. What differs from one of start-cli: the bundle lies
 * there as a file and not in a squashfs, and the image is whatever the caller gives.
 */
import type { Loaded } from "./_startos.ts";

export type Tree = { readonly [name: string]: Uint8Array | Tree };

/** What is needed of the noble packages that the SDK brings. */
export interface Noble {
  blake3(data: Uint8Array): Uint8Array;
  readonly ed25519ph: Loaded;
}

const MAGIC = Uint8Array.of(59, 59, 2);
const HEADER = [
  ["magic and version", MAGIC.length],
  ["public key", 32],
  ["signature", 64],
  ["hash of the root", 32],
  ["size of the root, as signed", 8],
  ["place of the root", 8],
  ["size of the root", 8],
] as const;
const HEADER_BYTES = HEADER.reduce((sum, [, bytes]) => sum + bytes, 0);

/** A part of the archive. */
export interface Section {
  readonly name: string;
  readonly start: number;
  /** The first byte behind it. */
  readonly end: number;
}

export interface Packed {
  readonly bytes: Uint8Array;
  /** Without a gap, in order. */
  readonly sections: readonly Section[];
  /** Paths of the files. */
  readonly files: readonly (readonly string[])[];
}

const u64 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
};

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Uint8Array.from([...bytes, rest]);
}

const joined = (parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts).subarray();
const text = (value: string) => new TextEncoder().encode(value);

interface Placed {
  readonly hash: Uint8Array;
  readonly size: number;
  /** Of the entry in its folder's table, after hash and size. */
  readonly tail: Uint8Array;
}

export function packS9pk(tree: Tree, { blake3, ed25519ph }: Noble): Packed {
  const bodies: Uint8Array[] = [];
  const sections: Section[] = [];
  const files: (readonly string[])[] = [];
  let end = 0;
  const note = (name: string, bytes: number): number => {
    const start = end;
    end += bytes;
    sections.push({ name, start, end });
    return start;
  };
  const place = (name: string, bytes: Uint8Array): number => {
    bodies.push(bytes);
    return note(name, bytes.length);
  };
  for (const [name, bytes] of HEADER) note(name, bytes);

  const folder = (
    children: Tree,
    path: readonly string[],
  ): Placed & { readonly at: number; readonly length: number } => {
    const names = Object.keys(children).sort();
    const entries = names.map((name) => ({ name, ...entry(children[name]!, [...path, name]) }));
    const hash = blake3(
      joined([
        varint(names.length),
        ...entries.flatMap(({ name, hash, size }) => [
          varint(text(name).length),
          text(name),
          hash,
          u64(size),
          Uint8Array.of(0),
        ]),
      ]),
    );
    const table = joined([
      varint(names.length),
      ...entries.flatMap(({ name, hash, size, tail }) => [
        varint(text(name).length),
        text(name),
        hash,
        u64(size),
        tail,
      ]),
    ]);
    const at = place(`table of /${path.join("/")}`, table);
    return {
      hash,
      size: table.length,
      at,
      length: table.length,
      tail: joined([Uint8Array.of(2), u64(at), u64(table.length)]),
    };
  };
  const entry = (content: Uint8Array | Tree, path: readonly string[]): Placed => {
    if (!(content instanceof Uint8Array)) return folder(content, path);
    files.push(path);
    const at = place(path.join("/"), content);
    return { hash: blake3(content), size: content.length, tail: joined([Uint8Array.of(1), u64(at)]) };
  };

  const root = folder(tree, []);
  const key = crypto.getRandomValues(new Uint8Array(32));
  const maxSize = u64(root.length);
  const signature = ed25519ph.sign(joined([root.hash, maxSize]), key, { context: text("s9pk") }) as Uint8Array;
  const header = [MAGIC, ed25519ph.getPublicKey(key), signature, root.hash, maxSize, u64(root.at), u64(root.length)];
  const bytes = joined([...header, ...bodies]);
  if (header.reduce((sum, part) => sum + part.length, 0) !== HEADER_BYTES || bytes.length !== end)
    throw new Error("the sections do not add up to the archive");
  return { bytes, sections, files };
}
