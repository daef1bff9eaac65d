/** What the form of Configure Sparks sends. */

/** What a form sends that was left as it is. */
export const BLANK = {
  spark1: { host: null, user: null },
  spark2: { host: null, user: null },
  vllmPort: null,
  vllmContainer: null,
  hiddenServices: [],
  matrixUser: null,
  webhookUrl: null,
  webhookSecret: null,
};

/** One that says everything. */
export const WHOLE = {
  ...BLANK,
  spark1: { host: "10.77.0.11", user: "alice" },
  spark2: { host: "10.77.0.12", user: "alice" },
  vllmPort: 8899,
  vllmContainer: "vllm_big",
  hiddenServices: ["kokoro"],
  matrixUser: "bob",
  webhookUrl: "http://10.77.0.30/hook",
  webhookSecret: "s3cret",
};
