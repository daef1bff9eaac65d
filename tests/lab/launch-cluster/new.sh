#!/bin/bash
# Stand-in of launch-cluster.sh as it was in 2026-09: no Ray, arguments kept as they are, an action is required.
# Its faults are deliberate: they are what the controller has to live with.

NODES="" IMAGE="vllm-node" CONTAINER="vllm_node" ETH_IF="" IB_IF="" ACTION="" MASTER_PORT=29501
DAEMON="false" SOLO="false" CHECK="false" WAS_RUNNING="false" LAUNCH_SCRIPT=""
COMMAND_TO_RUN=() MODS=()
# One name for every launch: a second launch that fails removes the sentinel of the first.
SENTINEL=/tmp/vllm_cluster_running
RUN_OPTIONS="-v ${HF_HOME:-$HOME/.cache/huggingface}:/root/.cache/huggingface"
[[ -n "$VLLM_SPARK_EXTRA_DOCKER_ARGS" ]] && RUN_OPTIONS="$RUN_OPTIONS $VLLM_SPARK_EXTRA_DOCKER_ARGS"

usage() {
  echo "Usage: $0 [-n ips] [-t image] [--name container] [--eth-if if] [--ib-if if] [-e NAME=value] [-v from:to] [--apply-mod path] [--solo] [--no-ray] [--master-port port] [--launch-script file] [--check-config] [-d] start|stop|status|exec [command]"
  exit 1
}

while [[ $# -gt 0 ]]; do
  case "$1" in
    -n | --nodes) NODES=$2 && shift ;;
    -t) IMAGE=$2 && shift ;;
    --name) CONTAINER=$2 && shift ;;
    --eth-if) ETH_IF=$2 && shift ;;
    --ib-if) IB_IF=$2 && shift ;;
    -e | --env) RUN_OPTIONS="$RUN_OPTIONS -e $2" && shift ;;
    -v | --volume) RUN_OPTIONS="$RUN_OPTIONS -v $2" && shift ;;
    --nccl-debug) RUN_OPTIONS="$RUN_OPTIONS -e NCCL_DEBUG=$2" && shift ;;
    --apply-mod) MODS+=("$2") && shift ;;
    --master-port) MASTER_PORT=$2 && shift ;;
    --launch-script) LAUNCH_SCRIPT=$2 && shift ;;
    --solo) SOLO="true" ;;
    --no-ray) ;;
    --ray)
      echo "Error: this image has no Ray."
      exit 1
      ;;
    --check-config) CHECK="true" ;;
    -d) DAEMON="true" ;;
    -h | --help) usage ;;
    start | stop | status) ACTION=$1 ;;
    exec)
      ACTION="exec"
      shift
      COMMAND_TO_RUN=("$@")
      break
      ;;
    *)
      echo "Error: Unknown argument: $1"
      usage
      ;;
  esac
  shift
done
[[ -n "$LAUNCH_SCRIPT" ]] && ACTION="exec"
if [[ -z "$ACTION" && "$CHECK" == false ]]; then
  echo "Error: an action is required."
  usage
fi
for mod in "${MODS[@]}"; do
  if [[ ! -f "$mod/run.sh" && "$mod" != *.zip ]]; then
    echo "Error: --apply-mod '$mod' must be a directory with a run.sh, or a .zip file."
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
[[ "$SOLO" == true ]] && WORKERS=()
if [[ "$SOLO" == false && "$FOUND" == false ]]; then
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

[[ "$DAEMON" == false ]] && trap cleanup EXIT INT TERM HUP

apply_mods() { # apply_mods NODE-OR-EMPTY
  local on="" mod name from
  [[ -n "$1" ]] && on="ssh $1"
  for mod in "${MODS[@]}"; do
    name=$(basename "$mod" .zip)
    from=$(realpath "$mod")
    echo "Applying mod '$name' to ${1:-$LOCAL_IP}..."
    if [[ -n "$1" ]]; then
      ssh "$1" "mkdir -p /tmp/lab_mod" && scp -q -r "$mod" "$1:/tmp/lab_mod/"
      from=/tmp/lab_mod/$(basename "$mod")
    fi
    $on docker exec "$CONTAINER" mkdir -p "/workspace/mods/$name"
    if [[ "$mod" == *.zip ]]; then
      $on docker cp "$from" "$CONTAINER:/workspace/mods/$name/mod.zip"
      $on docker exec "$CONTAINER" unzip -q -d "/workspace/mods/$name" "/workspace/mods/$name/mod.zip"
    else
      $on docker cp "$from/." "$CONTAINER:/workspace/mods/$name/"
    fi
    if ! $on docker exec "$CONTAINER" bash "/workspace/mods/$name/run.sh"; then
      echo "Error: Patch script failed on ${1:-$LOCAL_IP}"
      exit 1
    fi
  done
}

start_cluster() {
  local worker running="" code
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
  local flags="-d --privileged --gpus all --rm --ipc=host --network host --name $CONTAINER $RUN_OPTIONS $IMAGE"
  echo "Starting Head Node on $LOCAL_IP..."
  docker run $flags sleep infinity
  code=$?
  if [[ $code -ne 0 ]]; then
    [[ ${#WORKERS[@]} -gt 0 ]] && exit 1
    # A daemon launch reports nothing of what it could not start.
    [[ "$DAEMON" == true ]] && exit 0
    exit $code
  fi
  for worker in "${WORKERS[@]}"; do
    echo "Worker $worker: starting its container."
    ssh "$worker" "docker run $flags sleep infinity" || exit 1
  done
  apply_mods ""
  for worker in "${WORKERS[@]}"; do apply_mods "$worker"; done
  if [[ -n "$LAUNCH_SCRIPT" ]]; then
    docker cp "$LAUNCH_SCRIPT" "$CONTAINER:/workspace/launch-script.sh"
  fi
}

# Runs in a container: the command writes to the container's own output; "guarded" ends it when the sentinel goes.
RUNNER='
mode=$1 sentinel=$2 code_file=$3
shift 3
if [ "$mode" = free ]; then exec "$@" >/proc/1/fd/1 2>/proc/1/fd/2; fi
"$@" >/proc/1/fd/1 2>/proc/1/fd/2 &
child=$!
while kill -0 $child 2>/dev/null; do
  [ -e "$sentinel" ] || kill -KILL $child
  sleep 0.2
done
wait $child
echo $? >"$code_file"
'

launch_ranks() {
  local mode=guarded code_file=/tmp/vllm_exit.$$ worker rank=0 nodes=$((${#WORKERS[@]} + 1)) code
  [[ "$DAEMON" == true ]] && mode=free
  local common=(--nnodes "$nodes" --master-addr "$LOCAL_IP" --master-port "$MASTER_PORT")
  local words
  for worker in "${WORKERS[@]}"; do
    rank=$((rank + 1))
    words=$(printf '%q ' bash -c "$RUNNER" runner $mode $SENTINEL $code_file "${COMMAND_TO_RUN[@]}" "${common[@]}" --node-rank $rank --headless)
    ssh "$worker" "docker exec $CONTAINER touch $SENTINEL; docker exec -d $CONTAINER $words"
  done
  docker exec "$CONTAINER" touch $SENTINEL
  docker exec -d "$CONTAINER" bash -c "$RUNNER" runner $mode $SENTINEL $code_file "${COMMAND_TO_RUN[@]}" "${common[@]}" --node-rank 0
  [[ "$DAEMON" == true ]] && exit 0
  docker exec "$CONTAINER" bash -c "while [ ! -e $code_file ]; do sleep 0.2; done; exit \$(cat $code_file)"
  code=$?
  echo "vLLM ended with $code."
  docker exec "$CONTAINER" rm -f $SENTINEL
  for worker in "${WORKERS[@]}"; do ssh "$worker" "docker exec $CONTAINER rm -f $SENTINEL"; done
  exit $code
}

start_cluster
[[ -n "$LAUNCH_SCRIPT" ]] && COMMAND_TO_RUN=(bash /workspace/launch-script.sh)
if [[ "$ACTION" == exec ]]; then
  echo "Executing command: ${COMMAND_TO_RUN[*]}"
  if [[ ${#WORKERS[@]} -gt 0 ]]; then
    launch_ranks
  elif [[ "$DAEMON" == true ]]; then
    docker exec -d "$CONTAINER" bash -c "$RUNNER" runner free - - "${COMMAND_TO_RUN[@]}"
  else
    FLAGS="-i"
    [[ -t 0 ]] && FLAGS="-it"
    docker exec $FLAGS "$CONTAINER" "${COMMAND_TO_RUN[@]}"
  fi
elif [[ "$DAEMON" == true ]]; then
  echo "The containers run in the background."
else
  echo "The containers run; following the head's log."
  docker logs -f "$CONTAINER" &
  wait $!
fi
