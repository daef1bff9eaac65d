/** Every environment variable that Spark Control reads, for documentation and the settings page. */
import { DEFAULT_SERVICES } from "./default-services.ts";
import { NODE_VARIABLES } from "./load-nodes.ts";
import { SLOT_DEFAULTS } from "./load-slots.ts";

export interface EnvironmentVariable {
  readonly name: string;
  /** What it decides, in one sentence. */
  readonly meaning: string;
  /** What holds while it is unset or blank; null = nothing. */
  readonly default: string | null;
  /** `process`: read once at start. The others may also be said in the files of DATA_DIR. */
  readonly area: "process" | "node" | "vllm" | "service" | "access";
}

const NODE_MEANINGS: Readonly<
  Record<keyof typeof NODE_VARIABLES, readonly [meaning: string, fallback: string | null]>
> = {
  host: ["Host name or IP address for SSH", null],
  user: ["Login name", null],
  ssh_port: ["Port of the SSH server", "22"],
  address: ["IPv4 address for HTTP and the launch script", "the address that SSH connects to"],
  launch_dir: ["Folder of spark-vllm-docker", "~/spark-vllm-docker"],
  eth_if: ["Ethernet interface between the Sparks", "found by the launch script"],
  ib_if: ["RDMA interface between the Sparks", "found by the launch script"],
};

const one = (
  area: EnvironmentVariable["area"],
  name: string,
  meaning: string,
  fallback: string | null,
): EnvironmentVariable => ({ name, meaning, default: fallback, area });

function nodeVariables(number: 1 | 2): EnvironmentVariable[] {
  const role = number === 1 ? "the first Spark (head)" : "the second Spark";
  return (Object.keys(NODE_VARIABLES) as (keyof typeof NODE_VARIABLES)[]).map((key) => {
    const [meaning, fallback] = NODE_MEANINGS[key];
    return one("node", `SPARK${number}_${NODE_VARIABLES[key]}`, `${meaning} of ${role}.`, fallback);
  });
}

const serviceVariables: EnvironmentVariable[] = DEFAULT_SERVICES.flatMap(({ name, prefix, port, about }) => [
  one("service", `${prefix}_HOST`, `Host of ${about}.`, "the second Spark, or the only one"),
  ...(port === null ? [] : [one("service", `${prefix}_PORT`, `Port of ${about}.`, String(port))]),
  one("service", `${prefix}_CONTAINER`, `Container of ${about}.`, name),
]);

const services = DEFAULT_SERVICES.map((service) => service.name).join(", ");

export const ENVIRONMENT_VARIABLES: readonly EnvironmentVariable[] = [
  one("process", "PORT", "Port of the dashboard and the API.", "9999"),
  one("process", "HOST", "Address to listen on.", ":: (else 0.0.0.0)"),
  one("process", "DATA_DIR", "Folder of the configuration files and the databases.", "./data"),
  one("process", "SSH_KEY_PATH", "Private key for the Sparks.", "made in DATA_DIR at the first start"),
  one("process", "LOG_LEVEL", "debug, info, warn or error.", "info"),
  one("process", "WEBHOOK_URL", "Receiver of swap_complete and swap_failed; others are set at run time.", null),
  one("process", "WEBHOOK_SECRET", "Secret with which it is signed.", null),
  one("process", "SIM_FAULTS", "What fails on the simulated cluster, as a JSON list.", null),
  one("process", "SIM_SPEED", "Time factor of the simulated cluster.", "20"),
  ...nodeVariables(1),
  ...nodeVariables(2),
  one("vllm", "VLLM_PORT", "Port of vLLM.", String(SLOT_DEFAULTS.port)),
  one("vllm", "VLLM_CONTAINER", "Name of vLLM's container.", SLOT_DEFAULTS.container),
  one("vllm", "VLLM_IMAGE", "Docker image that the launch script starts.", SLOT_DEFAULTS.image),
  one("service", "DISABLED_SERVICES", `Services to hide, with commas between: ${services}.`, null),
  ...serviceVariables,
  one("service", "MATRIX_BRIDGE_USER", "Login name of the Matrix bridge; its tile is hidden without one.", null),
  one("service", "MATRIX_BRIDGE_DIR", "Checkout of the Matrix bridge.", "~/matrix-bridge"),
  one("service", "MATRIX_BRIDGE_BRANCH", "Branch of the Matrix bridge.", "main"),
  one("access", "ALLOWED_HOSTS", "Further names under which the dashboard may be opened, with commas between.", null),
  one("access", "CORS_ORIGINS", "Origins of other sites that may call the API, with commas between.", null),
  one("access", "TRUSTED_PROXIES", "Addresses or networks whose X-Forwarded-* headers count.", null),
];
