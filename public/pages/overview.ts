/** Overview: what is served, what there is to load, who holds the GPUs. */
import "../app.ts";
import { define, defineWhen } from "../define.ts";
import { ModelList } from "../panels/model-list.ts";
import { NextDay } from "../panels/next-day.ts";
import { ReservationPanel } from "../panels/reservation-panel.ts";
import { ServiceStates } from "../panels/service-states.ts";
import { SlotBoard } from "../panels/slot-board.ts";
import { SparkList } from "../panels/spark-list.ts";
import { SwapLatest } from "../panels/swap-latest.ts";
import { SwapNotice } from "../panels/swap-notice.ts";
import { STEP_KEY } from "../set-up/step-key.ts";
import { controller, running } from "../state.ts";

define({
  "swap-notice": SwapNotice,
  "slot-board": SlotBoard,
  "model-list": ModelList,
  "next-day": NextDay,
  "reservation-panel": ReservationPanel,
  "service-states": ServiceStates,
  "spark-list": SparkList,
  "swap-latest": SwapLatest,
});

defineWhen(
  () => running.value.length > 0,
  async () => ({ "swap-log": (await import("../panels/swap-log.ts")).SwapLog }),
);
defineWhen(
  // Its last step is shown when the Sparks are there already.
  () => controller.value !== null && (!controller.value.configured || sessionStorage.getItem(STEP_KEY) !== null),
  async () => ({ "set-up": (await import("../panels/set-up.ts")).SetUp }),
);
