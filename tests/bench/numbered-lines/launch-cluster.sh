#!/bin/bash
# A launch that only logs: COUNT numbered lines, each with the moment it was written (Unix ms), RATE a second; then ends.
# Both figures come from the file beside it.
source "$(dirname "$0")/figures"

case " $* " in *" exec "*) ;; *) exit 0 ;; esac

# A descriptor on which nothing ever arrives: reading from it with a limit waits without starting a process.
exec 9<> <(:)
begun=${EPOCHREALTIME/[.,]/}
for ((number = 1; number <= COUNT; number++)); do
  due=$((begun + number * 1000000 / RATE))
  while now=${EPOCHREALTIME/[.,]/} && ((now < due)); do read -rt 0.002 -u 9 _; done
  printf 'line %06d %d\n' "$number" "$((now / 1000))"
done
exit 3
