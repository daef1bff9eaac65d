/**
 * The path exactly as Elysia's router reads it, undecoded. A guard that read the path in another way could be walked
 * around with dot segments or escapes.
 */
export function pathOfUrl(url: string): string {
  const start = url.indexOf("/", 11);
  if (start === -1) return "/";
  const end = url.indexOf("?", start + 1);
  return end === -1 ? url.slice(start) : url.slice(start, end);
}
