/** The gateway's passage on a route without the cap of an upload, for the bench: prints its port. The argument is the upstream's. */
import { plainBody } from "../../../lib/gateway/body.ts";
import { Connections } from "../../../lib/gateway/connections.ts";
import { LateBody } from "../../../lib/gateway/late-body.ts";
import { PATIENCE } from "../../../lib/gateway/patience.ts";
import { Passage } from "../../../lib/gateway/proxy.ts";

const upstream = { name: "It", origin: `http://127.0.0.1:${process.argv[2]}`, host: null };
const connections = new Connections();
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 0,
  maxRequestBodySize: 2 ** 40,
  async fetch(request) {
    const late = new LateBody();
    const body = await plainBody(request, Number.POSITIVE_INFINITY, late);
    const passage = new Passage(request, upstream, PATIENCE.asr, connections, () => undefined);
    late.bind(passage);
    return passage.forward("/v1/audio/transcriptions", body);
  },
});
console.log(server.port);
