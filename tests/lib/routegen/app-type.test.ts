import { expect, test } from "bun:test";
import type { App } from "../../../routes/_app.ts";

/** Does not compile unless the two are the same type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Routes = App["~Routes"];

test("the type of the app has the routes, nested as their URLs are, with the shapes of their answers", () => {
  const health: Same<Routes["health"]["get"]["response"][200]["status"], "ok"> = true;
  const job: Same<Routes["api"]["swap"][":id"]["get"]["params"]["id"], string> = true;
  const hasPost: "post" extends keyof Routes["api"]["swap"] ? true : false = true;
  // @ts-expect-error: what is no route is no member; a type that had become `any` would have it.
  type Missing = Routes["nothing-here"];
  const missing: Missing | undefined = undefined;

  expect([health, job, hasPost, missing]).toEqual([true, true, true, undefined]);
});
