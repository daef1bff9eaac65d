/** Loaded means that it answers: `/health`, `/v1/models`, and a chat of one token. */

import type { HttpAnswer } from "../cluster.ts";
import { failure } from "../failure.ts";
import type { EffectBody } from "../run.ts";
import { attempt, nodesOf, pause } from "../run.ts";
import { servedName, servesModel } from "../served.ts";

const CHAT_DEADLINE_MS = 60_000;
const BETWEEN_TRIES_MS = 500;

export const verify: EffectBody = async (run, leg, signal) => {
  const { model } = attempt(run, leg);
  const [head] = nodesOf(run, leg);
  const base = `http://${await run.control.address(head, signal)}:${run.order.slot.port}`;
  const deadline = Date.now() + run.timing.verifyDeadlineMs;
  let left = "";
  while (Date.now() < deadline) {
    const health = await run.control.get(`${base}/health`, run.timing.httpDeadlineMs, signal);
    const models = await run.control.get(`${base}/v1/models`, run.timing.httpDeadlineMs, signal);
    if (health.status !== 200) left = `/health: ${said(health)}`;
    else if (!servesModel(models, model)) left = `/v1/models does not list ${servedName(model)}: ${said(models)}`;
    else {
      const body = { model: servedName(model), messages: [{ role: "user", content: "hi" }], max_tokens: 1 };
      const chat = await run.control.post(`${base}/v1/chat/completions`, body, CHAT_DEADLINE_MS, signal);
      // 4xx: this model does not chat (an embedding model, no chat template). The engine answered; that is what counts.
      if (chat.status !== null && chat.status < 500) return { type: "verified" };
      left = `/v1/chat/completions: ${said(chat)}`;
      if (health.status === 200 && chat.status === null) run.log(`The test chat got no answer; asking again.`);
    }
    await pause(BETWEEN_TRIES_MS, signal);
  }
  return {
    type: "failed",
    failure: failure(
      "not_answering",
      "The model was loaded, but does not answer a chat.",
      left,
      "Read the log; swap again.",
    ),
  };
};

function said(answer: HttpAnswer): string {
  if (answer.status === null) return "no answer";
  return `HTTP ${answer.status} ${typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body)}`.slice(
    0,
    300,
  );
}
