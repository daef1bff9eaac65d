import { hostsJson } from "../fileModels/hosts.json";
import { sdk } from "../sdk";
import { HOST_ID, INTERFACE_ID, PORT } from "../utils";

/**
 * Names under which StartOS makes the dashboard reachable, for the controller's Host rule, which takes them up live. `onChange`
 * and not `const`: that would restart the service, and cut every stream, at each new address.
 */
export const keepHosts = sdk.setupOnInit(async (effects) => {
  const names = sdk.host.getOwn(effects, HOST_ID, (host) => {
    const address = host?.bindings[PORT]?.interfaces[INTERFACE_ID]?.addressInfo;
    const infos = address?.format("hostname-info") ?? [];
    return [...new Set(infos.map(({ hostname }) => hostname.toLowerCase()))].sort();
  });
  const write = async (hosts: readonly string[]) => {
    await hostsJson.write(effects, [...hosts]);
  };
  await write(await names.once());
  names.onChange(async (hosts) => {
    // Nothing is told while StartOS cannot be asked: what was written holds.
    if (hosts) await write(hosts);
    return { cancel: false };
  });
});
