#!/bin/bash
# Brings up the Ray of one node, as the container's main process. Called as
#   run-cluster-node.sh --role head|node --host-ip IP --eth-if IF --ib-if IF [--head-ip IP]
# What vLLM must know goes to ~/.bashrc: the launch script runs the command in an interactive bash.
set -e
role="" host_ip="" eth_if="" head_ip=""
while [ $# -gt 0 ]; do
  case "$1" in
    -r | --role) role=$2 ;;
    -h | --host-ip) host_ip=$2 ;;
    -e | --eth-if) eth_if=$2 ;;
    -i | --ib-if) ;;
    -m | --head-ip) head_ip=$2 ;;
    *)
      echo "Unknown parameter passed: $1"
      exit 1
      ;;
  esac
  shift 2
done
for pair in "VLLM_HOST_IP=$host_ip" "NCCL_SOCKET_IFNAME=$eth_if" "GLOO_SOCKET_IFNAME=$eth_if"; do
  export "${pair?}"
  echo "export $pair" >>~/.bashrc
done
if [ "$role" = head ]; then
  exec ray start --block --head --port 6379 --node-ip-address "$host_ip"
fi
exec ray start --block --address="$head_ip:6379" --node-ip-address "$host_ip"
