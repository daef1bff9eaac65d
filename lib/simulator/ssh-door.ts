/** sshd of a simulated host: two users, one key, exec only. */
import { createServer, type Server, type Socket } from "node:net";
import ssh2, { type AuthContext, type Connection, type ServerChannel, type Session } from "ssh2";
import { BOT_USER } from "./bot.ts";
import type { Invocation } from "./invocation.ts";
import type { Shell } from "./shell.ts";
import { HOME, type SimulatedSpark, USER } from "./spark.ts";
import { Ended } from "./speed.ts";

/** The Spark's own login, and that of its bot: one home for both. */
const USERS = new Set([USER, BOT_USER]);

/** As in sshd_config(5). */
const MAX_SESSIONS = 10;

export class SshDoor {
  #server: ssh2.Server;
  readonly #front: Server;
  readonly #sockets = new Set<Socket>();
  /** Accepted while nothing got through, or while sshd did not answer. */
  readonly #waiting = new Set<Socket>();
  readonly #authorized: ssh2.ParsedKey;
  #refusing = false;

  /** @param authorizedKey one line as in authorized_keys */
  constructor(
    private readonly spark: SimulatedSpark,
    private readonly cluster: readonly SimulatedSpark[],
    private readonly shell: Shell,
    authorizedKey: string,
  ) {
    const key = ssh2.utils.parseKey(authorizedKey);
    if (key instanceof Error) throw new Error("authorizedKey is no public key", { cause: key });
    this.#authorized = key;
    this.#server = this.#makeServer();
    this.#front = createServer((socket) => this.#accept(socket));
    spark.onHostKeyChange(() => {
      this.#server = this.#makeServer();
      this.#dropAll();
    });
    spark.network.watch((state) => void this.#networkChanged(state));
  }

  /** Listens on a free port. */
  open(): Promise<void> {
    return this.#listen(0);
  }

  /** Closes or opens the port itself; sessions that are open stay. */
  async refuse(refusing: boolean): Promise<void> {
    this.#refusing = refusing;
    await this.#settleFront();
  }

  async close(): Promise<void> {
    this.#dropAll();
    await this.#unlisten();
  }

  #makeServer(): ssh2.Server {
    const config = { hostKeys: [this.spark.hostKey.privateText], ident: "OpenSSH_9.6p1 Ubuntu-3ubuntu13" };
    return new ssh2.Server(config, (client) => this.#serve(client));
  }

  #listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#front.once("error", reject);
      this.#front.listen(port, this.spark.address, () => {
        this.#front.off("error", reject);
        const bound = this.#front.address();
        this.spark.sshPort = typeof bound === "object" && bound !== null ? bound.port : port;
        this.#listening(true);
        resolve();
      });
    });
  }

  #listening(open: boolean): void {
    this.spark.sshListening = open;
    this.spark.changes.notify();
  }

  #unlisten(): Promise<void> {
    if (!this.#front.listening) return Promise.resolve();
    this.#listening(false);
    return new Promise((resolve) => this.#front.close(() => resolve()));
  }

  async #networkChanged(state: string): Promise<void> {
    if (state === "down") this.#dropAll();
    for (const socket of this.#sockets) {
      if (state === "silent") socket.pause();
      else socket.resume();
    }
    await this.#settleFront();
    if (state !== "up" || this.spark.faults.pending("ssh_silent", this.spark.name)) return;
    for (const socket of this.#waiting) {
      this.#waiting.delete(socket);
      this.#server.injectSocket(socket);
    }
  }

  async #settleFront(): Promise<void> {
    const open = !this.#refusing && this.spark.network.state !== "down";
    if (open && !this.#front.listening) await this.#listen(this.spark.sshPort);
    if (!open) {
      const closing = this.#unlisten();
      if (this.spark.network.state === "down") this.#dropAll();
      await closing;
    }
  }

  #dropAll(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
    this.#waiting.clear();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.#waiting.delete(socket);
    });
    if (this.spark.network.state === "silent" || this.spark.faults.strikes("ssh_silent", this.spark.name)) {
      this.#waiting.add(socket);
      return;
    }
    this.#server.injectSocket(socket);
  }

  #serve(client: Connection): void {
    let sessions = 0;
    client.on("error", () => undefined);
    client.on("authentication", (context) => this.#authenticate(context));
    client.on("session", (accept, reject) => {
      if (sessions >= MAX_SESSIONS) return reject();
      sessions += 1;
      const session = accept();
      session.once("close", () => {
        sessions -= 1;
      });
      this.#session(session);
    });
  }

  #authenticate(context: AuthContext): void {
    if (this.#mayEnter(context)) context.accept();
    else context.reject(["publickey"]);
  }

  /** Without a signature the client only asks whether the key would do. */
  #mayEnter(context: AuthContext): boolean {
    const { faults, name } = this.spark;
    if (context.method !== "publickey" || !USERS.has(context.username)) return false;
    const { algo, data } = context.key;
    if (algo !== this.#authorized.type || !this.#authorized.getPublicSSH().equals(data)) return false;
    if (!context.signature) return !faults.pending("key_refused", name);
    if (faults.strikes("key_refused", name)) return false;
    return this.#authorized.verify(context.blob ?? Buffer.alloc(0), context.signature, context.hashAlgo) === true;
  }

  #session(session: Session): void {
    for (const refused of ["pty", "x11"] as const)
      session.on(refused, (_accept: unknown, reject: () => void) => reject?.());
    session.on("shell", (_accept, reject) => reject?.());
    session.on("sftp", (_accept, reject) => reject?.());
    session.once("exec", (accept, _reject, info) => {
      void this.#exec(accept(), info.command);
    });
  }

  async #exec(channel: ServerChannel, command: string): Promise<void> {
    const gone = new AbortController();
    channel.once("close", () => gone.abort(new Ended("channel closed")));
    channel.on("error", () => undefined);
    channel.resume();
    const call: Omit<Invocation, "argv"> = {
      spark: this.spark,
      cluster: this.cluster,
      env: { HOME, USER },
      cwd: HOME,
      stdio: {
        out: (data) => void (channel.writable && channel.write(data)),
        err: (data) => void (channel.writable && channel.stderr.write(data)),
      },
      signal: gone.signal,
      process: null,
    };
    try {
      await this.spark.network.whenUp(gone.signal);
      const code = await this.#collected(command, call);
      if (gone.signal.aborted) return;
      channel.exit(code);
      channel.end();
    } catch (error) {
      if (!(error instanceof Ended)) console.error("simulated command failed:", command.slice(0, 200), error);
      if (!gone.signal.aborted) channel.close();
    }
  }

  /** Runs the command and sends what it wrote once the host can be reached: packets of a host that cannot vanish. */
  async #collected(command: string, call: Omit<Invocation, "argv">): Promise<number> {
    const { out, err } = call.stdio;
    const pieces: (() => void)[] = [];
    const stdio = {
      out: (data: string | Uint8Array) => void pieces.push(() => out(data)),
      err: (data: string | Uint8Array) => void pieces.push(() => err(data)),
    };
    const code = await this.shell.line(command, { ...call, stdio });
    await this.spark.network.whenUp(call.signal);
    for (const send of pieces) send();
    return code;
  }
}
