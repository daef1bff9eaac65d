import { readWebhook, webhookJson } from "../fileModels/webhook.json";
import { type Path, Shared, servicesYaml, topologyYaml, Unusable, YamlText } from "../fileModels/yamlText";
import { i18n } from "../i18n";
import { sdk } from "../sdk";
import { BRIDGE, type Bridge, editServices, SERVICES, type ServiceName } from "./services";
import { isContainer, isHost, isPort, isSecret, isUser } from "./validators";
import { isWebhookUrl } from "./webhookUrl";

const { InputSpec, Value } = sdk;
const node = (name: string) => ({ list: "nodes", name });
const MAIN = { list: "slots", name: "main" };
const SSH_PORT = 22;

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
    values: Object.fromEntries(SERVICES.map((name) => [name, name])) as Record<ServiceName, string>,
  }),
  matrixUser: text(
    i18n("User of the Matrix bridge"),
    i18n(
      "Blank: there is no bridge, and its tile is hidden. It stays hidden while it is among the services to hide; another user here takes it out of them.",
    ),
  ),
  webhookUrl: text(
    i18n("Webhook URL"),
    i18n("Gets swap_complete and swap_failed. The dashboard changes it too, and has others. Blank: none."),
  ),
  webhookSecret: text(i18n("Webhook secret"), i18n("Signs what is sent. Blank: as it is."), null, true),
});

const BRIDGE_SAID: Readonly<Record<Bridge, readonly string[]>> = {
  "as it was": [],
  hidden: [i18n("The Matrix bridge is hidden: it is among the services to hide.")],
  "shown again": [i18n("The Matrix bridge is shown again, because you entered a user.")],
};

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
    const topologyText = edited("topology.yaml", () => {
      editSparks(topology, [wanted.spark1, wanted.spark2]);
      if (wanted.vllmPort !== null || wanted.vllmContainer !== null || topology.names("slots").includes(MAIN.name)) {
        topology.set([MAIN, "port"], wanted.vllmPort);
        topology.set([MAIN, "container"], wanted.vllmContainer);
      }
      return topology.text();
    });
    const bridge = edited("services-overrides.yaml", () => editServices(services, wanted));
    const servicesText = edited("services-overrides.yaml", () => services.text());

    const { webhook: before, isDamaged } = await readWebhook();
    const { webhookUrl: url, webhookSecret } = wanted;
    // Both are known to be writable as text by now: never one of them alone.
    await topologyYaml.write(effects, topologyText);
    await servicesYaml.write(effects, servicesText);
    // A form that was left as it is takes nothing back that the dashboard has changed meanwhile.
    if ((before?.url ?? null) !== url || (url !== null && webhookSecret !== null)) {
      const notTaken = before?.wanted ? before.secret : null;
      await webhookJson.write(effects, {
        url,
        secret: url === null ? null : (webhookSecret ?? notTaken),
        wanted: true,
      });
    } else if (isDamaged) {
      // Nothing is wanted: the controller writes into it what there is.
      await webhookJson.write(effects, { url: null, secret: null, wanted: false });
    }
    const next = i18n("Open Set-up in the dashboard: it checks everything that a launch needs.");
    return {
      version: "1",
      title: i18n("Saved"),
      message: [...BRIDGE_SAID[bridge], next].join(" "),
      result: null,
    };
  },
);

/**
 * The first Spark of the form is the first of the file, whatever its name. One that is left blank goes, with its place in the slot
 * over all Sparks. @throws Unusable; Error in words
 */
function editSparks(topology: YamlText, wanted: readonly { host: string | null; user: string | null }[]): void {
  const before = topology.names("nodes");
  const twice = before.find((name, at) => before.indexOf(name) !== at);
  if (twice !== undefined)
    throw new Error(
      i18n("Two Sparks of topology.yaml are called ${name}. Give one of them another name.", { name: twice }),
    );
  for (const [index, { host, user }] of wanted.entries()) {
    const there = before[index];
    if (host === null) {
      if (there !== undefined) removeSpark(topology, there, before);
      continue;
    }
    const name = there ?? freeName(topology.names("nodes"), index);
    topology.set([node(name), "host"], host);
    topology.set([node(name), "user"], user);
  }
  const after = topology.names("nodes");
  checkAddresses(topology, after);
  // Without a list it is over all Sparks by itself.
  const members = topology.texts([MAIN, "nodes"]);
  if (members !== null && isSame(members, before) && !isSame(before, after))
    topology.setTexts([MAIN, "nodes"], after.length > 0 ? after : null);
}

function removeSpark(topology: YamlText, name: string, all: readonly string[]): void {
  for (const slot of topology.names("slots")) {
    const members = topology.texts([{ list: "slots", name: slot }, "nodes"]) ?? [];
    if (members.includes(name) && !(slot === MAIN.name && isSame(members, all)))
      throw new Error(
        i18n("${name} belongs to the slot ${slot} of topology.yaml. Change the slot first.", { name, slot }),
      );
  }
  // What has no name is called by its place: slots and services go on naming the Sparks behind by what they were called.
  for (const behind of all.slice(all.indexOf(name) + 1)) topology.set([node(behind), "name"], behind);
  topology.remove(node(name));
}

/** Two Sparks behind one SSH server are none to the controller, which never contacts the second. @throws Unusable; Error in words */
function checkAddresses(topology: YamlText, names: readonly string[]): void {
  const known = new Map<string, string>();
  for (const name of names) {
    const host = topology.get([node(name), "host"]);
    if (host === null) continue;
    const place = `${host} ${topology.get([node(name), "ssh_port"]) ?? SSH_PORT}`.toLowerCase();
    const one = known.get(place);
    if (one !== undefined)
      throw new Error(
        i18n("${one} and ${other} have the same address. Each Spark needs one of its own.", { one, other: name }),
      );
    known.set(place, name);
  }
}

function freeName(taken: readonly string[], index: number): string {
  const numbers = [index + 1, ...Array.from(taken, (_, at) => at + 1), taken.length + 1];
  return numbers.map((number) => `spark-${number}`).find((name) => !taken.includes(name)) ?? "spark";
}

const isSame = (one: readonly string[], other: readonly string[]) =>
  one.length === other.length && other.every((name) => one.includes(name));

/** A part of the file that is not what it should be is said in words, not in those of a YAML library. */
function edited<Result>(file: string, edit: () => Result): Result {
  try {
    return edit();
  } catch (error) {
    if (error instanceof Shared)
      throw new Error(
        i18n("${file} has YAML aliases (&, *) where it would be changed. Write the values out.", { file }),
      );
    if (!(error instanceof Unusable)) throw error;
    throw new Error(i18n("${file} cannot be changed from here. Mend it in the dashboard, or move it away.", { file }));
  }
}

async function prefill() {
  const topology = await parsed(topologyYaml, "topology.yaml").catch(() => YamlText.parse("", null));
  const services = await parsed(servicesYaml, "services-overrides.yaml").catch(() => YamlText.parse("", null));
  const { webhook } = await readWebhook();
  // A part that cannot be read is shown blank; saving says what is wrong with it.
  const value = (from: YamlText, path: Path) => {
    try {
      return from.get(path);
    } catch {
      return null;
    }
  };
  const said = (from: YamlText, path: Path) => {
    const found = value(from, path);
    return found === null ? null : String(found);
  };
  const names = (() => {
    try {
      return topology.names("nodes");
    } catch {
      return [];
    }
  })();
  const sparkAt = (index: number) => {
    const name = names[index];
    const field = (key: string) => (name === undefined ? null : said(topology, [node(name), key]));
    return { host: field("host"), user: field("user") };
  };
  const port = value(topology, [MAIN, "port"]);
  return {
    spark1: sparkAt(0),
    spark2: sparkAt(1),
    vllmPort: typeof port === "number" ? port : null,
    vllmContainer: said(topology, [MAIN, "container"]),
    hiddenServices: SERVICES.filter((name) => value(services, ["services", name, "disabled"]) === true),
    matrixUser: said(services, ["services", BRIDGE, "user"]),
    webhookUrl: webhook?.url ?? null,
    // Never shown again.
    webhookSecret: null,
  };
}

async function parsed(file: typeof topologyYaml, name: string): Promise<YamlText> {
  const text = await file.read().once();
  return edited(name, () => YamlText.parse(name, text));
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
  const sparkOf = (value: Input["spark1"] | undefined | null, name: string) => {
    const host = valid(`${name}, ${i18n("Address")}`, value?.host, isHost);
    const user = valid(`${name}, ${i18n("User")}`, value?.user, isUser);
    if ((host === null) !== (user === null))
      throw new Error(i18n("${field}: address and user belong together.", { field: name }));
    return { host, user };
  };
  const { vllmPort } = input;
  const port: unknown = (vllmPort as unknown) === "" ? null : (vllmPort ?? null);
  if (port !== null && !(typeof port === "number" && isPort(port)))
    throw new Error(i18n("${field}: this value cannot be used.", { field: i18n("Port of vLLM") }));
  const hidden: readonly unknown[] = Array.isArray(input.hiddenServices) ? input.hiddenServices : [];
  const spark1 = sparkOf(input.spark1, i18n("First Spark (head)"));
  const spark2 = sparkOf(input.spark2, i18n("Second Spark"));
  if (spark1.host === null && spark2.host !== null)
    throw new Error(i18n("A second Spark needs a first one: a single Spark is the first."));
  return {
    spark1,
    spark2,
    vllmPort: port as number | null,
    vllmContainer: valid(i18n("Container of vLLM"), input.vllmContainer, isContainer),
    hiddenServices: SERVICES.filter((name) => hidden.includes(name)),
    matrixUser: valid(i18n("User of the Matrix bridge"), input.matrixUser, isUser),
    webhookUrl: valid(i18n("Webhook URL"), input.webhookUrl, isWebhookUrl),
    webhookSecret: valid(i18n("Webhook secret"), input.webhookSecret, isSecret),
  };
}
