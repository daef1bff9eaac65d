/** `bun tests/lab/_cli.ts [old|new]`: a lab to play with by hand, until Ctrl-C. */
import { startLab } from "./lab.ts";

const lab = await startLab({ dialect: process.argv[2] === "old" ? "old" : "new" });
const key = process.argv[3];
if (key) await lab.authorize(await Bun.file(key).text());
console.log(
  `${lab.topologyYaml}\n# vLLM: ${lab.vllmUrl}, launch script: ${lab.launchScript}, controller: ${lab.controllerAddress}`,
);

const end = async () => {
  await lab.close();
  process.exit(0);
};
process.once("SIGINT", end);
process.once("SIGTERM", end);
