/** All effects of a swap, as the engine takes them. */
import type { EffectBodies } from "../run-services.ts";
import { cleanUp } from "./clean-up.ts";
import { drain } from "./drain.ts";
import { follow } from "./follow.ts";
import { createLaunch } from "./launch.ts";
import { look } from "./look.ts";
import { prepare } from "./prepare.ts";
import { stop } from "./stop.ts";
import { verify } from "./verify.ts";

/** @param quote the one quoting function */
export function swapEffects(quote: (text: string) => string): EffectBodies {
  return { prepare, drain, stop, launch: createLaunch(quote), follow, verify, clean_up: cleanUp, look };
}
