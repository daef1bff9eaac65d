/**
 * What the controller accepts (lib/config/validate.ts), said again here: patterns of a form hold for the form only, and whoever
 * calls the action otherwise must not get anything else into a file. Each gives true when the value is fine.
 */
import { isIP } from "node:net";

/** A host name, an IPv4 or an IPv6 address (a zone such as `%eth0` is allowed), without user, port and brackets. */
export function isHost(text: string): boolean {
  if (text.length > 253 || text.startsWith("-")) return false;
  // Node.js takes further colons for a part of the zone.
  if (text.includes(":")) return isIP(text) === 6 && /^[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?$/.test(text);
  if (isIP(text) === 4) return true;
  const labels = text.replace(/\.$/, "").split(".");
  // A last label of digits makes a resolver read the name as a (malformed or abbreviated) IPv4 address.
  if (/^\d+$/.test(labels.at(-1) ?? "")) return false;
  return labels.every((label) => /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label));
}

export const isUser = (text: string): boolean => /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/.test(text);

export const isPort = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= 65_535;

export const isContainer = (text: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_.-]{1,127}$/.test(text);

const WHSEC = /^whsec_(?=.)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** A secret that begins with `whsec_` goes on in base64, with its padding; any other is its own bytes. */
export const isSecret = (text: string): boolean =>
  text.length >= 1 &&
  text.length <= 512 &&
  !/[\r\n\u0000]/.test(text) &&
  (!text.startsWith("whsec_") || WHSEC.test(text));
