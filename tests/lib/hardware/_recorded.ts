/** What Sparks and other machines have said to the questions of a card. */
import { type Answers, answersIn } from "../../../lib/hardware/questions.ts";

const NOTHING = answersIn([]);

const MEMINFO = `MemTotal:       125518228 kB
MemFree:        20461276 kB
MemAvailable:   24120388 kB
Buffers:          310244 kB
Cached:          4105880 kB
SwapTotal:      16777212 kB
`;
const STAT = `cpu  2255 34 2290 22625563 6290 127 456 0 0 0
cpu0 1132 34 1441 11311718 3675 127 438 0 0 0
cpu1 1123 0 849 11313845 2614 0 18 0 0 0
intr 114930548 113199788 3 0 5 263 0 4 0 0
ctxt 1990473
btime 1769860000
`;
const DF = `Filesystem     1024-blocks       Used  Available Capacity Mounted on
/dev/nvme0n1p2  3844550000 1126400000 2522000000      31% /
`;

/** GB10, driver 580: memory, limits and memory clock are not available. */
export const GB10: Answers = {
  gpu: "NVIDIA GB10, 580.95.05, 96, 71, 62.35, [N/A], 2418, [N/A], P0\n",
  gpuProcesses: "48213, VLLM::EngineCore, 98304\n51220, /usr/bin/python3.12, 4312\n3311, /usr/lib/xorg/Xorg, [N/A]\n",
  memory: MEMINFO,
  cpu: STAT,
  load: "4.41 4.02 3.12 3/912 48213\n",
  uptime: "266531.17 5120984.40\n",
  cacheDisk: DF,
  homeDisk: DF,
  interfaces: `[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP","LOWER_UP"],"link_type":"loopback","address":"00:00:00:00:00:00","addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8}]},{"ifindex":2,"ifname":"enP7s7","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"operstate":"UP","link_type":"ether","address":"02:bb:47:00:00:01","addr_info":[{"family":"inet","local":"10.77.0.11","prefixlen":24},{"family":"inet6","local":"fe80::1"}]},{"ifindex":9,"ifname":"tailscale0","flags":["POINTOPOINT","MULTICAST","NOARP","UP","LOWER_UP"],"operstate":"UNKNOWN","link_type":"none","linkinfo":{"info_kind":"tun"},"addr_info":[{"family":"inet","local":"100.64.0.1","prefixlen":32}]},{"ifindex":11,"ifname":"home","flags":["POINTOPOINT","NOARP","UP","LOWER_UP"],"operstate":"UNKNOWN","link_type":"none","linkinfo":{"info_kind":"wireguard"},"addr_info":[{"family":"inet","local":"10.77.13.2","prefixlen":32}]}]\n`,
  interfacesText: "",
  processes: `    PID   RSS COMMAND
      1 13204 /sbin/init splash
  48213 3811232 VLLM::EngineCore
  48102 1504220 /usr/bin/python3 /usr/local/bin/vllm serve openai/gpt-oss-120b --api-key hunter2
  51220  912344 python3 -m kokoro.server --port 8880
   3311  120044 /usr/lib/xorg/Xorg vt2
`,
};

/** A driver that has failed, and one that is not installed. */
export const NO_DRIVER: Answers = {
  ...GB10,
  gpu: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.\n\n",
  gpuProcesses: "sh: 1: nvidia-smi: not found\n",
};

/** BusyBox: `ps` and `ip` of its own, a `df` that folds, no nvidia-smi. */
export const BUSYBOX: Answers = {
  ...NOTHING,
  gpu: "timeout: can't execute 'nvidia-smi': No such file or directory\n",
  gpuProcesses: "timeout: can't execute 'nvidia-smi': No such file or directory\n",
  memory: MEMINFO,
  cpu: STAT,
  load: "0.00 0.01 0.05 1/123 456\n",
  uptime: "71.32 138.11\n",
  cacheDisk: "df: /home/alice/.cache/huggingface: No such file or directory\n",
  homeDisk:
    "Filesystem           1024-blocks    Used Available Capacity Mounted on\noverlay               61255492  21100000  37012332  36% /\n",
  interfaces: `BusyBox v1.36.1 (2024-01-01) multi-call binary.\n\nUsage: ip [OPTIONS] address|route|link|tunnel|neigh|rule [ARGS]\n`,
  interfacesText: `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
4: eth0@if5: <BROADCAST,MULTICAST,UP,LOWER_UP,M-DOWN> mtu 1500 qdisc noqueue
    link/ether 02:42:ac:11:00:02 brd ff:ff:ff:ff:ff:ff
    inet 172.17.0.1/16 brd 10.77.255.255 scope global eth0
6: wg0: <POINTOPOINT,NOARP,UP,LOWER_UP> mtu 1420 qdisc noqueue qlen 1000
    link/[65534]
    inet 10.77.13.7/32 scope global wg0
7: wg1: <POINTOPOINT,NOARP,UP,LOWER_UP> mtu 1420 qdisc noqueue qlen 1000
    link/none
    inet 10.77.13.8/32 scope global wg1
`,
  processes: `PID   RSS  COMMAND
    1 1204 init
  812 1.2g python3 serve.py
  813 412m /usr/bin/qdrant --config x
`,
};
