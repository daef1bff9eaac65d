/** How the process listens. Shared by the server and by tests that listen for real. */

/** Body cap of streamed uploads: 200 MB of audio (413 above) and room for the form around it. */
export const MAX_UPLOAD_BYTES = 208 * 1024 * 1024;

export const SERVE_OPTIONS = {
  /** Elysia's default is true: a second process would silently share the port and split the state. */
  reusePort: false,
  /** In development Bun prints every stream that breaks, past the log. */
  development: false,
  /** Seconds without a byte in either direction. Streams switch it off for their own request. */
  idleTimeout: 30,
  /** Bytes. Control routes have a far smaller limit of their own (body-limit.ts). */
  maxRequestBodySize: MAX_UPLOAD_BYTES,
} as const;
