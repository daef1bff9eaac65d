/** Where a person changes the configuration: Set-up for the Sparks, Settings for everything else. */
import { createSettings, type SettingsDesk } from "./settings/settings.ts";
import { createSetup, type Setup, type SetupOptions } from "./setup/setup.ts";

export interface ConfigDesk {
  readonly setup: Setup;
  readonly settings: SettingsDesk;
}

export const createConfigDesk = (options: SetupOptions): ConfigDesk => ({
  setup: createSetup(options),
  settings: createSettings(options),
});
