/**
 * branch, seconds. The text of a detached job's command, in the checkout of a bot and as its own user. git asks for no
 * password, because there is nobody to answer. The watchman looks each second, so that none is left once the work is done.
 */
export const BOT_UPDATE = `branch=$1 limit=$2
GIT_TERMINAL_PROMPT=0
export GIT_TERMINAL_PROMPT
main=$$
(
  while [ "$limit" -gt 0 ]; do
    sleep 1
    kill -0 "$main" 2>/dev/null || exit 0
    limit=$((limit - 1))
  done
  printf '\n::timeout\n'
  kill -9 0
) &
step() {
  printf '\n::step %s\n' "$1"
  shift
  "$@"
  code=$?
  [ "$code" = 0 ] && return
  printf '\n::failed %s\n' "$code"
  exit "$code"
}
step fetch git fetch origin
step reset git reset --hard "origin/$branch"
step build docker compose up -d --build
`;
