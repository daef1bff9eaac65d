/** The exact commands of a plan, for those who want them: what is stopped where, and the launch as it could be typed. */
import type { SparkControl } from "./cluster.ts";
import type { Facts, Target } from "./facts.ts";
import { type LaunchCommand, launchCommand, readDialect } from "./launch-command.ts";
import type { Plan } from "./swap.ts";
import type { Timing } from "./timing.ts";

interface Means {
  readonly control: Pick<SparkControl, "address">;
  readonly timing: Pick<Timing, "stopGraceSeconds">;
  readonly quote: (text: string) => string;
}

/** Without a launch script the launch is left out; the plan then says that it is missing. */
export async function planCommands(
  { control, timing, quote }: Means,
  { model, slot, nodes }: Target,
  { script, occupants }: Pick<Facts, "script" | "occupants">,
  signal: AbortSignal,
): Promise<Plan["commands"]> {
  const stops = occupants.flatMap((occupant) =>
    occupant.nodes.map((node) => ({
      node,
      command: `docker stop -t ${timing.stopGraceSeconds} ${quote(occupant.slot.container)}`,
    })),
  );
  const [head] = nodes;
  if (script === null || !head) return stops;
  const addresses = await Promise.all(nodes.map((node) => control.address(node, signal)));
  const place = { slot, addresses, ethIf: head.eth_if, ibIf: head.ib_if };
  const launch = launchCommand(model, place, readDialect(script), quote);
  return [...stops, { node: head.name, command: `cd ${head.launch_dir} && ${written(launch, quote)}` }];
}

function written(launch: LaunchCommand, quote: (text: string) => string): string {
  const env = Object.entries(launch.env).map(([name, value]) => `${name}=${quote(value)}`);
  return [...env, ...launch.argv.map(quote)].join(" ");
}
