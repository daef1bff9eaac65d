/** What is passed on holds no secret, whatever came in from outside. */
import { expect, test } from "bun:test";
import { knownSecrets, redact } from "../../../lib/redaction.ts";

const HOSTILE: readonly (readonly [name: string, text: string, kept: string])[] = [
  ["a bearer token", "curl -H 'Authorization: Bearer hunter2.abc-DEF' x", "curl -H"],
  ["a bearer token in small letters", "authorization: bearer hunter2hunter2", "authorization"],
  ["basic credentials", "sent Basic aHVudGVyMmh1bnRlcjI= to it", "to it"],
  ["a URL with user and password", "GET http://alice:hunter2@10.77.0.30:8080/x?a=1", "10.77.0.30:8080/x?a=1"],
  ["a URL with an @ in the password", "ssh://alice:hun@ter2hunter2@10.77.0.30/x", "10.77.0.30/x"],
  ["a URL with a token only", "https://hunter2hunter2@git.example/x.git", "git.example/x.git"],
  ["a query", "http://10.77.0.30/x?access_token=hunter2&b=2", "b=2"],
  ["an assignment", "HF_TOKEN=hunter2 vllm serve", "vllm serve"],
  ["a quoted assignment", 'password: "hunter2 with spaces" and on', "and on"],
  ["an option", "vllm serve --api-key hunter2 --port 8888", "--port 8888"],
  ["an option with =", "vllm serve --api-key=hunter2 --port 8888", "--port 8888"],
  ["JSON in a text", '{"secret":"hunter2","a":1}', '"a":1'],
  ["JSON in JSON in a text", '{\\"secret\\":\\"hunter2\\",\\"a\\":1}', "a"],
  ["a cookie", "Cookie: session=hunter2", "Cookie"],
  ["a webhook secret", "whsec_aHVudGVyMmh1bnRlcjI= is it", "is it"],
  ["a key", "x -----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\nhunter2\n-----END OPENSSH PRIVATE KEY----- y", "y"],
  ["half a key", "x -----BEGIN RSA PRIVATE KEY-----\nhunter2\nhunt", "x"],
  ["a token of Hugging Face", "using hf_hunter2hunter2hunter2 now", "now"],
  ["a token of GitHub", "using ghp_hunter2hunter2hunter2 now", "now"],
  ["a JWT", "using eyJhbGciOi.hunter2hunter2.sig now", "now"],
];
for (const [name, text, kept] of HOSTILE)
  test(`by form: ${name}`, () => {
    const said = redact({ reason: text, [text]: [text] });
    expect(JSON.stringify(said)).not.toMatch(/hunter2|hunt$|aHVudGVy/);
    expect((said as { reason: string }).reason).toContain(kept);
  });

test("by name: the value goes, at any depth; what says only that there is one stays", () => {
  const said = redact({
    nodes: [{ name: "spark-1", token: "hunter2", Api_Key: ["hunter2"], lock: { lock_token: { a: "hunter2" } } }],
    ...{ password: 12_345, has_secret: true, tokens_in: 512, token: null },
  });

  expect(said).toEqual({ nodes: [{ name: "spark-1", lock: {} }], has_secret: true, tokens_in: 512, token: null });
});

test("by what is known: plain, in a URL, in JSON, in base64, within a word; the longer one first", () => {
  const secret = 'p"ss w/rd+long';
  const texts = [
    `x${secret}y`,
    encodeURIComponent(secret),
    JSON.stringify({ a: secret }),
    `is ${Buffer.from(secret).toString("base64")} it`,
    `${secret} more`,
  ];

  expect(redact(texts, [secret, `${secret} more`])).toEqual([
    "x…y",
    "…",
    '{"a":"…"}',
    expect.stringMatching(/^is …=* it$/),
    "…",
  ]);
});

test("a short secret goes only where it stands alone, and one of three letters is no use to look for", () => {
  expect(redact(["abcd", "abcde", "x=abcd;", "abc"], ["abcd", "abc"])).toEqual(["…", "abcde", "x=…;", "abc"]);
});

test("a secret full of signs is no pattern", () => {
  expect(redact("a(.*)+[x]$^{1}|b", ["(.*)+[x]$^{1}|"])).toBe("a…b");
  expect(redact("nothing of it", ["(((("])).toBe("nothing of it");
});

test("what a log and a status say stays as it is", () => {
  const plain = {
    text: [
      "spark-1: docker top shows 2 vLLM",
      "http://10.77.0.11:8888/v1/models",
      "tokenizer loaded in 3 s",
      "alice@10.77.0.11",
    ],
    lines: ["GET /x HTTP/1.1 200", "Basic checks passed", "2026-01-31T12:00:00.000Z", "ssh-ed25519 AAAAC3Nza alice"],
    ...{ count: 3, ok: true, nothing: null },
  };
  expect(redact(plain)).toEqual(plain);
});

test("known are: the environment and models by telling names, arguments, webhooks, the lines of the key", () => {
  const known = knownSecrets({
    env: { WEBHOOK_SECRET: "env-secret", WEBHOOK_URL: "http://10.77.0.30/key", PORT: "9999", HF_TOKEN: "env-token" },
    models: [
      {
        env: { HF_TOKEN: "hf-value", NCCL_DEBUG: "INFO" },
        args: ["--api-key", "arg-1", "--hf-token=arg-2", "--port", "1"],
      },
    ],
    webhooks: ["hook-1"],
    privateKey:
      "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\nshort\n-----END OPENSSH PRIVATE KEY-----\n",
  });

  expect([...known].sort()).toEqual(
    [
      "arg-1",
      "arg-2",
      "b3BlbnNzaC1rZXktdjEAAAAA",
      "env-secret",
      "env-token",
      "hf-value",
      "hook-1",
      "http://10.77.0.30/key",
    ].sort(),
  );
});
