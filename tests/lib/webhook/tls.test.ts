/** Over https the connection goes to the judged address, and the certificate is judged by the name. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requirement } from "../../support/requirements.ts";

setDefaultTimeout(60_000);

requirement(
  "webhooks over https",
  Bun.which("openssl") !== null,
  "openssl is not installed (apt-get install openssl)",
)("over https", () => {
  let folder: string;
  let certificate: string;
  let server: Bun.Server<undefined>;
  const asked: (string | null)[] = [];
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "spark-tls-"));
    const [key, made] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
    const names = "subjectAltName=DNS:hooks.test,IP:127.0.0.1";
    const options = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=hooks.test"];
    const { exitCode } = Bun.spawnSync(["openssl", ...options, "-addext", names, "-keyout", key, "-out", made]);
    expect(exitCode).toBe(0);
    certificate = made;
    server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      tls: { key: readFileSync(key, "utf8"), cert: readFileSync(made, "utf8") },
      fetch(request) {
        asked.push(request.headers.get("host"));
        return new Response(null, { status: 204 });
      },
    });
  });
  afterAll(async () => {
    await server.stop(true);
    rmSync(folder, { recursive: true, force: true });
  });

  async function outcome(host: string, env: Record<string, string>): Promise<unknown> {
    const command = [
      process.execPath,
      join(import.meta.dir, "_post.ts"),
      `https://${host}:${server.port}/x`,
      "127.0.0.1",
    ];
    const child = Bun.spawn(command, {
      env: { PATH: process.env.PATH ?? "", ...env },
      stdout: "pipe",
      stderr: "inherit",
    });
    return JSON.parse(await new Response(child.stdout).text());
  }

  test("a certificate of the name, signed by somebody known, is accepted", async () => {
    const known = { NODE_EXTRA_CA_CERTS: certificate };

    expect(await outcome("hooks.test", known)).toMatchObject({ status: 204, error: null });
    expect(await outcome("127.0.0.1", known)).toMatchObject({ status: 204, error: null });
    expect(asked).toEqual([`hooks.test:${server.port}`, `127.0.0.1:${server.port}`]);
  });

  test("one of another name, or signed by nobody known, is refused before anything is sent", async () => {
    asked.length = 0;

    expect(await outcome("other.test", { NODE_EXTRA_CA_CERTS: certificate })).toMatchObject({ error: "certificate" });
    expect(await outcome("hooks.test", {})).toMatchObject({ error: "certificate" });
    expect(asked).toEqual([]);
  });
});
