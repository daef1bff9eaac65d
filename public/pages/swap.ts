/** One swap: its phases and its log. */
import "../app.ts";
import { define } from "../define.ts";
import { SwapLog } from "../panels/swap-log.ts";
import { SwapPage } from "../panels/swap-page.ts";

define({
  "swap-page": SwapPage,
  "swap-log": SwapLog,
});
