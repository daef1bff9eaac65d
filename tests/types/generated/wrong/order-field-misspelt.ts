import type { components } from "spark-control-openapi";

type Order = components["schemas"]["SwapOrder"];

// error expected on the next line: TS2561
export const order: Order = { model: "gpt-oss-20b", dryrun: true };
