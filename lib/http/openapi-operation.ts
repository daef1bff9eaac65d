/** One route as an operation of the OpenAPI document. */
import { STATUS_CODES } from "node:http";
import { type Components, type JsonSchema, plain } from "./openapi-schemas.ts";
import { isOpenAiPath } from "./problem.ts";
import { isExempt } from "./same-origin.ts";
import { OpenAiError, Problem } from "./schemas.ts";

/** What is read of an entry of `app.routes`. */
export interface RouteEntry {
  readonly method: string;
  readonly path: string;
  readonly hooks: {
    readonly body?: unknown;
    readonly query?: unknown;
    readonly params?: unknown;
    readonly headers?: unknown;
    readonly response?: unknown;
    readonly detail?: RouteDetail;
  };
}

export interface RouteDetail {
  readonly hide?: boolean;
  readonly operationId?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: string[];
  readonly deprecated?: boolean;
  readonly requestBody?: unknown;
}

export interface Operation {
  readonly operationId: string | undefined;
  readonly summary: string | undefined;
  readonly tags: readonly string[];
  readonly parameters?: readonly JsonSchema[];
  readonly requestBody?: unknown;
  readonly responses: Record<string, JsonSchema>;
  readonly [member: string]: unknown;
}

function parametersIn(where: "path" | "query" | "header", schema: unknown, components: Components): JsonSchema[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = plain(schema) as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...field }]) => ({
    name,
    in: where,
    required: where === "path" || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: components.place(field),
  }));
}

/** Parameters of the path that the route did not describe are plain text. */
function pathParameters({ path, hooks }: RouteEntry, components: Components): JsonSchema[] {
  const described = parametersIn("path", hooks.params, components);
  const names = [...path.matchAll(/:([A-Za-z0-9_]+)/g)].map((match) => match[1]!);
  if (path.endsWith("*")) names.push("path");
  const missing = names.filter((name) => !described.some((parameter) => parameter.name === name));
  return [...described, ...missing.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } }))];
}

const NO_CONTENT = new Set(["void", "undefined", "null"]);

function responseOf(status: string, schema: unknown, isOpenAi: boolean, components: Components): JsonSchema {
  const { description, contentMediaType, ...rest } = plain(schema);
  const text = typeof description === "string" ? description : (STATUS_CODES[status] ?? "Answer");
  if (contentMediaType === undefined && NO_CONTENT.has(String(rest.type))) return { description: text };
  const errorType = isOpenAi ? "application/json" : "application/problem+json";
  const type =
    typeof contentMediaType === "string" ? contentMediaType : Number(status) >= 400 ? errorType : "application/json";
  const placed = contentMediaType === undefined ? components.place(schema) : { type: "string" };
  return { description: text, content: { [type]: { schema: placed } } };
}

/** What the perimeter and the validation may answer, whatever the route says. */
function sharedStatuses({ method, path, hooks }: RouteEntry): number[] {
  const isSending = !["GET", "HEAD", "OPTIONS"].includes(method);
  const hasInput = [hooks.body, hooks.query, hooks.params].some((schema) => schema !== undefined);
  return [
    400,
    ...(isSending && !isExempt(path) ? [403] : []),
    ...(hooks.body === undefined ? [] : [413, 415]),
    ...(hasInput ? [422] : []),
    500,
  ];
}

function responsesOf(route: RouteEntry, components: Components): Record<string, JsonSchema> {
  const { response } = route.hooks;
  const isOpenAi = isOpenAiPath(route.path);
  const isByStatus =
    typeof response === "object" && response !== null && Object.keys(response).every((key) => /^\d{3}$/.test(key));
  const declared = isByStatus ? (response as Record<string, unknown>) : response === undefined ? {} : { 200: response };
  const shared = Object.fromEntries(sharedStatuses(route).map((status) => [status, isOpenAi ? OpenAiError : Problem]));
  const answers = Object.entries({ ...shared, ...declared }).map(([status, schema]) => {
    return [status, responseOf(status, schema, isOpenAi, components)] as const;
  });
  const misdirected = {
    description: "This name is not allowed",
    content: { "text/html": { schema: { type: "string" } } },
  };
  return { ...Object.fromEntries(answers), 421: misdirected };
}

export function operationOf(route: RouteEntry, components: Components): Operation {
  const { hide: _, operationId, summary, tags = [], ...detail } = route.hooks.detail ?? {};
  const { body, query, headers } = route.hooks;
  const parameters = [
    ...pathParameters(route, components),
    ...parametersIn("query", query, components),
    ...parametersIn("header", headers, components),
  ];
  const requestBody =
    body === undefined
      ? undefined
      : { required: true, content: { "application/json": { schema: components.place(body) } } };
  return {
    operationId,
    summary,
    tags,
    ...(requestBody ? { requestBody } : {}),
    ...detail,
    ...(parameters.length > 0 ? { parameters } : {}),
    responses: responsesOf(route, components),
  };
}
