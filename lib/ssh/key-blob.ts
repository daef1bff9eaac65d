/** Whether a public key blob is whole (RFC 4253, RFC 5656, RFC 8709). Pure. */
const POINT_BYTES: Readonly<Record<string, number>> = { nistp256: 65, nistp384: 97, nistp521: 133 };
const ED25519_BYTES = 32;
/** OpenSSH's least, 1024 bits. */
const LEAST_MODULUS_BYTES = 128;
const UNCOMPRESSED = 4;

/** True for a key of ed25519, ECDSA or RSA whose fields fill it exactly: one that was cut off, or has a tail, is none. */
export function isWholeKey(blob: Uint8Array): boolean {
  const fields = fieldsOf(Buffer.from(blob));
  if (fields === null) return false;
  const [name, first, second] = fields;
  const type = name?.toString("latin1");
  if (first === undefined) return false;
  if (type === "ssh-ed25519") return fields.length === 2 && first.length === ED25519_BYTES;
  if (second === undefined || fields.length !== 3) return false;
  if (type === "ssh-rsa") return isPositive(first) && isPositive(second) && second.length >= LEAST_MODULUS_BYTES;
  const curve = first.toString("latin1");
  return type === `ecdsa-sha2-${curve}` && second.length === POINT_BYTES[curve] && second[0] === UNCOMPRESSED;
}

/** Each is a uint32 length and as many bytes; null: they do not end where the blob ends. */
function fieldsOf(blob: Buffer): Buffer[] | null {
  const fields: Buffer[] = [];
  let at = 0;
  while (at < blob.length) {
    if (at + 4 > blob.length) return null;
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return null;
    fields.push(blob.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

/** A multiple precision integer above zero. */
const isPositive = (field: Buffer): boolean => field.length > 0 && field[0]! < 0x80 && field.some((byte) => byte !== 0);
