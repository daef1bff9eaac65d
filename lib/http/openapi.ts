/** The OpenAPI 3.1 document of an app, made from the router's own table, so that it cannot disagree with it. */
import { type Operation, operationOf, type RouteEntry } from "./openapi-operation.ts";
import { Components, type JsonSchema } from "./openapi-schemas.ts";

export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, JsonSchema> };
}

const DESCRIPTION =
  "Control plane of a small AI cluster. Errors are RFC 9457 problem documents; below `/v1/` they are OpenAI's error envelope.";

/** `:name` and `*` of the router as `{name}` and `{path}`. */
const pathOf = (path: string) => path.replace(/:([A-Za-z0-9_]+)/g, "{$1}").replace(/\*$/, "{path}");

const isShown = ({ method, hooks }: RouteEntry) => hooks.detail?.hide !== true && method !== "ALL" && method !== "WS";

/** @param routes `app.routes` of an Elysia app */
export function openApiDocument(routes: readonly RouteEntry[], version: string): OpenApiDocument {
  const components = new Components();
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes.filter(isShown)) {
    const path = pathOf(route.path);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, components) };
  }
  const tags = new Set(Object.values(paths).flatMap((item) => Object.values(item).flatMap(({ tags }) => tags)));
  return {
    openapi: "3.1.0",
    info: { title: "Spark Control", version, description: DESCRIPTION },
    servers: [{ url: "/" }],
    tags: [...tags].sort().map((name) => ({ name })),
    paths,
    components: { schemas: components.schemas },
  };
}
