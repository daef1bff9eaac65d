#!/bin/bash
# `docker` of a lab host: podman, made to answer as Docker does where the difference shows.
pod=(podman --root /run/lab/pod --runroot /run/pod --tmpdir /run/libpod --storage-driver overlay
  --storage-opt additionalimagestore=/run/lab-images --cgroup-manager cgroupfs --runtime runc --events-backend file)

# podman's words for a container or image that is not there, in Docker's.
translate_errors() {
  sed -E -u \
    -e '/^time="/d' \
    -e 's/^Error: .*no container with (name or ID|ID or name) "?([^" ]+)"?.*$/Error response from daemon: No such container: \2/' \
    -e 's/^Error: .*no such container:? "?([^" ]+)"?.*$/Error: No such container: \1/' \
    -e 's/^Error: .*no such object: "?([^" ]+)"?.*$/Error: No such object: \1/' \
    -e 's/^Error: .*[: ]([^ :]+): image not known.*$/Error response from daemon: No such image: \1/' \
    -e 's/^Error: .*can only (create exec sessions on|.*) running containers.*$/Error response from daemon: container is not running/'
}

# podman ends with 125 for whatever it could not do; Docker does so for `run` only.
docker_code() { if [ "$1" = 125 ]; then return 1; else return "$1"; fi; }

# Runs podman with its stdout as it is and its stderr translated. The translation is waited for: whoever reads this
# command's output up to its end must have read the error too.
quiet() {
  local code
  {
    "${pod[@]}" "$@" 2>&1 >&3 3>&- | translate_errors >&2
    code=${PIPESTATUS[0]}
  } 3>&1
  docker_code "$code"
}

pid_of() { "${pod[@]}" container inspect --format '{{.State.Pid}}' "$1" 2>/dev/null; }

# Everything up to the image is docker's; what follows belongs to the container and is left alone.
run() {
  local args=()
  while [ $# -gt 0 ]; do
    case "$1" in
      --ulimit) shift ;;
      --ulimit=*) ;;
      -d | -i | -t | -it | -ti | -id | -dit | --detach | --interactive | --tty | --rm | --privileged | --init | --read-only | --*=*)
        args+=("$1")
        ;;
      -v | --volume)
        # Docker makes a missing source of a bind mount; podman refuses.
        case "$2" in /*) [ -e "${2%%:*}" ] || mkdir -p "${2%%:*}" ;; esac
        args+=("$1" "$2")
        shift
        ;;
      -*)
        args+=("$1" "$2")
        shift
        ;;
      *) break ;;
    esac
    shift
  done
  if [ $# -gt 0 ] && ! "${pod[@]}" image exists "$1" 2>/dev/null; then
    case "${1##*/}" in *:*) tagged=$1 ;; *) tagged=$1:latest ;; esac
    echo "Unable to find image '$tagged' locally" >&2
    echo "docker: Error response from daemon: pull access denied for ${tagged%:*}, repository does not exist or may require 'docker login': denied: requested access to the resource is denied" >&2
    exit 125
  fi
  exec "${pod[@]}" run --pull never --cgroup-parent "/$(cat /run/lab/cgroup)" --log-driver k8s-file \
    --ulimit nofile=1024:1024 --ulimit nproc=1000:1000 "${args[@]}" "$@"
}

# Docker's table, template or JSON (one object a line, every value a string). podman leaves out a container that is
# being stopped, although it still runs: so all are asked for, and those that have ended are left out here.
ps_containers() {
  local args=() all="" format="" quiet_ids=""
  while [ $# -gt 0 ]; do
    case "$1" in
      --format)
        format=$2
        shift
        ;;
      --format=*) format=${1#--format=} ;;
      -a | --all) all=1 ;;
      -q | --quiet) quiet_ids=1 ;;
      -aq | -qa) all=1 quiet_ids=1 ;;
      *) args+=("$1") ;;
    esac
    shift
  done
  [ -n "$quiet_ids" ] && format='{{.ID}}'
  case "$format" in
    "")
      quiet ps ${all:+-a} "${args[@]}" | sed -E -e 's/(Up [^"]*[a-z]) ago/\1   /' -e 's#localhost/([^: "]+):latest#\1#'
      return "${PIPESTATUS[0]}"
      ;;
    json | '{{json .}}')
      format='{"Command":{{json .Command}},"CreatedAt":"{{.CreatedAt}}","ID":"{{.ID}}","Image":"{{.Image}}","Labels":"","LocalVolumes":"0","Mounts":"","Names":"{{.Names}}","Networks":"host","Ports":"{{.Ports}}","RunningFor":"{{.RunningFor}}","Size":"0B","State":"{{.State}}","Status":"{{.Status}}"}'
      ;;
  esac
  quiet ps -a "${args[@]}" --format "{{.Status}}#$format" | {
    if [ -n "$all" ]; then cat; else grep -vE '^(Exited|Created|Initialized|Removing|Dead)[^#]*#'; fi
  } | sed -E -e 's/^[^#]*#//' -e 's/(Up [^"]*[a-z]) ago/\1/g' -e 's#localhost/([^: "]+):latest#\1#g' \
    -e 's/"State":"(Up|Stopping)[^"]*"/"State":"running"/' -e 's/"Status":"Stopping"/"Status":"Up 1 second"/' -e 's/"State":"Exited[^"]*"/"State":"exited"/' \
    -e 's/"State":"Created[^"]*"/"State":"created"/'
  return "${PIPESTATUS[0]}"
}

top_container() {
  local pid namespace pids="" other
  pid=$(pid_of "$1")
  if [ -z "$pid" ]; then
    echo "Error response from daemon: No such container: $1" >&2
    exit 1
  fi
  if [ "$pid" = 0 ]; then
    echo "Error response from daemon: container $1 is not running" >&2
    exit 1
  fi
  namespace=$(readlink "/proc/$pid/ns/pid")
  for other in /proc/[0-9]*; do
    [ "$(readlink "$other/ns/pid" 2>/dev/null)" = "$namespace" ] && pids+=${pids:+,}${other#/proc/}
  done
  ps -ww -o uid,pid,ppid,c,stime,tty,time,args -p "$pids"
}

# Docker omits the health of a container that has no check, and writes image ids with their algorithm, those of containers bare.
inspect() { # inspect KEY-OF-THE-IMAGE-ID ARG…
  local key=$1 prefix='s/^[0-9a-f]{64}$/sha256:&/'
  shift
  if [[ $key = Image && $* = *"{{.Id}}"* ]]; then prefix=; fi
  quiet "$@" | sed -E \
    -e '/^ *"Health": \{$/,/^ *\},?$/d' \
    -e "s/^( *\"$key\": \")([0-9a-f]{64}\")/\\1sha256:\\2/" \
    -e "$prefix" -e 's/^stopping$/running/' \
    -e '/"Status": "stopping"/{s/stopping/running/;n;s/false/true/}' \
    -e 's#localhost/([^: "]+):latest#\1#g'
  return "${PIPESTATUS[0]}"
}

# Just enough of Compose for one service: `compose up -d --build` in a folder with a compose.yaml.
compose() {
  local name image words build
  field() { sed -nE "s/^ *$1: *\"?([^\"]*)\"?$/\1/p" compose.yaml | head -n 1; }
  if [ "$*" != "up -d --build" ]; then
    echo "unknown docker command: \"compose $*\"" >&2
    exit 1
  fi
  if [ ! -f compose.yaml ]; then
    echo "no configuration file provided: not found" >&2
    exit 14
  fi
  name=$(field container_name) image=$(field image) words=$(field command) build=$(field x-lab-build)
  echo "#1 building $name"
  if [ -n "$build" ]; then bash -c "$build" || exit 17; fi
  echo " Container $name  Recreate"
  "${pod[@]}" rm -f -t 0 "$name" >/dev/null 2>&1
  (run -d --network host --ipc=host --name "$name" "$image" sh -c "$words" >/dev/null) || exit 1
  echo " Container $name  Started"
}

command=$1
case "$command" in
  compose)
    shift
    compose "$@"
    ;;
  run)
    shift
    run "$@"
    ;;
  ps)
    shift
    ps_containers "$@"
    ;;
  container)
    case "$2" in
      ls | ps)
        shift 2
        ps_containers "$@"
        ;;
      *) inspect Image "$@" ;;
    esac
    ;;
  top)
    top_container "$2"
    ;;
  image) inspect Id "$@" ;;
  inspect) inspect Image "$@" ;;
  exec)
    # Docker prints nothing for a detached exec; podman prints an id.
    for word in "${@:2}"; do
      case "$word" in
        -d | --detach) exec "${pod[@]}" "$@" >/dev/null ;;
        -*) ;;
        *) break ;;
      esac
    done
    "${pod[@]}" "$@"
    docker_code $?
    ;;
  logs)
    if ! "${pod[@]}" container exists "${!#}"; then
      echo "Error response from daemon: No such container: ${!#}" >&2
      exit 1
    fi
    exec "${pod[@]}" "$@"
    ;;
  stop)
    shift
    quiet stop -t "${LAB_STOP_SECONDS:-10}" "$@"
    code=$?
    # podman leaves the removal of --rm to a process of its own, which may take its time; Docker's is there at once.
    for _ in {1..50}; do
      [ "$("${pod[@]}" container inspect --format '{{.State.Status}} {{.HostConfig.AutoRemove}}' "${!#}" 2>/dev/null)" = "exited true" ] || break
      sleep 0.1
    done
    exit $code
    ;;
  rm)
    # Docker kills at once where podman would wait ten seconds.
    case " $* " in *" -f "* | *" --force "*) quiet "$@" -t 0 ;; *) quiet "$@" ;; esac
    ;;
  "")
    echo "usage: docker COMMAND" >&2
    exit 1
    ;;
  *) quiet "$@" ;;
esac
