/** Debian's nginx as a proxy beside ours: connections to the upstream kept open, nothing buffered. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pickPort } from "../../../lib/simulator/ports.ts";
import { until } from "../../support/until.ts";

export const nginxPath = (): string | null => Bun.which("nginx", { PATH: `${process.env.PATH ?? ""}:/usr/sbin` });

export async function startNginx(path: string, upstreamPort: number) {
  const folder = mkdtempSync(join(tmpdir(), "spark-nginx-"));
  const port = await pickPort("127.0.0.1", new Set());
  const config = `
daemon off;
worker_processes auto;
pid ${folder}/pid;
error_log ${folder}/error.log;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_requests 10000000;
  client_max_body_size 0;
  upstream vllm { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests 10000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://vllm;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_request_buffering off;
      proxy_read_timeout 1800s;
    }
  }
}
`;
  writeFileSync(join(folder, "nginx.conf"), config);
  const child = Bun.spawn([path, "-c", join(folder, "nginx.conf"), "-e", join(folder, "error.log")], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
  });
  await until("nginx listens", () =>
    fetch(`http://127.0.0.1:${port}/v1/models`).then(
      ({ ok }) => ok,
      () => child.exitCode !== null,
    ),
  );
  if (child.exitCode !== null) throw new Error("nginx did not start");
  const workers = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ").map(Number);
  return {
    port,
    /** The processes that do the work. */
    workers,
    async stop() {
      child.kill("SIGQUIT");
      await child.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
