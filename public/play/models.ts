/** What the gateway has to offer now: asked for when the page is opened, and again when what is loaded changes. */
import { place } from "../router.ts";
import { connection, services, slots } from "../state.ts";
import { effect, signal } from "../store.ts";
import { fetchGatewayModels, type GatewayModel } from "./gateway.ts";

/** Null until they are known. */
export const offered = signal<readonly GatewayModel[] | null>(null);

let asked = "";
effect(() => {
  if (place.value.page.id !== "playground") return;
  const served = slots.value.map(({ name, state, model }) => `${name} ${state} ${model}`).join("\n");
  const beside = (services.value ?? []).map(({ name, state }) => `${name} ${state}`).join("\n");
  const reason = `${place.value.page.id}\n${connection.value.state}\n${served}\n${beside}`;
  if (reason === asked) return;
  asked = reason;
  fetchGatewayModels().then(
    (models) => {
      if (reason === asked) offered.value = models;
    },
    () => {
      // Asked again with the next change.
      asked = "";
      offered.value ??= [];
    },
  );
});

/** Those that answer now. Reads a signal. */
export const answering = (kind: GatewayModel["kind"]): readonly GatewayModel[] =>
  (offered.value ?? []).filter((model) => model.kind === kind && model.loaded);
