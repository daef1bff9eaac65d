import { actionRoute } from "../_action.ts";

export default actionRoute("stop", {
  operationId: "stopService",
  summary: "Stop a service",
  description:
    "Answers once its container is seen stopped. It stays so until somebody starts it. A slot: requests in flight finish first, for at most drain_seconds (`cut_off` says how many did not), then the model is stopped on every Spark and its memory is free.",
});
