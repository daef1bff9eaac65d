/** Settings of this browser, the controller and the Sparks. */
import "../app.ts";
import { define } from "../define.ts";
import { SettingsPage } from "../panels/settings-page.ts";
import { SparkSettings } from "../panels/spark-settings.ts";

define({
  "settings-page": SettingsPage,
  "spark-settings": SparkSettings,
});
