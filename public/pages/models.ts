/** Models: everything that can be loaded. */
import "../app.ts";
import { define } from "../define.ts";
import { ModelList } from "../panels/model-list.ts";

define({
  "model-list": ModelList,
});
