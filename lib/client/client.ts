/** The typed client for downstream TypeScript apps: every route, parameter and answer with its type. */
import { treaty } from "@elysiajs/eden";
import type { DefinitionBase, Elysia, MetadataBase, SingletonBase } from "elysia";
import type { Answers } from "./answers.ts";

export type { OpenAiError, Problem } from "./answers.ts";

type Served = Elysia<"", SingletonBase, DefinitionBase, MetadataBase, Answers>;

/**
 * Never throws for an answer: `data` is set for a 2xx, else `error` with its `status` and `value`. Without any answer
 * (no connection) `error.status` is 503 and `response` undefined. Times stay ISO 8601 strings.
 *
 * @param baseUrl where Spark Control is: `http://spark-control.local:9999`
 * @example
 * const { data, error } = await sparkControl("http://localhost:9999").api.swap.post({ model: "gpt-oss-20b" });
 */
export function sparkControl(baseUrl: string) {
  // Eden's default turns every string that looks like a time into a Date, against the declared type.
  return treaty<Served>(baseUrl, { parseDate: false });
}

export type SparkControl = ReturnType<typeof sparkControl>;
