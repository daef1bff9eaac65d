/** The dashboard: its elements, its clock, its router, its one stream. */
import { startClock } from "./clock.ts";
import { clusterNow } from "./cluster-now.ts";
import { startFeed } from "./feed.ts";
import { startKeys } from "./keys.ts";
import { AuditList } from "./panels/audit-list.ts";
import { ClusterBlock } from "./panels/cluster-block.ts";
import { CommandPalette } from "./panels/command-palette.ts";
import { ConfirmDialog } from "./panels/confirm-dialog.ts";
import { ConnectionState } from "./panels/connection-state.ts";
import { MachineList } from "./panels/machine-list.ts";
import { ModelList } from "./panels/model-list.ts";
import { MorePages } from "./panels/more-pages.ts";
import { NextDay } from "./panels/next-day.ts";
import { PageBanners } from "./panels/page-banners.ts";
import { PageClock } from "./panels/page-clock.ts";
import { PlannedList } from "./panels/planned-list.ts";
import { ReservationPanel } from "./panels/reservation-panel.ts";
import { SetUp } from "./panels/set-up.ts";
import { SettingsPage } from "./panels/settings-page.ts";
import { ShortcutList } from "./panels/shortcut-list.ts";
import { SlotBoard } from "./panels/slot-board.ts";
import { SparkList } from "./panels/spark-list.ts";
import { SparkSettings } from "./panels/spark-settings.ts";
import { SwapDialog } from "./panels/swap-dialog.ts";
import { SwapLatest } from "./panels/swap-latest.ts";
import { SwapList } from "./panels/swap-list.ts";
import { SwapLog } from "./panels/swap-log.ts";
import { SwapNotice } from "./panels/swap-notice.ts";
import { SwapPage } from "./panels/swap-page.ts";
import { ThemeMenu } from "./panels/theme-menu.ts";
import { WebhookDeliveries } from "./panels/webhook-deliveries.ts";
import { WebhookList } from "./panels/webhook-list.ts";
import { startReveal } from "./reveal.ts";
import { place, startRouter } from "./router.ts";
import { LeaveSimulated } from "./set-up/simulation.ts";
import { nodeChangedAt } from "./since.ts";
import { connection, nodes } from "./state.ts";
import { effect } from "./store.ts";
import { followTheme } from "./theme-choice.ts";

const ELEMENTS = {
  "swap-log": SwapLog,
  "swap-dialog": SwapDialog,
  "confirm-dialog": ConfirmDialog,
  "command-palette": CommandPalette,
  "shortcut-list": ShortcutList,
  "more-pages": MorePages,
  "cluster-block": ClusterBlock,
  "connection-state": ConnectionState,
  "page-clock": PageClock,
  "theme-menu": ThemeMenu,
  "page-banners": PageBanners,
  "set-up": SetUp,
  "spark-settings": SparkSettings,
  "leave-simulated": LeaveSimulated,
  "swap-notice": SwapNotice,
  "slot-board": SlotBoard,
  "spark-list": SparkList,
  "model-list": ModelList,
  "swap-latest": SwapLatest,
  "machine-list": MachineList,
  "swap-list": SwapList,
  "swap-page": SwapPage,
  "audit-list": AuditList,
  "settings-page": SettingsPage,
  "next-day": NextDay,
  "reservation-panel": ReservationPanel,
  "planned-list": PlannedList,
  "webhook-list": WebhookList,
  "webhook-deliveries": WebhookDeliveries,
} as const;

declare global {
  interface HTMLElementTagNameMap {
    "swap-log": SwapLog;
    "swap-dialog": SwapDialog;
    "confirm-dialog": ConfirmDialog;
    "command-palette": CommandPalette;
    "shortcut-list": ShortcutList;
    "more-pages": MorePages;
    "webhook-deliveries": WebhookDeliveries;
  }
}

startRouter();
for (const [name, element] of Object.entries(ELEMENTS)) customElements.define(name, element);

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
startClock();
startReveal();
startFeed();
