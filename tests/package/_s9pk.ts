/**
 * Packs an `.s9pk` of version 2 as start-cli does it: a merkle archive of BLAKE3 hashes, signed with ed25519ph. Only to have
 * the SDK's own reader look at the tree and the manifest; the images are left out, and it is not how a release is made.
 */
import type { Loaded } from "./_startos.ts";

export type Tree = { readonly [name: string]: Uint8Array | Tree };

/** What is needed of the noble packages that the SDK brings. */
export interface Noble {
  blake3(data: Uint8Array): Uint8Array;
  readonly ed25519ph: Loaded;
}

const MAGIC = Uint8Array.of(59, 59, 2);
const HEADER = MAGIC.length + 32 + 64 + 32 + 8 + 16;

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

const joined = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));
const text = (value: string) => new TextEncoder().encode(value);

interface Placed {
  readonly hash: Uint8Array;
  readonly size: number;
  /** Of the entry in its folder's table, after hash and size. */
  readonly tail: Uint8Array;
}

export function packS9pk(tree: Tree, { blake3, ed25519ph }: Noble): Uint8Array {
  const bodies: Uint8Array[] = [];
  let end = HEADER;
  const place = (bytes: Uint8Array): number => {
    const at = end;
    bodies.push(bytes);
    end += bytes.length;
    return at;
  };

  const folder = (children: Tree): Placed & { readonly at: number; readonly length: number } => {
    const names = Object.keys(children).sort();
    const entries = names.map((name) => ({ name, ...entry(children[name]!) }));
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
    const at = place(table);
    return {
      hash,
      size: table.length,
      at,
      length: table.length,
      tail: joined([Uint8Array.of(2), u64(at), u64(table.length)]),
    };
  };
  const entry = (content: Uint8Array | Tree): Placed => {
    if (!(content instanceof Uint8Array)) return folder(content);
    const at = place(content);
    return { hash: blake3(content), size: content.length, tail: joined([Uint8Array.of(1), u64(at)]) };
  };

  const root = folder(tree);
  const key = crypto.getRandomValues(new Uint8Array(32));
  const maxSize = u64(root.length);
  const signature = ed25519ph.sign(joined([root.hash, maxSize]), key, { context: text("s9pk") }) as Uint8Array;
  const header = [MAGIC, ed25519ph.getPublicKey(key), signature, root.hash, maxSize, u64(root.at), u64(root.length)];
  return joined([...header, ...bodies]);
}
