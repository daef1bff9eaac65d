import { actionRoute } from "../_action.ts";

export default actionRoute("restart", {
  operationId: "restartService",
  summary: "Restart a service",
  description:
    "Answers once its container is seen running anew. A slot loads its model again: a swap, answered with its `job_id`. Also ends that it is left alone after restarts by itself.",
});
