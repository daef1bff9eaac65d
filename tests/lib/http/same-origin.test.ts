import { describe, expect, test } from "bun:test";
import { type Asker, maySend } from "../../../lib/http/same-origin.ts";

const asker = (of: Partial<Asker>): Asker => ({
  method: "POST",
  path: "/api/swap",
  origin: null,
  referer: null,
  secFetchSite: null,
  host: { name: "spark-control.local", port: 9999 },
  ...of,
});

describe("a state-changing request", () => {
  test.each<[string, Partial<Asker>, boolean]>([
    ["without any origin is not a browser's", {}, true],
    ["from its own page", { origin: "http://spark-control.local:9999" }, true],
    ["from its own page in other letters", { origin: "http://SPARK-CONTROL.local:9999" }, true],
    ["from another port of the same host", { origin: "http://spark-control.local:8080" }, false],
    ["from the default port", { origin: "http://spark-control.local" }, false],
    ["from elsewhere", { origin: "http://evil.example" }, false],
    ["from a sandboxed page", { origin: "null" }, false],
    ["from a file", { origin: "file://" }, false],
    ["from what is no URL", { origin: "spark-control.local:9999" }, false],
    ["that the browser calls same-origin", { secFetchSite: "same-origin" }, true],
    ["that the user made himself", { secFetchSite: "none" }, true],
    [
      "that the browser calls same-site",
      { secFetchSite: "same-site", origin: "http://spark-control.local:9999" },
      false,
    ],
    ["with two verdicts", { secFetchSite: "same-origin, cross-site" }, false],
    ["with a foreign Referer only", { referer: "http://evil.example/x" }, false],
    ["with its own Referer only", { referer: "http://spark-control.local:9999/x" }, true],
    ["to an exempt path", { path: "/v1/chat/completions", origin: "http://evil.example" }, true],
    ["to a path that only looks exempt", { path: "/v1", origin: "http://evil.example" }, false],
    ["to a neighbour of an exempt path", { path: "/api/searching", origin: "http://evil.example" }, false],
  ])("%s", (_, of, expected) => {
    expect(maySend(asker(of))).toBe(expected);
  });

  test("a Host without port means the default of the page's scheme", () => {
    const host = { name: "control.startos", port: null };

    expect(maySend(asker({ host, origin: "https://control.startos" }))).toBe(true);
    expect(maySend(asker({ host, origin: "https://control.startos:8443" }))).toBe(false);
  });

  test("reading is free", () => {
    for (const method of ["GET", "HEAD", "OPTIONS"])
      expect(maySend(asker({ method, origin: "http://evil.example" }))).toBe(true);
  });
});
