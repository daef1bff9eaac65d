/** What `cat …/launch-cluster.sh` shows: enough of each release for a reader to tell its dialect. */
import type { Dialect } from "./launch-options.ts";

const OLD = `#!/bin/bash
# Simulated stand-in for launch-cluster.sh as of January 2026.
# Usage: launch-cluster.sh [-n <node_ips>] [-t <image>] [--name <container>] [--eth-if <if>] [--ib-if <if>]
#        [--apply-mod <path>] [--check-config] [-d] [start|stop|status|exec] [command]
while [[ "$#" -gt 0 ]]; do
    case $1 in
        start|stop|status) ACTION="$1" ;;
        exec) ACTION="exec"; shift; COMMAND_TO_RUN="$@"; break ;;
        *) ACTION="exec"
           COMMAND_TO_RUN="$@"
           break ;;
    esac
    shift
done
docker exec -i "$CONTAINER_NAME" bash -i -c "$COMMAND_TO_RUN"
`;

const NEW = `#!/bin/bash
# Simulated stand-in for launch-cluster.sh as of September 2026.
# Usage: launch-cluster.sh [-n <node_ips>] [-t <image>] [--name <container>] [--eth-if <if>] [--ib-if <if>]
#        [-e|--env NAME=value] [-v|--volume a:b] [--apply-mod <path>] [--solo] [--ray|--no-ray] [--master-port <port>]
#        [--launch-script <path>] [--check-config] [-d] start|stop|status|exec [command]
while [[ "$#" -gt 0 ]]; do
    case $1 in
        --solo) SOLO_MODE="true" ;;
        start|stop|status) ACTION="$1" ;;
        exec) ACTION="exec"; shift
              COMMAND_TO_RUN=("$@")
              break ;;
        *) echo "Error: Unknown argument: $1"; exit 1 ;;
    esac
    shift
done
docker exec -i "$CONTAINER_NAME" "\${COMMAND_TO_RUN[@]}"
`;

export function launchScriptText(dialect: Dialect): string {
  return dialect === "old" ? OLD : NEW;
}
