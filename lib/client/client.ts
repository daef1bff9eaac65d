/** The typed client for downstream TypeScript apps: every route, parameter and answer with its type. */
import { treaty } from "@elysiajs/eden";
import type { App } from "../../routes/_app.ts";

/**
 * @param baseUrl where Spark Control is: `http://spark-control.local:9999`
 * @example
 * const { data, error } = await sparkControl("http://localhost:9999").api.swap.post({ model: "gpt-oss-20b" });
 */
export function sparkControl(baseUrl: string) {
  return treaty<App>(baseUrl);
}
