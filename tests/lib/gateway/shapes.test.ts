import { describe, expect, test } from "bun:test";
import { requestLines, responseHeaders } from "../../../lib/gateway/headers.ts";
import { voicesOf } from "../../../lib/gateway/model-list.ts";
import { isPrivateAddress } from "../../../lib/gateway/private-address.ts";
import { normalised } from "../../../lib/gateway/rerank.ts";
import { reach } from "../../../lib/gateway/services.ts";

describe("private addresses", () => {
  test.each([
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "127.0.0.1",
    "::1",
    "fd00::1",
    "fc00::1",
    "::ffff:10.0.0.1",
    "[fd12::1]",
  ])("%s is one", (address) => expect(isPrivateAddress(address)).toBe(true));
  test.each([
    "8.8.8.8",
    "172.32.0.1",
    "100.128.0.1",
    "192.169.0.1",
    "169.254.1.1",
    "0.0.0.0",
    "2001:db8::1",
    "fe80::1",
    "::",
    "::ffff:8.8.8.8",
    "spark.local",
    "",
  ])("%s is none", (address) => expect(isPrivateAddress(address)).toBe(false));

  const service = (kind: "asr" | "embeddings", addresses: string[]) => ({
    name: "parakeet",
    kind,
    port: 8000,
    host: "speech.example",
    addresses: async () => addresses,
  });
  test("speech goes to the very address that was found private, under the service's own name", async () => {
    expect(await reach(service("asr", ["10.0.0.5"]))).toEqual({
      name: "parakeet",
      origin: "http://10.0.0.5:8000",
      host: "speech.example:8000",
    });
  });
  test("speech is not sent where one of the addresses is public", () => {
    return expect(reach(service("asr", ["10.0.0.5", "8.8.8.8"]))).rejects.toMatchObject({ code: "not_private" });
  });
  test("other texts may be", async () => {
    expect((await reach(service("embeddings", ["2001:db8::1"]))).origin).toBe("http://[2001:db8::1]:8000");
  });
  test("a name without an address cannot be reached", () => {
    return expect(reach(service("asr", []))).rejects.toMatchObject({ kind: "upstream", code: "upstream_unreachable" });
  });
});

describe("a reranker's answer", () => {
  const documents = ["a", "b", "c"];
  const question = { query: "q", documents };
  const ranked = [
    { index: 2, relevance_score: 3.5 },
    { index: 0, relevance_score: -1 },
    { index: 1, relevance_score: -2 },
  ];
  test.each([
    [
      "TEI",
      [
        { index: 0, score: -1 },
        { index: 1, score: -2 },
        { index: 2, score: 3.5 },
      ],
    ],
    [
      "Infinity",
      {
        object: "rerank",
        results: [
          { relevance_score: 3.5, index: 2, document: "c" },
          { relevance_score: -1, index: 0 },
          { relevance_score: -2, index: 1 },
        ],
      },
    ],
    [
      "vLLM",
      {
        model: "m",
        results: [
          { index: 1, document: { text: "b" }, relevance_score: -2 },
          { index: 2, relevance_score: 3.5 },
          { index: 0, relevance_score: -1 },
        ],
      },
    ],
  ])("of %s becomes ours", (from, answer) => {
    expect(normalised("the reranker", JSON.stringify(answer), question)).toEqual({
      object: "rerank.result",
      model: from === "vLLM" ? "m" : "the reranker",
      results: ranked,
    });
  });
  test("is cut to top_n and given its documents", () => {
    const answer = JSON.stringify(documents.map((_, index) => ({ index, score: index })));

    expect(normalised("r", answer, { ...question, topN: 1, returnDocuments: true }).results).toEqual([
      { index: 2, relevance_score: 2, document: { text: "c" } },
    ]);
  });
  test.each([
    "",
    "{}",
    "[1]",
    '[{"index":7,"score":1}]',
    '[{"index":0}]',
    '{"results":[{"index":0,"relevance_score":"1"}]}',
    "null",
  ])("of no known shape is the upstream's failure: %s", (text) =>
    expect(() => normalised("r", text, question)).toThrow("shape"),
  );
});

describe("voices", () => {
  test("are objects, whichever way they were listed", () => {
    expect(voicesOf({ voices: ["a", { id: "b", name: "B" }, { id: "c" }, 5, null] })).toEqual([
      { id: "a", name: "a" },
      { id: "b", name: "B" },
      { id: "c", name: "c" },
    ]);
  });
});

describe("headers", () => {
  test("of one connection stay there, those that Connection names too", () => {
    const from = new Headers({
      connection: "close, X-Mine",
      "x-mine": "1",
      upgrade: "h2c",
      "transfer-encoding": "chunked",
      "x-kept": "1",
    });

    expect(requestLines(from, null, null).split("\r\n").sort()).toEqual(["", "accept-encoding: identity", "x-kept: 1"]);
    expect(Object.keys(responseHeaders(Object.fromEntries(from)))).toEqual(["x-kept"]);
  });
  test("a client that offers no encoding gets none", () => {
    expect(requestLines(new Headers(), 5, "a:1").split("\r\n")).toContain("accept-encoding: identity");
  });
});
