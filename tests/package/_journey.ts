/**
 * What an app does with the package, on whatever runs it: plain JavaScript with nothing but the package, so that Bun, Node
 * and a browser run the very same text. It gives back what it saw.
 */
export const JOURNEY = `
import { boundedFetch, followEvents, sparkControl, verifyWebhook, withReservation } from "spark-control-client";

const hex = (text) => new TextEncoder().encode(text);

async function signed(secret, id, timestamp, body) {
  const key = await crypto.subtle.importKey("raw", hex(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const bytes = new Uint8Array(await crypto.subtle.sign("HMAC", key, hex(id + "." + timestamp + "." + body)));
  return "v1," + btoa(String.fromCharCode(...bytes));
}

export async function journey(url, model, canSign) {
  const spark = sparkControl(url);
  const seen = {};
  const models = await spark.api.models.get();
  seen.models = models.data.models.length > 3;
  const nothing = await spark.api.swap.plan.post({ model: "no-such-model" });
  seen.unknown = [nothing.error.status, nothing.error.value.code];

  const leaving = new AbortController();
  const late = setTimeout(() => leaving.abort(), 60000);
  const events = [];
  // What happens before the first look is part of that look, not told as an event.
  let look;
  const looked = new Promise((resolve) => (look = resolve));
  const following = (async () => {
    for await (const { event, data } of followEvents(spark, { signal: leaving.signal })) {
      events.push(event);
      look();
      if (event === "slot" && data.model === model && data.state === "serving") break;
    }
  })().finally(look);
  await looked;
  seen.swapped = await withReservation(spark, { holder: "journey", ttlSeconds: 60 }, async (lease) => {
    const { data, error } = await spark.api.swap.post({ model, lock_token: lease.token });
    if (error) throw new Error(JSON.stringify(error.value));
    const stream = await spark.api.swap({ id: data.job_id }).stream.get();
    let state = "";
    for await (const message of stream.data) if (message.event === "state") state = message.data.state;
    return { state, generation: typeof lease.generation };
  });
  const lock = await spark.api.swap.lock.get();
  seen.released = lock.data.held === false;
  await following;
  clearTimeout(late);
  seen.events = [events[0], events.includes("lock"), events.includes("swap"), events.at(-1)];

  const ask = boundedFetch();
  const body = JSON.stringify({ model, messages: [{ role: "user", content: "hi" }] });
  const headers = { "content-type": "application/json" };
  const answers = await Promise.all([1, 2, 3].map(() => ask(url + "/v1/chat/completions", { method: "POST", headers, body })));
  seen.answers = answers.map(({ status }) => status);

  // Browsers give crypto.subtle to https and localhost only, and webhooks are not for them.
  if (canSign) {
    const text = JSON.stringify({ event: "swap_complete", type: "swap_complete", timestamp: "", data: { model } });
    const timestamp = String(Math.floor(Date.now() / 1000));
    const signature = await signed("hunter2!", "m1", timestamp, text);
    const told = { "webhook-id": "m1", "webhook-timestamp": timestamp, "webhook-signature": signature };
    seen.message = (await verifyWebhook({ secret: "hunter2!", headers: told, body: text })).data.model;
    seen.forged = await verifyWebhook({ secret: "other", headers: told, body: text }).catch((error) => error.code);
  }
  return seen;
}
`;

/** Node has AbortSignal.any from 20.3 on, and the package is for every Node 20. */
export const COMMAND_LINE = `
delete AbortSignal.any;
const { journey } = await import(new URL("journey.mjs", import.meta.url));
console.log(JSON.stringify(await journey(process.argv[2], process.argv[3], true)));
`;
