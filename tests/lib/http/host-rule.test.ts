import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decideHost, parseHost } from "../../../lib/http/host-rule.ts";

const verdict = (header: string | null, allowed: readonly string[] = []) => decideHost(header, allowed).verdict;
const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);

describe("a Host", () => {
  test("is lower-cased, and loses its port and one trailing dot", () => {
    expect(parseHost("SPARK.Example.COM.:9999")).toEqual({ name: "spark.example.com", port: 9999 });
    expect(parseHost("[FD00::5]:80")).toEqual({ name: "fd00::5", port: 80 });
  });

  test.each([
    null,
    "",
    "a, b",
    "a b",
    "a/b",
    "a?b",
    "a#b",
    "u@a",
    "a:",
    "a:0",
    "a:65536",
    "a:1:2",
    "..",
    "a..",
    ".a",
    "[::1",
    "::1",
    "[1.2.3.4]",
    "a\tb",
    "ä",
    "-a",
    "a%2eb",
    "x".repeat(64),
    `${"a.".repeat(130)}b`,
  ])("is malformed: %j", (header) => {
    expect(verdict(header)).toBe("malformed");
  });

  test("property: a public name is refused unless it is exactly allowed", () => {
    fc.assert(
      fc.property(
        fc.array(label, { minLength: 1, maxLength: 3 }),
        label,
        fc.constantFrom("com", "org", "example"),
        (left, name, top) => {
          const host = [...left, name, top].join(".");

          expect(verdict(host, [`${name}.${top}`, `.${top}`, "*"])).toBe("refused");
          expect(verdict(`${host}:9999`, [host.toUpperCase()])).toBe("accepted");
        },
      ),
    );
  });

  test("property: an IP literal is accepted", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.ipV4(),
          fc.ipV6().map((address) => `[${address}]`),
        ),
        (host) => verdict(host) === "accepted",
      ),
    );
  });

  test("property: whatever the text, the answer is one of three and never an exception", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) =>
        ["accepted", "refused", "malformed"].includes(verdict(text)),
      ),
    );
  });

  test("an allowed name counts from the moment it is listed", () => {
    const allowed: string[] = [];
    expect(verdict("spark.example.com", allowed)).toBe("refused");

    allowed.push("spark.example.com");

    expect(verdict("spark.example.com", allowed)).toBe("accepted");
  });
});
