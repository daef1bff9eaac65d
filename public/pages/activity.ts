/** Activity: earlier swaps, and who did what. */
import "../app.ts";
import { define } from "../define.ts";
import { AuditList } from "../panels/audit-list.ts";
import { SwapList } from "../panels/swap-list.ts";

define({
  "swap-list": SwapList,
  "audit-list": AuditList,
});
