#!/bin/bash
# Stand-in of launch-cluster.sh as it was in 2026-01: Ray always, arguments joined with blanks, no action means start.
# Its faults are deliberate: they are what the controller has to live with.

NODES="" IMAGE="vllm-node" CONTAINER="vllm_node" ETH_IF="" IB_IF=""
ACTION="start" COMMAND_TO_RUN="" DAEMON="false" CHECK="false" WAS_RUNNING="false"
MODS=()
WAIT_SECONDS=${LAB_WAIT_SECONDS:-60}
RUN_OPTIONS="-v $HOME/.cache/huggingface:/root/.cache/huggingface"
[[ -n "$VLLM_SPARK_EXTRA_DOCKER_ARGS" ]] && RUN_OPTIONS="$RUN_OPTIONS $VLLM_SPARK_EXTRA_DOCKER_ARGS"

usage() {
  echo "Usage: $0 [-n ips] [-t image] [--name container] [--eth-if if] [--ib-if if] [--apply-mod path] [--check-config] [-d] [start|stop|status|exec] [command]"
  exit 1
}

while [[ $# -gt 0 ]]; do
  case "$1" in
    -n | --nodes) NODES=$2 && shift ;;
    -t) IMAGE=$2 && shift ;;
    --name) CONTAINER=$2 && shift ;;
    --eth-if) ETH_IF=$2 && shift ;;
    --ib-if) IB_IF=$2 && shift ;;
    --nccl-debug) RUN_OPTIONS="$RUN_OPTIONS -e NCCL_DEBUG=$2" && shift ;;
    --apply-mod) MODS+=("$2") && shift ;;
    --check-config) CHECK="true" ;;
    -d) DAEMON="true" ;;
    -h | --help) usage ;;
    start | stop | status) ACTION=$1 ;;
    *)
      # An unknown word is the beginning of a command.
      ACTION="exec"
      [[ "$1" == exec ]] && shift
      COMMAND_TO_RUN="$@"
      break
      ;;
  esac
  shift
done

for mod in "${MODS[@]}"; do
  if [[ ! -f "$mod/run.sh" ]]; then
    echo "Error: --apply-mod '$mod' must be a directory with a run.sh."
    exit 1
  fi
done

LOCAL_IP=$(ip -o -f inet addr show "${ETH_IF:-enp1s0f1np1}" | awk '{print $4}' | cut -d/ -f1 | head -n 1)
if [[ -z "$LOCAL_IP" ]]; then
  echo "Error: Could not determine IP/CIDR for interface $ETH_IF"
  exit 1
fi
WORKERS=()
FOUND="false"
for ip in ${NODES//,/ }; do
  if [[ "$ip" == "$LOCAL_IP" ]]; then FOUND="true"; else WORKERS+=("$ip"); fi
done
if [[ "$FOUND" == "false" ]]; then
  echo "Error: Local IP ($LOCAL_IP) is not in the list of nodes ($NODES)."
  exit 1
fi
echo "Head Node: $LOCAL_IP"
echo "Worker Nodes: ${WORKERS[*]}"
echo "Container Name: $CONTAINER"
echo "Image Name: $IMAGE"
echo "Action: $ACTION"

if [[ "$ACTION" == start || "$ACTION" == exec || "$CHECK" == true ]]; then
  for worker in "${WORKERS[@]}"; do
    if ! ssh -o ConnectTimeout=5 -o StrictHostKeyChecking=no -o BatchMode=yes "$worker" : 2>/dev/null; then
      echo "Error: Passwordless SSH to $worker failed."
      exit 1
    fi
    echo "  $worker answers over SSH"
  done
fi
if [[ "$CHECK" == true ]]; then
  echo "The configuration is in order."
  exit 0
fi

cleanup() {
  trap - EXIT INT TERM HUP
  if [[ "$WAS_RUNNING" == true ]]; then
    echo "The containers ran before; they are left as they are."
    return
  fi
  echo ""
  echo "Stopping cluster..."
  docker stop "$CONTAINER" >/dev/null 2>&1 || true
  for worker in "${WORKERS[@]}"; do
    echo "Worker $worker: stopping its container."
    ssh "$worker" "docker stop $CONTAINER" >/dev/null 2>&1 || true
  done
  echo "Cluster stopped."
}

if [[ "$ACTION" == stop ]]; then
  cleanup
  exit 0
fi

if [[ "$ACTION" == status ]]; then
  if docker ps | grep -q "$CONTAINER"; then
    echo "[HEAD] $LOCAL_IP: Container '$CONTAINER' is RUNNING."
    docker exec "$CONTAINER" ray status || echo "Failed to get ray status."
  else
    echo "[HEAD] $LOCAL_IP: Container '$CONTAINER' is NOT running."
  fi
  for worker in "${WORKERS[@]}"; do
    if ssh "$worker" "docker ps | grep -q '$CONTAINER'"; then
      echo "[WORKER] $worker: Container '$CONTAINER' is RUNNING."
    else
      echo "[WORKER] $worker: Container '$CONTAINER' is NOT running."
    fi
  done
  exit 0
fi

if [[ "$DAEMON" == false || "$ACTION" == exec ]]; then
  trap cleanup EXIT INT TERM HUP
fi

apply_mods() { # apply_mods NODE-OR-EMPTY
  local on="" mod name from
  [[ -n "$1" ]] && on="ssh $1"
  for mod in "${MODS[@]}"; do
    name=$(basename "$mod")
    from=$(realpath "$mod")
    echo "Applying mod '$name' to ${1:-$LOCAL_IP}..."
    if [[ -n "$1" ]]; then
      from=/tmp/lab_mod_$name
      ssh "$1" "mkdir -p $from" && scp -q -r "$mod"/* "$1:$from/"
    fi
    $on docker exec "$CONTAINER" mkdir -p "/workspace/mods/$name"
    $on docker cp "$from/." "$CONTAINER:/workspace/mods/$name/"
    if ! $on docker exec "$CONTAINER" bash "/workspace/mods/$name/run.sh"; then
      echo "Error: Patch script failed on ${1:-$LOCAL_IP}"
      exit 1
    fi
  done
}

start_cluster() {
  local worker waited=0 running=""
  docker ps --format '{{.Names}}' | grep -q "^${CONTAINER}$" && running="head node ($LOCAL_IP)"
  for worker in "${WORKERS[@]}"; do
    ssh "$worker" "docker ps --format '{{.Names}}' | grep -q '^${CONTAINER}$'" && running="worker node ($worker)"
  done
  if [[ -n "$running" ]]; then
    echo "Warning: Container '$CONTAINER' is already running on $running."
    echo "Containers of that name are already running. Skipping launch."
    WAS_RUNNING="true"
    return
  fi
  local node="./run-cluster-node.sh --eth-if $ETH_IF --ib-if $IB_IF"
  local flags="-d --privileged --gpus all --rm --ipc=host --network host --name $CONTAINER $RUN_OPTIONS $IMAGE"
  echo "Starting Head Node on $LOCAL_IP..."
  docker run $flags $node --role head --host-ip "$LOCAL_IP"
  for worker in "${WORKERS[@]}"; do
    echo "Worker $worker: starting its container."
    ssh "$worker" "docker run $flags $node --role node --host-ip $worker --head-ip $LOCAL_IP"
  done
  apply_mods ""
  for worker in "${WORKERS[@]}"; do apply_mods "$worker"; done

  echo "Waiting for Ray."
  while [[ $waited -lt $WAIT_SECONDS ]]; do
    if docker exec "$CONTAINER" ray status >/dev/null 2>&1; then
      echo "Ray answers on the head."
      sleep $((WAIT_SECONDS / 12))
      return
    fi
    sleep 1
    waited=$((waited + 1))
  done
  echo "Ray did not come up in time."
  exit 1
}

start_cluster
if [[ "$ACTION" == exec ]]; then
  echo "Running on the head: $COMMAND_TO_RUN"
  FLAGS="-i"
  [[ -t 0 ]] && FLAGS="-it"
  docker exec $FLAGS "$CONTAINER" bash -i -c "$COMMAND_TO_RUN"
elif [[ "$DAEMON" == true ]]; then
  echo "The containers run in the background."
else
  echo "The containers run; following the head's log."
  docker logs -f "$CONTAINER" &
  wait $!
fi
