import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import type { OpenApiDocument } from "../../lib/http/openapi.ts";
import { type AppUnderTest, endpointsOf, startApp } from "./_app-under-test.ts";

let under: AppUnderTest;
let document: OpenApiDocument;
beforeAll(async () => {
  under = await startApp();
  document = (await (await under.call("GET", "/openapi.json")).json()) as OpenApiDocument;
});
afterAll(() => under.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
  );

describe("the OpenAPI document", () => {
  test("is valid", async () => {
    const { valid, errors } = await new Validator().validate(
      structuredClone(document) as unknown as Record<string, unknown>,
    );

    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
  });

  test("has every route of the app", () => {
    const shown = endpointsOf(under.app).map(
      ({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}").replace(/\*$/, "{path}")}`,
    );

    expect(
      operations()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(shown.sort());
  });

  test("every operation has an id of its own, a summary, a tag and a described success", () => {
    const poor = operations().filter(({ operation }) => {
      const success = Object.keys(operation.responses).some((status) => /^[23]/.test(status));
      return !(operation.operationId && operation.summary && operation.tags.length > 0 && success);
    });
    const ids = operations().map(({ operation }) => operation.operationId);

    expect(poor.map(({ name }) => name)).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("every answer that has content says of which shape", () => {
    const shapeless = operations().flatMap(({ name, operation }) =>
      Object.entries(operation.responses)
        .filter(
          ([, { content }]) =>
            content && Object.values(content).some((media) => Object.keys(media.schema).length === 0),
        )
        .map(([status]) => `${name} ${status}`),
    );

    expect(shapeless).toEqual([]);
  });

  test("whoever may send a long body is told of 408 and 413", () => {
    const silent = operations().flatMap(({ name, operation: { responses } }) =>
      name.startsWith("POST /v1/") && !("408" in responses && "413" in responses) ? [name] : [],
    );

    expect(silent).toEqual([]);
  });

  test("errors are problem documents, hoisted once", () => {
    const swap = document.paths["/api/swap"]!.post!;

    expect(swap.responses["422"]).toMatchObject({
      content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
    });
    expect(document.components.schemas.Problem).toMatchObject({ type: "object" });
  });
});

describe("the API pages", () => {
  test("load nothing from elsewhere and run no inline script", async () => {
    const page = await under.call("GET", "/swagger");
    const html = await page.text();

    expect(page.headers.get("content-security-policy")).toContain("script-src 'self';");
    expect(html).not.toMatch(/https?:\/\//);
    expect(html).not.toMatch(/<script>|<style>| on\w+=/);
    for (const [, path] of html.matchAll(/(?:src|href)="(\/[^"]+)"/g)) {
      expect((await under.call("GET", path!)).status).toBe(200);
    }
  });

  test("serve their own files only", async () => {
    for (const name of ["package.json", "..%2fpackage.json", "constructor", "__proto__"]) {
      expect((await under.call("GET", `/swagger/${name}`)).status).toBe(404);
    }
  });

  test("/docs leads to them", async () => {
    const answer = await under.call("GET", "/docs");

    expect([answer.status, answer.headers.get("location")]).toEqual([302, "/swagger"]);
  });
});
