import { webhookJson } from "../fileModels/webhook.json";
import { servicesYaml, topologyYaml, Unusable, YamlText } from "../fileModels/yamlText";
import { i18n } from "../i18n";
import { sdk } from "../sdk";
import { isContainer, isHost, isPort, isSecret, isUser, isWebhookUrl } from "./validators";

const { InputSpec, Value } = sdk;
const SERVICES = ["parakeet", "diarizer", "kokoro", "embeddings", "reranker", "qdrant"] as const;
const BRIDGE = "matrix-bridge";
const NODES = ["spark-1", "spark-2"] as const;
const node = (name: string) => ({ list: "nodes", name });
const MAIN = { list: "slots", name: "main" };

const text = (name: string, description: string, placeholder: string | null = null, masked = false) =>
  Value.text({ name, description, required: false, default: null, placeholder, masked });

const spark = (name: string) =>
  Value.object(
    { name },
    InputSpec.of({
      host: text(i18n("Address"), i18n("IP address of the Spark. Names that end in .local may not resolve here.")),
      user: text(i18n("User"), i18n("Login name on the Spark; the user has to be in the group docker.")),
    }),
  );

export const inputSpec = InputSpec.of({
  spark1: spark(i18n("First Spark (head)")),
  spark2: spark(i18n("Second Spark")),
  vllmPort: Value.number({
    name: i18n("Port of vLLM"),
    description: i18n("Blank: 8888."),
    required: false,
    default: null,
    integer: true,
    min: 1,
    max: 65_535,
    placeholder: "8888",
  }),
  vllmContainer: text(i18n("Container of vLLM"), i18n("Blank: vllm_node."), "vllm_node"),
  hiddenServices: Value.multiselect({
    name: i18n("Services to hide"),
    description: i18n("Services that you do not run: they are neither shown nor probed."),
    default: [],
    values: Object.fromEntries(SERVICES.map((name) => [name, name])) as Record<(typeof SERVICES)[number], string>,
  }),
  matrixUser: text(i18n("User of the Matrix bridge"), i18n("Blank: there is no bridge, and its tile is hidden.")),
  webhookUrl: text(i18n("Webhook URL"), i18n("Gets swap_complete and swap_failed. Blank: none.")),
  webhookSecret: text(i18n("Webhook secret"), i18n("Signs what is sent. Blank: as it is."), null, true),
});

type Input = typeof inputSpec._TYPE;

export const configureSparks = sdk.Action.withInput(
  "configure-sparks",
  async () => ({
    name: i18n("Configure Sparks"),
    description: i18n("Addresses and users of the Sparks, and what runs on them. The dashboard edits the same values."),
    warning: null,
    allowedStatuses: "any",
    group: null,
    visibility: "enabled",
  }),
  inputSpec,
  prefill,
  async ({ effects, input }) => {
    const wanted = checked(input);
    const topology = await parsed(topologyYaml, "topology.yaml");
    const services = await parsed(servicesYaml, "services-overrides.yaml");
    for (const [index, name] of NODES.entries()) {
      const { host, user } = index === 0 ? wanted.spark1 : wanted.spark2;
      const isThere = topology.get([node(name), "name"]) !== null;
      if (host === null && user === null && !isThere) continue;
      topology.set([node(name), "host"], host);
      topology.set([node(name), "user"], user);
    }
    const differs = wanted.vllmPort !== null || wanted.vllmContainer !== null;
    if (differs || topology.get([MAIN, "name"]) !== null) {
      topology.set([MAIN, "port"], wanted.vllmPort);
      topology.set([MAIN, "container"], wanted.vllmContainer);
      if (differs)
        topology.setListOnce(
          [MAIN, "nodes"],
          NODES.filter((name) => topology.get([node(name), "name"]) !== null),
        );
    }
    for (const name of SERVICES) {
      const isHidden = wanted.hiddenServices.includes(name);
      if (isHidden || services.get(["services", name, "disabled"]) !== null)
        services.set(["services", name, "disabled"], isHidden ? true : null);
    }
    if (wanted.matrixUser !== null || services.get(["services", BRIDGE, "user"]) !== null)
      services.set(["services", BRIDGE, "user"], wanted.matrixUser);

    const before = await webhookJson.read().once();
    const secret = wanted.webhookUrl === null ? null : (wanted.webhookSecret ?? before?.secret ?? null);
    await topologyYaml.write(effects, topology.toString());
    await servicesYaml.write(effects, services.toString());
    // The daemon restarts when it changes: not for nothing.
    if (before?.url !== wanted.webhookUrl || (before?.secret ?? null) !== secret)
      await webhookJson.write(effects, { url: wanted.webhookUrl, secret });
    return {
      version: "1",
      title: i18n("Saved"),
      message: i18n("Open Set-up in the dashboard: it checks everything that a launch needs."),
      result: null,
    };
  },
);

async function prefill() {
  const topology = await parsed(topologyYaml, "topology.yaml").catch(() => YamlText.parse("", null));
  const services = await parsed(servicesYaml, "services-overrides.yaml").catch(() => YamlText.parse("", null));
  const webhook = await webhookJson.read().once();
  const said = (from: YamlText, path: Parameters<YamlText["get"]>[0]) => {
    const value = from.get(path);
    return value === null ? null : String(value);
  };
  const port = topology.get([MAIN, "port"]);
  return {
    spark1: { host: said(topology, [node("spark-1"), "host"]), user: said(topology, [node("spark-1"), "user"]) },
    spark2: { host: said(topology, [node("spark-2"), "host"]), user: said(topology, [node("spark-2"), "user"]) },
    vllmPort: typeof port === "number" ? port : null,
    vllmContainer: said(topology, [MAIN, "container"]),
    hiddenServices: SERVICES.filter((name) => services.get(["services", name, "disabled"]) === true),
    matrixUser: said(services, ["services", BRIDGE, "user"]),
    webhookUrl: webhook?.url ?? null,
    // Never shown again.
    webhookSecret: null,
  };
}

async function parsed(file: typeof topologyYaml, name: string): Promise<YamlText> {
  try {
    return YamlText.parse(name, await file.read().once());
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    throw new Error(
      i18n("${file} cannot be changed from here. Mend it in the dashboard, or move it away.", { file: name }),
    );
  }
}

/** The form's own rules hold for the form only. Blank is null. @throws Error that names the field */
function checked(input: Input) {
  const blank = (value: unknown): string | null => {
    if (value === null || value === undefined) return null;
    if (typeof value !== "string") throw new Error(i18n("A value is not text."));
    return value.trim() === "" ? null : value.trim();
  };
  const valid = (name: string, value: unknown, isFine: (text: string) => boolean): string | null => {
    const said = blank(value);
    // A value that is refused is not repeated: it may be a secret in the wrong field.
    if (said !== null && !isFine(said)) throw new Error(i18n("${field}: this value cannot be used.", { field: name }));
    return said;
  };
  const sparkOf = (value: Input["spark1"] | undefined | null, name: string) => ({
    host: valid(`${name}, ${i18n("Address")}`, value?.host, isHost),
    user: valid(`${name}, ${i18n("User")}`, value?.user, isUser),
  });
  const { vllmPort } = input;
  const port: unknown = (vllmPort as unknown) === "" ? null : (vllmPort ?? null);
  if (port !== null && !(typeof port === "number" && isPort(port)))
    throw new Error(i18n("${field}: this value cannot be used.", { field: i18n("Port of vLLM") }));
  const hidden: readonly unknown[] = Array.isArray(input.hiddenServices) ? input.hiddenServices : [];
  return {
    spark1: sparkOf(input.spark1, i18n("First Spark (head)")),
    spark2: sparkOf(input.spark2, i18n("Second Spark")),
    vllmPort: port as number | null,
    vllmContainer: valid(i18n("Container of vLLM"), input.vllmContainer, isContainer),
    hiddenServices: SERVICES.filter((name) => hidden.includes(name)),
    matrixUser: valid(i18n("User of the Matrix bridge"), input.matrixUser, isUser),
    webhookUrl: valid(i18n("Webhook URL"), input.webhookUrl, isWebhookUrl),
    webhookSecret: valid(i18n("Webhook secret"), input.webhookSecret, isSecret),
  };
}
