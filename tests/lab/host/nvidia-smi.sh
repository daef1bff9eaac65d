#!/bin/bash
# `nvidia-smi` of a lab host: the engines and ranks of the stand-in are what computes; a GB10 shows no memory of its own.
case "$*" in
  *--query-compute-apps*)
    for process in /proc/[0-9]*; do
      title=$(tr '\0' ' ' <"$process/cmdline" 2>/dev/null)
      case "$title" in VLLM::*) echo "${process#/proc/}, ${title%% *}, 90112" ;; esac
    done
    ;;
  *--query-gpu=*)
    fields=${*##*--query-gpu=}
    fields=${fields%% *}
    answer=""
    for field in ${fields//,/ }; do
      case "$field" in
        name) value="NVIDIA GB10" ;;
        index | utilization.gpu) value=0 ;;
        temperature.gpu) value=41 ;;
        power.draw) value=9.85 ;;
        clocks.sm) value=208 ;;
        *) value="[N/A]" ;;
      esac
      answer+=${answer:+, }$value
    done
    echo "$answer"
    ;;
  *) echo "NVIDIA-SMI 580.95.05" ;;
esac
