/** The frame of every page: its elements, its clock, its router, its one stream. What belongs to a page is in `pages/`. */
import { startClock } from "./clock.ts";
import { clusterNow } from "./cluster-now.ts";
import { define } from "./define.ts";
import { startDialogs } from "./dialogs.ts";
import { startFeed } from "./feed.ts";
import { startKeys } from "./keys.ts";
import { ClusterBlock } from "./panels/cluster-block.ts";
import { ConfirmDialog } from "./panels/confirm-dialog.ts";
import { ConnectionState } from "./panels/connection-state.ts";
import { MorePages } from "./panels/more-pages.ts";
import { PageBanners } from "./panels/page-banners.ts";
import { PageClock } from "./panels/page-clock.ts";
import { ThemeMenu } from "./panels/theme-menu.ts";
import { place, startRouter } from "./router.ts";
import { LeaveSimulated } from "./set-up/simulation.ts";
import { nodeChangedAt } from "./since.ts";
import { connection, nodes } from "./state.ts";
import { effect } from "./store.ts";
import { followTheme } from "./theme-choice.ts";

startRouter();
define({
  "confirm-dialog": ConfirmDialog,
  "more-pages": MorePages,
  "cluster-block": ClusterBlock,
  "connection-state": ConnectionState,
  "page-clock": PageClock,
  "theme-menu": ThemeMenu,
  "page-banners": PageBanners,
  "leave-simulated": LeaveSimulated,
});

effect(() => {
  const now = clusterNow();
  const { page } = place.value;
  // Progress and failure first: they are what is read in a row of tabs.
  const cluster = now === null ? [] : now.progress === null ? [now.name] : [now.short.split(",")[0] ?? "", now.name];
  const down = now?.tone === "bad" ? [now.detail, now.name, page.title] : null;
  const words = down ?? (now?.progress == null ? [page.title, ...cluster] : [...cluster, page.title]);
  document.title = [...words, "Spark Control"].join(" · ");
});
// A Spark that changes is noted on every page, so that each can say since when.
effect(() => nodes.value.forEach(nodeChangedAt));
effect(() => void document.documentElement.toggleAttribute("data-lost", connection.value.state === "lost"));

followTheme();
startKeys();
startDialogs();
startClock();
startFeed();
