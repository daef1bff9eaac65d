/** Where a person changes the configuration: Set-up for the Sparks, the catalog for models, Settings for everything else. */
import { type CatalogDesk, createCatalogDesk } from "./catalog/desk.ts";
import { createSettings, type SettingsDesk } from "./settings/settings.ts";
import { createSetup, type Setup, type SetupOptions } from "./setup/setup.ts";

export interface ConfigDesk {
  readonly setup: Setup;
  readonly settings: SettingsDesk;
  readonly catalogDesk: CatalogDesk;
}

export const createConfigDesk = (options: SetupOptions & { readonly shippedCatalogPath: string }): ConfigDesk => ({
  setup: createSetup(options),
  settings: createSettings(options),
  catalogDesk: createCatalogDesk({ ...options, shippedPath: options.shippedCatalogPath }),
});
