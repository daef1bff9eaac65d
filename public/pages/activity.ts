/** Activity: earlier swaps, requests of the gateway, and who did what. */
import "../app.ts";
import { define } from "../define.ts";
import { AuditList } from "../panels/audit-list.ts";
import { RequestList } from "../panels/request-list.ts";
import { SwapList } from "../panels/swap-list.ts";

define({
  "swap-list": SwapList,
  "request-list": RequestList,
  "audit-list": AuditList,
});
