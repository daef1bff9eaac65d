import { actionRoute } from "../_action.ts";

export default actionRoute("start", {
  operationId: "startService",
  summary: "Start a service",
  description:
    "Answers once its container is seen running; it may need a while to its first answer (`state: starting`). A slot loads what it served last: a swap, answered with its `job_id`.",
});
