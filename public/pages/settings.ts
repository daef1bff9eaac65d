/** Settings of this browser, the controller and the Sparks. */
import "../app.ts";
import { define } from "../define.ts";
import { ConfigProblems } from "../panels/config-problems.ts";
import { SettingList } from "../panels/setting-list.ts";
import { SettingsPage } from "../panels/settings-page.ts";
import { SparkSettings } from "../panels/spark-settings.ts";
import { UpgradeReport } from "../panels/upgrade-report.ts";

define({
  "config-problems": ConfigProblems,
  "spark-settings": SparkSettings,
  "setting-list": SettingList,
  "settings-page": SettingsPage,
  "upgrade-report": UpgradeReport,
});
