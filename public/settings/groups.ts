/** Names of the settings, and in which groups they are shown. What is not named here shows up as it is called. */

export interface Group {
  readonly id: string;
  readonly title: string;
  readonly help: string;
  readonly keys: Readonly<Record<string, string>>;
}

export const GROUPS: readonly Group[] = [
  {
    id: "swap",
    title: "Swap",
    help: "How a model is stopped and loaded.",
    keys: {
      drain_seconds: "Wait for requests",
      drain_on_timeout: "Requests that still run then",
      stall_seconds: "A load is stuck after",
      load_limit_seconds: "A load ends after",
      memory_reserve_gib: "Memory kept free",
      auto_restart_vllm: "Load a model again that died",
    },
  },
  {
    id: "gateway",
    title: "Gateway",
    help: "What becomes of the requests of apps.",
    keys: {
      gateway_routing: "Model that is not loaded",
      gateway_hold_seconds: "Hold a request at most",
      gateway_dwell_seconds: "Let a model serve at least",
      gateway_limit: "Limit of requests",
      gateway_chat_in_flight: "Chats at a time",
      gateway_chat_queue: "Chats that wait",
      gateway_audio_in_flight: "Speech at a time",
      gateway_audio_queue: "Speech that waits",
      gateway_text_in_flight: "Embeddings at a time",
      gateway_text_queue: "Embeddings that wait",
      gateway_queue_seconds: "Wait at most",
    },
  },
  {
    id: "services",
    title: "Health of services",
    help: "How they are watched.",
    keys: {
      probe_seconds: "Look every",
      deep_check_minutes: "Deep check every",
      service_start_seconds: "May start for",
      update_limit_seconds: "An update of a bot ends after",
    },
  },
  {
    id: "access",
    title: "Access",
    help: "Under which names, from which sites and through which proxies.",
    keys: {
      allowed_hosts: "Allowed names",
      cors_origins: "Other sites",
      trusted_proxies: "Trusted proxies",
    },
  },
];

const OTHERS: Group = { id: "others", title: "Others", help: "", keys: {} };

/** Every setting is in one group. @param keys of all settings */
export function grouped(keys: readonly string[]): { readonly group: Group; readonly keys: readonly string[] }[] {
  const named = GROUPS.map((group) => ({ group, keys: Object.keys(group.keys).filter((key) => keys.includes(key)) }));
  const rest = keys.filter((key) => !GROUPS.some((group) => Object.hasOwn(group.keys, key)));
  return [...named, { group: OTHERS, keys: rest }].filter((each) => each.keys.length > 0);
}

/** "gateway_x_y" → "Gateway x y", where it has no name of its own. */
export function labelOf(key: string): string {
  const named = GROUPS.map(({ keys }) => keys[key]).find((label) => label !== undefined);
  return named ?? sentenceCase(key);
}

export function sentenceCase(key: string): string {
  const words = key.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What the words of a choice mean, in the field. */
const CHOICES: Readonly<Record<string, string>> = {
  ask: "Ask in the dashboard",
  fail: "Fail, and stop nothing",
  cut_off: "Cut them off",
  fixed: "Fixed",
  adaptive: "Adaptive",
  refuse: "Refuse the request",
  hold: "Hold it, and load the model",
};

export const choiceLabel = (choice: string): string => CHOICES[choice] ?? sentenceCase(choice);
