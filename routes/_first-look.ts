/** What a page of the dashboard says before its data have arrived: enough to keep their places free. */
import type { ControlPlane } from "../lib/control-plane.ts";
import { statusOf } from "../lib/status.ts";

/** An older result is history, not news: public/panels/swap-notice.ts. */
const NEWS_MS = 30 * 60_000;
/** More fill any window. */
const SHOWN_SWAPS = 12;

/**
 * Attributes of `<html>`: `data-simulated`; `data-first`, words and counts such as `held swapping models-8 found-2 nodes-2 slots-1 services-7 swaps-3 failed-1`;
 * `data-news`, the swap whose end is news.
 * @param canLeave the simulated cluster can be left from the page
 */
export function firstLook(
  plane: Parameters<typeof statusOf>[0] & Pick<ControlPlane, "services" | "inventory">,
  canLeave: boolean,
  now: number = Date.now(),
): Readonly<Record<string, string>> {
  const { simulated, configured, nodes, slots, swaps, lock, problems, store_problem: store } = statusOf(plane);
  const news = newsOf(plane, slots, now);
  const known = plane.config.current.catalog.models.length;
  const shown = plane.swaps.list(SHOWN_SWAPS);
  const words = [
    !configured && "set-up",
    lock !== null && "held",
    problems.length > 0 && "problems",
    store !== null && "store",
    canLeave && "leavable",
    swaps.length > 0 && "swapping",
    news?.word,
    `models-${known}`,
    `found-${plane.inventory.menu.models.length - known}`,
    `nodes-${nodes.length}`,
    `slots-${slots.length}`,
    `services-${plane.services.list().filter(({ state }) => state !== "not_configured").length}`,
    `swaps-${shown.length}`,
    // Those have a sentence in the list.
    `failed-${shown.filter(({ state, died }) => state === "failed" || died).length}`,
  ];
  return {
    ...(simulated ? { "data-simulated": "" } : {}),
    "data-first": words.filter((word) => word !== false && word !== undefined).join(" "),
    ...(news ? { "data-news": news.jobId } : {}),
  };
}

function newsOf(
  { swaps }: Pick<ControlPlane, "swaps">,
  slots: ReturnType<typeof statusOf>["slots"],
  now: number,
): { readonly word: "news" | "bad-news"; readonly jobId: string } | null {
  const last = swaps.list(1)[0];
  if (!last?.ended_at || now - Date.parse(last.ended_at) > NEWS_MS) return null;
  const serves = slots.some(
    ({ name, model, state }) => name === last.slot && model === last.model && state === "serving",
  );
  if (last.state === "ready" && !serves) return null;
  const isGood = last.state === "ready" || (last.state === "cancelled" && last.failure === null);
  return { word: isGood ? "news" : "bad-news", jobId: last.job_id };
}
