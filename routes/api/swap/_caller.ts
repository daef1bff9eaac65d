import { withoutTokens } from "../../../lib/token-text.ts";

/** Who asks, for history and record: browsers are the dashboard, others give their product name (User-Agent, RFC 9110 §10.1.5). */
export function callerOf(request: Request): string {
  const product = request.headers.get("user-agent")?.split(/[\s/]/, 1)[0] ?? "";
  if (product === "Mozilla") return "dashboard";
  return product === "" ? "unknown" : withoutTokens(product).slice(0, 60);
}
