const SILENT = `
import socket, sys
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(0)
waiting = [socket.socket() for _ in range(4)]
for one in waiting:
    one.setblocking(False)
    one.connect_ex(listener.getsockname())
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
`;

/** A listener that accepts nothing, with its queue full: what more comes is not answered, as by a host that is gone. Needs python3. */
export async function silentListener(): Promise<{ readonly child: Bun.Subprocess; readonly port: number }> {
  const child = Bun.spawn(["python3", "-c", SILENT], { stdin: "pipe", stdout: "pipe" });
  const { value } = await child.stdout.getReader().read();
  return { child, port: Number(new TextDecoder().decode(value).trim()) };
}
