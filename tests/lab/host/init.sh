#!/bin/bash
# PID 1 of a lab host, in namespaces of its own: init.sh STATE STORE NAME USER ADDRESS
# Standard input is the power cord: one line says that the network is there, its end (the owner has died) ends the host.
set -e
state=$1 store=$2 name=$3 user=$4 address=$5

hostname "$name"
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lab /run/lab-images /run/sshd
mount --bind "$state" /run/lab
mount --bind "$store" /run/lab-images
mount -t tmpfs -o mode=755 tmpfs /home
mkdir "/home/$user"
mount --bind /run/lab/home "/home/$user"
# podman keeps its lock segment in /dev/shm: shared between hosts, a reboot of one would break the other.
mount -t tmpfs tmpfs /dev/shm
mount --bind /run/lab/passwd /etc/passwd
mount --bind /run/lab/hosts /etc/hosts
cat /proc/sys/kernel/random/uuid >/run/boot_id
mount --bind /run/boot_id /proc/sys/kernel/random/boot_id
mount --bind /run/lab/meminfo /proc/meminfo
mount -t tmpfs -o mode=1777 tmpfs /tmp

export PATH=/run/lab/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/home/$user
cd /
# What had --rm does not come back after a power cut; anything else is left, stopped, as dockerd leaves it.
if [ -s /run/lab/pod/overlay-containers/containers.json ]; then
  for id in $(docker ps -aq); do
    case $(docker inspect --format '{{.HostConfig.AutoRemove}}' "$id") in true) docker rm -f "$id" >/dev/null ;; esac
  done
fi
read -r _
/usr/sbin/sshd -f /run/lab/sshd_config -E /run/lab/sshd.log -o "ListenAddress=$address" </dev/null
echo up >/run/lab/up
# bash reaps whatever is handed to PID 1 while it waits here.
while read -r _; do :; done
