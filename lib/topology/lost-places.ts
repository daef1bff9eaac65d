/** Places of models that a change of the configuration takes away, or makes into others: what stands there runs on. Pure. */
import { type Topology, usableNode } from "./topology.ts";

/** As the reservation lock knows it. */
export interface Place {
  /** Null: a vLLM beside the slots. */
  readonly slot: string | null;
  /** Names of Sparks. */
  readonly nodes: readonly string[];
}

/** A slot that gains a Spark is still where it was; one whose Spark is another machine by the same name is not. */
export function lostPlaces(before: Topology, after: Topology): Place[] {
  const machine = (topology: Topology, name: string) => {
    const node = usableNode(topology, name);
    return node ? `${node.host} ${node.ssh_port}` : null;
  };
  const isElsewhere = (name: string) => {
    const was = machine(before, name);
    return was !== null && machine(after, name) !== was;
  };
  const slots = before.slots.filter(({ name, nodes, port, container }) => {
    const now = after.slots.find((each) => each.name === name);
    return (
      now?.port !== port ||
      now.container !== container ||
      nodes.some((node) => !now.nodes.includes(node) || isElsewhere(node))
    );
  });
  const services = before.services.filter(({ kind, node }) => kind === "vllm" && node !== null && isElsewhere(node));
  return [
    ...slots.map(({ name, nodes }) => ({ slot: name, nodes })),
    ...services.map(({ node }) => ({ slot: null, nodes: node === null ? [] : [node] })),
  ];
}
