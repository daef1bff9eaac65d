/** The dashboard: its elements, its clock, its one stream. */
import { startClock } from "./clock.ts";
import { startFeed } from "./feed.ts";
import { CancelDialog } from "./panels/cancel-dialog.ts";
import { ConnectionState } from "./panels/connection-state.ts";
import { ModelList } from "./panels/model-list.ts";
import { PageBanners } from "./panels/page-banners.ts";
import { SetUp } from "./panels/set-up.ts";
import { SlotBoard } from "./panels/slot-board.ts";
import { SparkList } from "./panels/spark-list.ts";
import { SwapDialog } from "./panels/swap-dialog.ts";
import { SwapHistory } from "./panels/swap-history.ts";
import { SwapLog } from "./panels/swap-log.ts";
import { SwapNotice } from "./panels/swap-notice.ts";
import { connection, running } from "./state.ts";
import { effect } from "./store.ts";

const ELEMENTS = {
  "swap-log": SwapLog,
  "swap-dialog": SwapDialog,
  "cancel-dialog": CancelDialog,
  "connection-state": ConnectionState,
  "page-banners": PageBanners,
  "set-up": SetUp,
  "swap-notice": SwapNotice,
  "slot-board": SlotBoard,
  "spark-list": SparkList,
  "model-list": ModelList,
  "swap-history": SwapHistory,
} as const;

declare global {
  interface HTMLElementTagNameMap {
    "swap-log": SwapLog;
    "swap-dialog": SwapDialog;
    "cancel-dialog": CancelDialog;
  }
}

for (const [name, element] of Object.entries(ELEMENTS)) customElements.define(name, element);

effect(() => {
  const [job] = running.value;
  document.title = job ? `${Math.round(job.progress * 100)} % · ${job.model_name}` : "Spark Control";
  document.documentElement.toggleAttribute("data-lost", connection.value.state === "lost");
});

startClock();
startFeed();
