import { i18n } from "./i18n";
import { sdk } from "./sdk";
import { HOST_ID, INTERFACE_ID, PORT } from "./utils";

/** The dashboard, and with it the API: one address. */
export const setInterfaces = sdk.setupInterfaces(async ({ effects }) => {
  const host = sdk.MultiHost.of(effects, HOST_ID);
  const origin = await host.bindPort(PORT, { protocol: "http" });
  const ui = sdk.createInterface(effects, {
    name: i18n("Dashboard"),
    id: INTERFACE_ID,
    description: i18n("The dashboard, and the API for programs. There is no login: keep it on your LAN or VPN."),
    type: "ui",
    masked: false,
    schemeOverride: null,
    username: null,
    path: "",
    query: {},
  });
  return [await origin.export([ui])];
});
