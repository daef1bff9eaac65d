/**
 * Stand-in of `python3` in the image. `python3 -c TEXT ARG…` ignores TEXT and answers as vLLM's argument parser would
 * for `vllm serve ARG…`: nothing and 0, or argparse's words and 2.
 */
import { checkArguments, usageError } from "./arguments.ts";

const [flag, , ...rest] = process.argv.slice(2);
if (flag === "--version" || flag === "-V") console.log("Python 3.12.3");
else if (flag === "-c") {
  const checked = checkArguments(rest[0] === "serve" ? rest.slice(1) : rest);
  if (!checked.ok) {
    process.stderr.write(usageError(checked.error));
    process.exit(2);
  }
} else process.exit(1);
