/**
 * What a service tells systemd about itself: that it is ready, what it is doing, that it still lives
 * (`man 3 sd_notify`). Telling never fails the tunnel: a message that cannot be sent goes with the next.
 */

import { sendUnixDatagram } from "../../../ffi/unix_datagram_linux.ts";

/** What is read of the world; `cli/environment.ts` is one. */
export interface NotifyEnvironment {
  env(name: string): string | undefined;
  pid(): number;
}

export type SendDatagram = (name: string, datagram: Uint8Array) => void;

export class ServiceNotifier {
  /** So often `watchdog` is to be called; undefined when nobody waits for it. */
  readonly watchdogMs: number | undefined;
  readonly #socket: string;
  readonly #send: SendDatagram;
  /** Lines that could not be sent yet, by their names: a later one says more than an earlier one. */
  readonly #unsent = new Map<string, string>();

  private constructor(socket: string, watchdogMs: number | undefined, send: SendDatagram) {
    this.#socket = socket;
    this.watchdogMs = watchdogMs;
    this.#send = send;
  }

  /** Undefined when this process is no service that somebody waits for. */
  static open(
    environment: NotifyEnvironment,
    send: SendDatagram = sendUnixDatagram,
  ): ServiceNotifier | undefined {
    const socket = environment.env("NOTIFY_SOCKET");
    if (socket === undefined || !/^[/@]./.test(socket)) return undefined;
    return new ServiceNotifier(socket, watchdogPeriod(environment), send);
  }

  ready(status: string): void {
    this.#say({ READY: "1", STATUS: status });
  }

  /** What `systemctl status` shows. */
  status(text: string): void {
    this.#say({ STATUS: text });
  }

  stopping(): void {
    this.#say({ STOPPING: "1" });
  }

  watchdog(): void {
    this.#say({ WATCHDOG: "1" });
  }

  #say(lines: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(lines)) this.#unsent.set(name, oneLine(text));
    const message = [...this.#unsent].map(([name, text]) => `${name}=${text}`).join("\n");
    try {
      this.#send(this.#socket, new TextEncoder().encode(message));
      this.#unsent.clear();
    } catch {
      // systemd is busy, or is being replaced by a newer one.
    }
  }
}

/** Half of what systemd waits for, as it recommends. */
function watchdogPeriod(environment: NotifyEnvironment): number | undefined {
  const pid = environment.env("WATCHDOG_PID");
  if (pid !== undefined && pid !== String(environment.pid())) return undefined;
  const microseconds = environment.env("WATCHDOG_USEC") ?? "";
  if (!/^[1-9][0-9]{0,15}$/.test(microseconds)) return undefined;
  return Math.max(1, Math.floor(Number(microseconds) / 2000));
}

function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, " ");
}
