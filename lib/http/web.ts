/** What a route may take from the HTTP layer itself, beside the nouns of the control plane. */
import type { OpenApiDocument } from "./openapi.ts";
import type { RefusedHosts } from "./refused-hosts.ts";

export interface Web {
  readonly refusedHosts: RefusedHosts;
  /** The description of the running app; built once, when first asked for. */
  readonly openApi: () => OpenApiDocument;
}
