/** Models: everything that can be loaded. */
import "../app.ts";
import { define } from "../define.ts";
import { DownloadList } from "../panels/download-list.ts";
import { ModelDesk } from "../panels/model-desk.ts";
import { ModelList } from "../panels/model-list.ts";

define({
  "model-list": ModelList,
  "download-list": DownloadList,
  "model-desk": ModelDesk,
});
