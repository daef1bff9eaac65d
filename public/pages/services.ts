/** Services: what runs beside the models, how it is, and what can be done with it. */
import "../app.ts";
import { define } from "../define.ts";
import { ServiceList } from "../panels/service-list.ts";
import { ServiceLog } from "../panels/service-log.ts";

define({ "service-list": ServiceList, "service-log": ServiceLog });
