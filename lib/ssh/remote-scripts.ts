/**
 * The scripts that the controller runs on a Spark; their arguments and answers are in docs/ARCHITECTURE.md. POSIX sh, for
 * dash, bash and BusyBox ash; beside the usual tools they need `flock` and `setsid` (util-linux or BusyBox).
 */
import { BOT_UPDATE } from "./bot-update-script.ts";
import { quote } from "./quote.ts";

export const EXIT_USAGE = 64;
export const EXIT_LOCK = 71;
export const EXIT_NO_FOLDER = 72;
export const EXIT_NOT_WRITABLE = 73;
export const EXIT_NOT_STARTED = 74;
export const EXIT_FENCED = 75;

const MIB = 1024 * 1024;
/** A log keeps its first and its last bytes; what lies between is dropped while it is being read. */
export const LOG_HEAD_BYTES = 4 * MIB;
export const LOG_TAIL_BYTES = 60 * MIB;

/** Jobs of which a node keeps the folder: a launch has one, and one for each log keeper. */
export const KEPT_JOBS = 40;

/** The folder of everything that the controller leaves on a Spark, private to the SSH user. */
const ROOT = `root=$HOME/.spark-control
LC_ALL=C
export LC_ALL
umask 077
`;

/**
 * put FILE LINE: writes a file in one step. By \`cat\`, because it tells why a write failed ("No space left on device"):
 * the printf of dash says "I/O error" whatever it was.
 */
const PUT = `put() { printf '%s\\n' "$2" | cat >"$1.tmp" && mv "$1.tmp" "$1"; }
`;

const CHECK_ID = `case $id in "" | *[!a-z0-9-]*) printf 'not a job id\\n' >&2; exit ${EXIT_USAGE} ;; esac
`;

/**
 * born PID: start time of a living process in clock ticks since boot, field 22 of /proc/PID/stat (proc(5)). The second
 * field, the program's name, may contain spaces and parentheses: count from behind its last one. Zombies count as dead.
 */
const BORN = `born() {
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  set -f
  set -- \${stat##*")"}
  set +f
  case $1 in Z | X | x) return 1 ;; esac
  printf '%s\\n' "\${20}"
}
boot_id() { cat /proc/sys/kernel/random/boot_id; }
`;

/** alive DIR: whether the recorded process still is the same one; sets pid, start and boot from the record. */
const ALIVE = `alive() {
  pid=- start=- boot=-
  [ -f "$1/process" ] || return 1
  read -r pid start boot <"$1/process"
  [ "$boot" = "$(boot_id)" ] && [ "$start" = "$(born "$pid")" ]
}
state_of() {
  if alive "$1"; then
    # Between looking at the one and the other it may have ended.
    if [ -f "$1/exit" ]; then state=exited; else state=running; fi
  elif [ ! -d "$1" ]; then state=absent
  elif [ -f "$1/exit" ]; then state=exited
  elif [ "$pid" = - ]; then state=prepared
  elif [ "$boot" != "$(boot_id)" ]; then state=rebooted
  else state=vanished
  fi
}
first_line() { if [ -s "$1" ]; then head -n 1 "$1"; else printf '%s\\n' "$2"; fi; }
`;

/**
 * The process of a job: leader of its own session and group, so that the group can be killed as one. It holds the
 * node's lock (file descriptor 9, inherited) until it has written down who it is: a job without a record has no process.
 */
const RUNNER = `dir=$1
shift
${BORN}${PUT}put "$dir/process" "$$ $(born "$$") $(boot_id)" || exit 1
exec 9>&-
( exec "$@" )
code=$?
put "$dir/exit" "$code"
`;

/**
 * Passes only the newest: takes the node's lock (file descriptor 9), refuses a foreign \`instance\` and a \`generation\` lower
 * than the highest seen, and remembers both. What follows happens under the lock.
 */
const FENCE = `${PUT}replace() { put "$1" "$2" || exit ${EXIT_NOT_WRITABLE}; }
mkdir -p "$root/jobs" || exit ${EXIT_NOT_WRITABLE}
exec 9>>"$root/lock" || exit ${EXIT_NOT_WRITABLE}
flock 9 || exit ${EXIT_LOCK}
known=$(cat "$root/instance" 2>/dev/null)
if [ -n "$known" ] && [ "$known" != "$instance" ]; then
  printf 'fenced instance %s\\n' "$known"
  exit ${EXIT_FENCED}
fi
highest=$(cat "$root/generation" 2>/dev/null)
case $highest in *[!0-9]*) printf '%s/generation cannot be understood\\n' "$root" >&2; exit ${EXIT_LOCK} ;; esac
if [ "$generation" -lt "\${highest:-0}" ]; then
  printf 'fenced generation %s\\n' "$highest"
  exit ${EXIT_FENCED}
fi
[ -n "$known" ] || replace "$root/instance" "$instance"
[ "$generation" = "$highest" ] || replace "$root/generation" "$generation"
`;

/** id, generation, instance, cwd, argv… */
export const JOB_START = `${ROOT}${BORN}${ALIVE}id=$1 generation=$2 instance=$3 cwd=$4
shift 4
${CHECK_ID}case $cwd in
/*) ;;
*) cwd=./$cwd ;;
esac
cd "$cwd" 2>/dev/null || { printf 'no such folder: %s\\n' "$cwd" >&2; exit ${EXIT_NO_FOLDER}; }
${FENCE}dir=$root/jobs/$id
if [ -f "$dir/process" ]; then
  printf 'existed\\n'
  exit 0
fi
mkdir -p "$dir" || exit ${EXIT_NOT_WRITABLE}
replace "$dir/generation" "$generation"
printf '%s\\n' "$@" | cat >"$dir/command" || exit ${EXIT_NOT_WRITABLE}
runner=${quote(RUNNER)}
setsid nohup sh -c "$runner" spark-job "$dir" "$@" </dev/null >>"$dir/log" 2>&1 &
exec 9>&-
exec 8>>"$root/lock"
flock 8
if ! [ -f "$dir/process" ]; then
  # Its own words went to its log; on a full disk they are not there.
  put "$dir/try" "" && rm -f "$dir/try"
  printf 'the process did not start\\n' >&2
  exit ${EXIT_NOT_STARTED}
fi
# Names begin with a UUIDv7: the newest first. The oldest go with their logs; one that still runs stays.
ls -1r "$root/jobs" | tail -n +${KEPT_JOBS + 1} | while read -r old; do
  case $old in "" | "$id" | *[!a-z0-9-]*) continue ;; esac
  state_of "$root/jobs/$old"
  case $state in exited | vanished | rebooted) rm -rf "$root/jobs/$old" ;; esac
done
printf 'started\\n'
`;

/**
 * id, offset, max bytes [, head bytes, tail bytes]. The middle of a long log is given back to the file system by punching
 * a hole: every byte keeps its offset and a writer is never in the way, so nothing is lost but what was meant to be.
 * The hole is written down first (`hole`: from, to), hence no reader takes its zeros for log.
 */
export const JOB_READ = `${ROOT}id=$1 offset=$2 max=$3 head=\${4:-${LOG_HEAD_BYTES}} tail=\${5:-${LOG_TAIL_BYTES}}
${CHECK_ID}${BORN}${ALIVE}dir=$root/jobs/$id
state_of "$dir"
exit=$(first_line "$dir/exit" -)
generation=$(first_line "$dir/generation" -)
size=0 from=0 to=0
if [ -f "$dir/log" ]; then
  size=$(($(wc -c <"$dir/log")))
  exec 7>>"$dir/log.lock"
  hole() { if [ -s "$dir/hole" ]; then read -r from to <"$dir/hole"; else from=$head to=$head; fi; }
  hole
  if [ $((size - to)) -gt $((tail + tail / 8)) ] && flock -n 7; then
    hole
    # Another reader may have gone further meanwhile: a hole never shrinks.
    if [ $((size - tail)) -gt "$to" ]; then
      to=$((size - tail))
      if printf '%s %s\\n' "$from" "$to" >"$dir/hole.tmp" && mv "$dir/hole.tmp" "$dir/hole"; then
        punch=/usr/bin/fallocate
        [ -x "$punch" ] || punch=fallocate
        "$punch" --punch-hole --offset "$from" --length $((to - from)) "$dir/log" 2>/dev/null
      fi
    fi
    flock -u 7
  fi
  flock -s 7
  hole
fi
[ "$offset" -le "$size" ] || offset=$size
end=$size
if [ "$from" -lt "$to" ] && [ "$offset" -lt "$to" ]; then
  if [ "$offset" -lt "$from" ]; then end=$from; else offset=$to; fi
fi
[ "$offset" -le "$end" ] || offset=$end
length=$((end - offset))
[ "$length" -le "$max" ] || length=$max
printf 'state %s\\nexit %s\\npid %s\\ngeneration %s\\nsize %s\\nstart %s\\n\\n' "$state" "$exit" "$pid" "$generation" "$size" "$offset"
if [ "$length" -gt 0 ]; then tail -c "+$((offset + 1))" "$dir/log" 2>/dev/null | head -c "$length"; fi
exit 0
`;

/**
 * id [, generation, instance]: with these the same fence stands in front as before a start or a stop, so that a controller
 * that was overtaken while it slept kills nothing. Answers once the leader is gone (up to about a second), so that a read
 * after it sees the end.
 */
export const JOB_KILL = `${ROOT}id=$1 generation=\${2:-} instance=\${3:-}
${CHECK_ID}${BORN}${ALIVE}dir=$root/jobs/$id
if [ -n "$instance" ]; then
${FENCE}fi
if ! alive "$dir" || ! kill -9 "-$pid" 2>/dev/null; then
  printf 'not running\\n'
  exit 0
fi
for turn in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  alive "$dir" || break
  sleep 0.05
done
printf 'killed\\n'
`;

/** No arguments. Ids begin with a UUIDv7, so that reverse order of names is newest first. */
export const JOB_LIST = `${ROOT}${BORN}${ALIVE}ls -1r "$root/jobs" 2>/dev/null | while read -r id; do
  [ -d "$root/jobs/$id" ] || continue
  state_of "$root/jobs/$id"
  printf '%s %s %s\\n' "$id" "$(first_line "$root/jobs/$id/generation" 0)" "$state"
done
exit 0
`;

/** No arguments. Two lines: the instance (empty when none), the highest generation (0 when none). */
export const FENCE_READ = `${ROOT}${ALIVE}first_line "$root/instance" ""
first_line "$root/generation" 0
`;

/** expected instance, new instance */
export const FENCE_TAKE_OVER = `${ROOT}expected=$1 instance=$2
mkdir -p "$root/jobs" || exit ${EXIT_NOT_WRITABLE}
exec 9>>"$root/lock" || exit ${EXIT_NOT_WRITABLE}
flock 9 || exit ${EXIT_LOCK}
known=$(cat "$root/instance" 2>/dev/null)
if [ -n "$known" ] && [ "$known" != "$expected" ] && [ "$known" != "$instance" ]; then
  printf 'fenced instance %s\\n' "$known"
  exit ${EXIT_FENCED}
fi
${PUT}put "$root/instance" "$instance" || exit ${EXIT_NOT_WRITABLE}
`;

/** Longest wait of the log keeper for its container, in seconds. */
export const LOG_KEEPER_WAIT_SECONDS = 600;

/**
 * container [, seconds to wait for it]. The text of a detached job's command. When \`docker logs\` ends although the container
 * is still there (the daemon restarted), it goes on from the second in which that happened: a line may come twice, none is lost.
 * Another container that has taken the name since has a log keeper of its own.
 */
export const LOG_KEEPER = `container=$1 patience=\${2:-${LOG_KEEPER_WAIT_SECONDS}}
id() { docker inspect --type container --format '{{.Id}}' "$container" 2>/dev/null; }
waited=0
until own=$(id); do
  if [ "$waited" -ge "$patience" ]; then
    printf 'container %s did not appear within %s s\\n' "$container" "$patience"
    exit 1
  fi
  sleep 1
  waited=$((waited + 1))
done
docker logs -f "$own" 2>&1
while :; do
  since=$(date +%s)
  sleep 1
  [ "$(id)" = "$own" ] || exit 0
  docker logs -f --since "$since" "$own" 2>&1
done
`;

/** generation, instance, seconds of grace, container. Its own exit code tells nothing: a look does. */
export const FENCED_STOP = `${ROOT}generation=$1 instance=$2 grace=$3 container=$4
${FENCE}docker stop -t "$grace" "$container" 9>&-
stopped=$?
# A launch gives its container --rm; one that was started otherwise would keep the name. Without -f a running one stays.
docker rm "$container" >/dev/null 2>&1 9>&-
case $stopped in ${EXIT_LOCK} | ${EXIT_NOT_WRITABLE} | ${EXIT_FENCED}) stopped=1 ;; esac
exit "$stopped"
`;

export const SCRIPTS = {
  "spark-job-start": JOB_START,
  "spark-job-read": JOB_READ,
  "spark-job-kill": JOB_KILL,
  "spark-job-list": JOB_LIST,
  "spark-fence-read": FENCE_READ,
  "spark-fence-take-over": FENCE_TAKE_OVER,
  "spark-fenced-stop": FENCED_STOP,
  "spark-log-keeper": LOG_KEEPER,
  "spark-bot-update": BOT_UPDATE,
} as const satisfies Readonly<Record<string, string>>;

export type ScriptName = keyof typeof SCRIPTS;
